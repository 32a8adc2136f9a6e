"""Public replies: market list, book, ticker, and the calls used outside the engine. Pure; all raise `Malformed`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from arbbot.bitstamp.wire import (
    JsonObject,
    JsonValue,
    Malformed,
    as_list,
    as_object,
    decimal_field,
    number,
    optional_text,
    positive,
    side_of_type,
    small_integer,
    symbol_of_name,
    text,
)
from arbbot.domain.book import Book, BookError
from arbbot.domain.market import Instrument, Side

_MAX_STAMP_DIGITS = 19


@dataclass(frozen=True, slots=True)
class Ticker:
    """Best prices and last trade of one market."""

    market: str
    bid: Decimal
    ask: Decimal
    last: Decimal


@dataclass(frozen=True, slots=True)
class Candle:
    """One interval's prices and base volume; `start_s` in unix seconds."""

    start_s: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@dataclass(frozen=True, slots=True)
class PublicTrade:
    """Somebody's trade; `side` is the taker's."""

    trade_id: int
    date_s: int
    price: Decimal
    size: Decimal
    side: Side


@dataclass(frozen=True, slots=True)
class ConversionRate:
    """The venue's own EUR/USD rate, USD per EUR: what it pays for a euro and what it takes."""

    buy: Decimal
    sell: Decimal


def microtimestamp(row: JsonObject) -> int:
    """The venue's microseconds of a book's last change: digits, kept as an integer (a float would lose the last)."""
    value = row.get("microtimestamp")
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= _MAX_STAMP_DIGITS:
        return int(value)
    raise Malformed("microtimestamp is not microseconds")


def make_book(symbol: str, stamp: int, bids: JsonValue, asks: JsonValue) -> Book:
    """A book over parsed rows; prices must be texts, for a JSON float would not be exact. Deeper rows are read when
    walked.
    """
    if type(bids) is not list or type(asks) is not list:
        raise Malformed("book sides are not lists")
    try:
        if (bids and type(bids[0][0]) is not str) or (asks and type(asks[0][0]) is not str):
            raise Malformed("prices are not texts")
        return Book(symbol, stamp, bids, asks)
    except (BookError, LookupError, TypeError) as error:
        raise Malformed("touch is not a price") from error


def book(parsed: JsonValue, market: str) -> Book:
    """`order_book/{market}/`, aggregated; full depth."""
    row = as_object(parsed, "book")
    return make_book(market, microtimestamp(row), row.get("bids"), row.get("asks"))


def ticker(parsed: JsonValue, market: str) -> Ticker:
    """`ticker/{market}/`. An unknown market is answered with the list of all: Malformed."""
    row = as_object(parsed, "ticker")
    return Ticker(market, decimal_field(row, "bid"), decimal_field(row, "ask"), decimal_field(row, "last"))


def tickers(parsed: JsonValue) -> tuple[Ticker, ...]:
    """`ticker/`: every market that can be read; the name stands in `market` (older: `pair`)."""
    rows = [as_object(row, "ticker") for row in as_list(parsed, "tickers")]
    return tuple(ticker(row, symbol_of_name(row.get("market") or row.get("pair"))) for row in rows)


def instrument(row: JsonObject) -> tuple[Instrument, bool]:
    """One market of either list, and whether it trades.

    `markets/` writes `market_symbol` and `minimum_order_value`; the obsolete `trading-pairs-info/` writes
    `url_symbol`, `minimum_order` ("20.0 USD") and names the currencies only in `name`.
    """
    symbol = optional_text(row, "market_symbol") or text(row, "url_symbol")
    base, _, counter = text(row, "name").partition("/")
    minimum = row.get("minimum_order_value")
    if minimum is None:
        minimum = text(row, "minimum_order").partition(" ")[0]
    made = Instrument(
        symbol=symbol_of_name(symbol),
        base=(optional_text(row, "base_currency") or base).lower(),
        counter=(optional_text(row, "counter_currency") or counter).lower(),
        base_decimals=_decimals(row, "base_decimals"),
        counter_decimals=_decimals(row, "counter_decimals"),
        minimum_order_value=number(minimum, "minimum_order_value"),
    )
    if not made.base or not made.counter:
        raise Malformed("a market's name lacks a currency")
    return made, text(row, "trading") == "Enabled"


def _decimals(row: JsonObject, key: str) -> int:
    decimals = small_integer(row.get(key), key)
    if decimals > 18:
        raise Malformed(f"{key} {decimals} is too many")
    return decimals


def markets(parsed: JsonValue, wanted: Collection[str]) -> tuple[tuple[Instrument, ...], tuple[str, ...]]:
    """`markets/` cut to the wanted symbols (all when none is named): instruments, and symbols that do not trade.

    Rows of other markets are not read at all, so a strange one among them does no harm.
    """
    instruments: list[Instrument] = []
    halted: list[str] = []
    for row in as_list(parsed, "markets"):
        listing = as_object(row, "market")
        if wanted and (listing.get("market_symbol") or listing.get("url_symbol")) not in wanted:
            continue
        made, trades = instrument(listing)
        instruments.append(made)
        if not trades:
            halted.append(made.symbol)
    return tuple(instruments), tuple(halted)


def eur_usd(parsed: JsonValue) -> ConversionRate:
    """`eur_usd/`."""
    row = as_object(parsed, "eur_usd")
    return ConversionRate(positive(decimal_field(row, "buy"), "buy"), positive(decimal_field(row, "sell"), "sell"))


def ohlc(parsed: JsonValue) -> tuple[Candle, ...]:
    """`ohlc/{market}/`, in the order sent. The description shows the inner object bare; the wire wraps it in `data`."""
    row = as_object(parsed, "ohlc")
    inner = as_object(row.get("data", row), "ohlc data")
    rows = inner.get("ohlc")
    return tuple(_candle(as_object(part, "candle")) for part in (rows if isinstance(rows, list) else [rows]))


def _candle(row: JsonObject) -> Candle:
    return Candle(
        _seconds(row, "timestamp"),
        decimal_field(row, "open"),
        decimal_field(row, "high"),
        decimal_field(row, "low"),
        decimal_field(row, "close"),
        decimal_field(row, "volume"),
    )


def public_trades(parsed: JsonValue) -> tuple[PublicTrade, ...]:
    """`transactions/{market}/`, newest first as sent."""
    trades: list[PublicTrade] = []
    for part in as_list(parsed, "transactions"):
        row = as_object(part, "transaction")
        trades.append(
            PublicTrade(
                _digits(row, "tid"),
                _seconds(row, "date"),
                positive(decimal_field(row, "price"), "price"),
                positive(decimal_field(row, "amount"), "amount"),
                side_of_type(row.get("type"), "type"),
            )
        )
    return tuple(trades)


def server_time_us(parsed: JsonValue) -> int:
    """`status/`: the venue's clock, milliseconds on the wire."""
    return _digits(as_object(parsed, "status"), "server_time") * 1000


def _digits(row: JsonObject, key: str) -> int:
    value = number(row.get(key), key)
    if value != value.to_integral_value() or value < 0:
        raise Malformed(f"{key} is not a whole number")
    return int(value)


def _seconds(row: JsonObject, key: str) -> int:
    seconds = _digits(row, key)
    if seconds >= 10**11:
        raise Malformed(f"{key} is not in seconds")
    return seconds
