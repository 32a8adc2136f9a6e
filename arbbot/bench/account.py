"""The account and rules that an engine of the bench believes in: every question answered from memory, truthfully."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import FeeRate, Instrument, Route
from arbbot.domain.order import Balance
from arbbot.engine.rules import (
    AccountRules,
    BuyAs,
    FeedRules,
    FxPolicy,
    HedgeRules,
    LimitReference,
    Rules,
    ThresholdMode,
    TradeRules,
)

D = Decimal
ROUTE = Route(
    Instrument("btcusd", "btc", "usd", 8, 2, D(10)),
    Instrument("btceur", "btc", "eur", 8, 2, D(10)),
    Instrument("eurusd", "eur", "usd", 8, 5, D(10)),
)
FEE = D("0.0003")
BALANCES = {"btc": D(10), "usd": D(1_000_000), "eur": D(1_000_000)}

RULES = Rules(
    TradeRules(
        threshold_mode=ThresholdMode.FIXED, gross_threshold=D("0.0035"), cost_margin=D("0.0005"), net_floor=D(0),
        min_depth_levels=20, max_slippage=D("0.05"), collar=D("0.05"), limit_markup=D("0.001"),
        limit_reference=LimitReference.BUY_VWAP, buy_as=BuyAs.MARKET, target_size=D("0.05"), weight=D(1),
        max_notional=D(1_000_000), cost_reserve=D("0.005"), fx_policy=FxPolicy.EACH,
    ),
    HedgeRules(
        wait_s=D(5), force_s=D(15), exit_loss=D("0.01"), forced_exit_loss=D("0.03"), exit_slippage=D("0.001"),
        max_exits=5, cooldown_s=D(0), reject_cooldown_s=D(0), rejects_to_reduce=1_000_000, dust_cap=D("0.0005"),
    ),
    FeedRules(fresh_s=D(10), ticker_every_s=D(30), premium_tolerance=D("0.02"), ticker_max_age_s=D(90)),
    AccountRules(
        poll_s=D(30), lag_s=D(5), overlap_s=D(600), doubt_bound_s=D(150), doubt_alert_s=D(60), rounding_cap=D(1),
        stop_grace_s=D(45), fees_every_s=D(300),
    ),
)  # fmt: skip
"""Limits wide enough that a hedge's size is bound by its target; a hedge of which nothing filled costs no pause."""


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
            case Topic.TICKER:
                return self._ticker(ask)
            case Topic.BOOK:
                return ev.BookFetched(ask.ask_id, self._books[ask.market or ""])
            case Topic.ORDER_STATUS:
                return ev.OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, None)
            case Topic.ORDER_EVENTS:
                return ev.OrderEventsFetched(ask.ask_id, ask.market or "", ())

    def _ticker(self, ask: Ask) -> ev.Event:
        book = self._books[ask.market or ""]
        if book.bid is None or book.ask is None:
            return ev.AskFailed(ask.ask_id, "a side is empty")
        return ev.TickerFetched(ask.ask_id, book.symbol, book.bid, book.ask, book.bid)
