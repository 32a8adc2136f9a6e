"""The account and rules that an engine of the bench believes in: every question answered from memory, truthfully."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import FeeRate, Instrument, Route
from arbbot.domain.order import Balance
from arbbot.engine.rules import FxPolicy
from arbbot.settings import Settings, rules

D = Decimal
ROUTE = Route(
    Instrument("btcusd", "btc", "usd", 8, 2, D(10)),
    Instrument("btceur", "btc", "eur", 8, 2, D(10)),
    Instrument("eurusd", "eur", "usd", 8, 5, D(10)),
)
FEE = D("0.0003")
BALANCES = {"btc": D(10), "usd": D(1_000_000), "eur": D(1_000_000)}

_DEFAULT = rules(Settings())
RULES = replace(
    _DEFAULT,
    trade=replace(
        _DEFAULT.trade, weight=D(1), max_notional=D(1_000_000), fx_policy=FxPolicy.EACH,
        max_slippage=D("0.05"), collar=D("0.05"), limit_markup=D("0.001"),
    ),
    hedge=replace(_DEFAULT.hedge, cooldown_s=D(0), reject_cooldown_s=D(0), rejects_to_reduce=1_000_000),
    feed=replace(_DEFAULT.feed, premium_tolerance=D("0.02")),
    account=replace(_DEFAULT.account, lag_s=D(0)),
    limits=replace(
        _DEFAULT.limits, notional_per_hour=D(10**9), notional_per_day=D(10**9), unhedged_notional=D(10**6),
        max_hedges=256,
        hedges_window_s=D(1), duplicate_s=D(0), orders_per_minute=1001, max_rejects=10**6,
    ),
    spike=replace(_DEFAULT.spike, persist_changes=1, persist_s=D(0), max_skew_s=D(100_000), median_samples=1),
)  # fmt: skip
"""Limits wide enough that a hedge's size is bound by its target; a hedge of which nothing filled costs no pause, and a
signal is judged by the spike guard like any other, but at once. The account below is never late, so a start waits for
nothing.
"""


class Account:
    """An account without orders and transactions, and the market around it."""

    def __init__(self, books: Mapping[str, Book]) -> None:
        """`books` is what questions for tickers and books are answered from."""
        self._books = books

    def answer(self, ask: Ask) -> ev.Event:
        """The answer to one question."""
        match ask.topic:
            case Topic.MARKETS:
                return ev.MarketsFetched(ask.ask_id, ROUTE.instruments, ())
            case Topic.FEES:
                return ev.FeesFetched(ask.ask_id, tuple((symbol, FeeRate(FEE, FEE)) for symbol in ROUTE.symbols))
            case Topic.OPEN_ORDERS:
                return ev.OpenOrdersFetched(ask.ask_id, ())
            case Topic.TRANSACTIONS:
                return ev.TransactionsFetched(ask.ask_id, ask.since_id, ())
            case Topic.BALANCES:
                held = tuple(Balance(name, total, total, D(0)) for name, total in BALANCES.items())
                return ev.BalancesFetched(ask.ask_id, held)
            case Topic.TICKER | Topic.CONVERSION_RATE:
                return self._prices(ask)
            case Topic.BOOK:
                return ev.BookFetched(ask.ask_id, self._books[ask.market or ""])
            case Topic.ORDER_STATUS:
                return ev.OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, None)
            case Topic.ORDER_EVENTS:
                return ev.OrderEventsFetched(ask.ask_id, ask.market or "", ())

    def _prices(self, ask: Ask) -> ev.Event:
        """By the touch: of a ticker, or of the venue's own conversion."""
        book = self._books[ask.market or ""]
        if book.bid is None or book.ask is None:
            return ev.AskFailed(ask.ask_id, "a side is empty")
        if ask.topic is Topic.CONVERSION_RATE:
            return ev.ConversionRateFetched(ask.ask_id, book.symbol, book.ask, book.bid)
        return ev.TickerFetched(ask.ask_id, book.symbol, book.bid, book.ask, book.bid)
