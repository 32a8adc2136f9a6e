"""Order entry: what an order asks for, and the checks it passes before it may touch a book."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.exchange.accounts import Account, FeeRates
from arbbot.exchange.events import Trade
from arbbot.exchange.matching import Kind, MarketSpec, OrderBook, Side
from arbbot.exchange.refusal import Refusal, refused_for_all
from arbbot.exchange.rules import VenueRules

SMALLEST = Decimal("1e-8")
LARGEST = Decimal(92_233_720_368)
CLIENT_ID_LENGTH = 180
WITHOUT_PRICE = frozenset({Kind.MARKET, Kind.INSTANT})


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """An order as asked for: `size` in base units, or in counter units when `in_counter`.

    `limit_price` is the price of the opposite order to place once this one is filled.
    """

    market: str
    side: Side
    kind: Kind
    size: Decimal
    price: Decimal | None = None
    client_order_id: str | None = None
    limit_price: Decimal | None = None
    expire_us: int | None = None
    in_counter: bool = False


def _check_decimals(label: str, number: Decimal, most: int) -> None:
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not SMALLEST <= number <= LARGEST:
        raise Refusal({label: ["Ensure this value is between 0.00000001 and 92233720368."]}, "400.026")
    if -exponent > most:
        text = f"Ensure that there are no more than {most} decimal places."
        raise Refusal({label: [text], "__all__": [""]}, "400.041" if label == "price" else "400.026")


def _check_band(rules: VenueRules, price: Decimal, last: Trade | None) -> None:
    if last is None:
        return
    if price < last.price * (100 - rules.band_below_percent) / 100:
        raise Refusal(f"Price is more than {rules.band_below_percent}% below the market price.", "400.021")
    if price > last.price * (100 + rules.band_above_percent) / 100:
        raise Refusal(f"Price is more than {rules.band_above_percent}% above the market price.", "400.021")


def check_form(request: OrderRequest, spec: MarketSpec, rules: VenueRules, now_us: int) -> None:
    """Check everything that does not depend on book or balance; raises Refusal."""
    sizes_in = spec.counter_decimals if request.in_counter else spec.base_decimals
    _check_decimals("amount", request.size, sizes_in)
    if request.client_order_id is not None and len(request.client_order_id) > CLIENT_ID_LENGTH:
        raise Refusal("Invalid client_order_id", "400.008")
    if request.kind in WITHOUT_PRICE:
        return
    if request.price is None:
        raise Refusal("Missing amount and/or price POST parameters", "400.006")
    _check_decimals("price", request.price, spec.counter_decimals)
    if request.limit_price is not None:
        _check_decimals("limit_price", request.limit_price, spec.counter_decimals)
        gain = request.limit_price - request.price
        if request.side is Side.BUY and gain <= 0:
            raise refused_for_all("Sell if executed price must be higher than buy price.", "400.027")
        if request.side is Side.SELL and gain >= 0:
            raise refused_for_all("Buy if executed price must be lower than sell price.", "400.028")
    if request.kind is Kind.GTD:
        if request.expire_us is None:
            raise Refusal("Missing expire_time POST parameter", "400.022")
        if request.expire_us <= now_us:
            raise Refusal("expire_time must be in the future", "400.032")


def base_size(request: OrderRequest, spec: MarketSpec, book: OrderBook) -> Decimal:
    """Return the base amount of the order; raises Refusal when there is nothing to trade with."""
    if request.kind not in WITHOUT_PRICE:
        return request.size
    if book.side(request.side.opposite).best() is None:
        missing, code = ("sell", "500.004") if request.side is Side.BUY else ("buy", "500.005")
        raise refused_for_all(f"No {missing} orders for currency pair '{spec.name}'", code)
    if not request.in_counter:
        return request.size
    size = book.affordable(request.side, request.size, spec.lot)
    if not size:
        raise refused_for_all("Order could not be placed.", "400.046")
    return size


def check_value(
    request: OrderRequest, spec: MarketSpec, book: OrderBook, rules: VenueRules, last: Trade | None
) -> None:
    """Check the minimum order value and the price band; raises Refusal."""
    if request.in_counter:
        value = request.size
    elif request.price is None:
        had, value = book.cost(request.side, request.size)
        if had and had < request.size:
            value = value / had * request.size
    else:
        value = request.size * request.price
    if value < spec.minimum_order_value:
        least = f"{spec.minimum_order_value.normalize():f}"
        text = f"Minimum order size is {least if '.' in least else least + '.0'} {spec.counter.upper()}."
        raise refused_for_all(text, "400.020")
    if request.price is not None:
        _check_band(rules, request.price, last)


def needed_funds(side: Side, price: Decimal | None, size: Decimal, book: OrderBook, rates: FeeRates) -> Decimal:
    """Return what the order can cost at most: counter units with fee for a purchase, else base units."""
    if side is Side.SELL:
        return size
    return rates.reserve(book.cost(side, size)[1] if price is None else price * size)


def check_funds(account: Account, spec: MarketSpec, side: Side, needed: Decimal, freed: Decimal) -> None:
    """Check the balance, of which `freed` is about to be released; raises Refusal."""
    currency = spec.counter if side is Side.BUY else spec.base
    available = account.balance(currency).available + freed
    if needed <= available:
        return
    code, have = currency.upper(), f"{available.normalize():f}"
    start = f"You need {needed.normalize():f} {code} to open that order. " if side is Side.BUY else ""
    raise refused_for_all(
        f"{start}You have only {have} {code} available. Check your account balance for details.", "400.009"
    )
