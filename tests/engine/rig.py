"""Drives one engine against a played venue in virtual time, and holds it to what must always be true."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import fields, replace
from decimal import Decimal
from itertools import count
from typing import TypeVar

from arbbot.domain import events as ev
from arbbot.domain.book import Book, Row
from arbbot.domain.commands import Ask, CancelOrder, Command, Exit, PlaceOrder, ReplaceFeed, Topic
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Instrument, Route
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderState
from arbbot.domain.records import AlertRaised, DurableRecord, OrderIntended, Record, is_durable
from arbbot.engine.rules import (
    AccountRules,
    BuyAs,
    FeedRules,
    FxPolicy,
    FxRules,
    HedgeRules,
    LimitReference,
    LimitRules,
    Rules,
    SpikeRules,
    ThresholdMode,
    TradeRules,
)
from arbbot.engine.state import State
from arbbot.engine.step import Engine, Output
from tests.engine.played_venue import PlayedVenue

D = Decimal
R = TypeVar("R", bound=Record)
KEY = "q7"
START = ev.Moment(5_000_000_000_000, 1_750_000_000_000_000)
STEP_S = D("0.25")
NS = 1_000_000_000

BTC_USD = Instrument("btcusd", "BTC", "USD", 8, 2, D(10))
BTC_EUR = Instrument("btceur", "BTC", "EUR", 8, 2, D(10))
EUR_USD = Instrument("eurusd", "EUR", "USD", 8, 5, D(10))
ROUTE = Route(BTC_USD, BTC_EUR, EUR_USD)
FEE = D("0.0004")

RULES = Rules(
    TradeRules(
        threshold_mode=ThresholdMode.FIXED, gross_threshold=D("0.0035"), cost_margin=D("0.0005"), net_floor=D(0),
        min_depth_levels=20, max_slippage=D("0.0005"), collar=D("0.003"), limit_markup=D("0.003"),
        limit_reference=LimitReference.BUY_VWAP, buy_as=BuyAs.MARKET, target_size=D("0.05"), weight=D(1),
        max_notional=D(10_000), cost_reserve=D("0.005"), fx_policy=FxPolicy.BAND,
    ),
    HedgeRules(
        wait_s=D(5), force_s=D(15), exit_loss=D("0.01"), forced_exit_loss=D("0.03"), exit_slippage=D("0.001"),
        max_exits=5, cooldown_s=D(1), reject_cooldown_s=D(10), rejects_to_reduce=3, dust_cap=D("0.0005"),
    ),
    FxRules(
        band=D(10**9), max_conversion=D(25_000), reach=D("0.001"), slack=D("0.0002"), retry_s=D(30), max_failures=3,
    ),
    FeedRules(fresh_s=D(10), ticker_every_s=D(30), premium_tolerance=D("0.001"), ticker_max_age_s=D(90)),
    AccountRules(
        poll_s=D(30), lag_s=D(5), overlap_s=D(600), doubt_bound_s=D(150), doubt_alert_s=D(60), rounding_cap=D(1),
        stop_grace_s=D(45), fees_every_s=D(300), lease_s=D(120),
    ),
    SpikeRules(
        enabled=True, persist_changes=1, persist_s=D(0), median_window_s=D(300), median_samples=1,
        median_distance=D(10), max_gross=D(10), max_skew_s=D(10**12), check_rate=True, rate_tolerance=D(10),
        rate_every_s=D(30), rate_max_age_s=D(90),
    ),
    LimitRules(
        notional_per_hour=D(10**9), notional_per_day=D(10**9), daily_loss=D(10**9), equity_loss=D(10**9),
        max_hedges=256, hedges_window_s=D("0.001"), unhedged_notional=D(10**9), unhedged_s=D(10**9),
        losers_in_row=10**6, reject_window=200, max_rejects=10**6, duplicate_s=D(0), orders_per_minute=1001,
        cancels_per_minute=1001,
    ),
)  # fmt: skip
"""The band is beyond reach: tests of hedges are not about conversions."""


def rules(**changes: object) -> Rules:
    """The usual rules with some fields changed, whichever group they stand in."""
    groups = {}
    for group in fields(RULES):
        part = getattr(RULES, group.name)
        if part is None:
            continue
        names = {each.name for each in fields(part)} & changes.keys()
        groups[group.name] = replace(part, **{name: changes.pop(name) for name in sorted(names)})
    assert not changes, changes
    return Rules(**groups)


F_RULES = rules(min_depth_levels=1, max_slippage=D("0.005"), collar=D("0.01"))
"""Rules under which small, uneven books can be traded on."""


def ladder(best: Decimal, step: Decimal, levels: int, amount: Decimal) -> list[Row]:
    """Rows from the best price on, evenly spaced."""
    return [[str(best + step * level), str(amount)] for level in range(levels)]


_stamps = count(1_750_000_000_000_000)


def book(
    symbol: str, bid: str, ask: str, *, levels: int = 25, amount: str = "1", stamp: int | None = None, step: str = "1"
) -> Book:
    """A regular book round a touch."""
    stamp = next(_stamps) if stamp is None else stamp
    return Book(symbol, stamp, ladder(D(bid), -D(step), levels, D(amount)), ladder(D(ask), D(step), levels, D(amount)))


def fx_book(bid: str = "1.10000", ask: str = "1.10010") -> Book:
    """The usual FX book, 100,000 EUR a level."""
    return book("eurusd", bid, ask, amount="100000", step="0.0001")


def even_books() -> dict[str, Book]:
    """Markets without an edge: BTC at 60,000 USD and 54,545 EUR, EUR at 1.10 USD."""
    return {"btcusd": book("btcusd", "59990", "60000"), "btceur": book("btceur", "54536", "54546"), "eurusd": fx_book()}


class Rig:
    """One process of the daemon's core, with its journal, on a played venue."""

    def __init__(
        self, rules: Rules = RULES, *, venue: PlayedVenue | None = None, journal: Sequence[DurableRecord] = (),
        at: ev.Moment = START,
    ) -> None:  # fmt: skip
        self.rules = rules
        self.venue = venue or PlayedVenue(ROUTE, even_books(), FEE)
        self.journal: list[DurableRecord] = list(journal)
        state = State()
        for record in self.journal:
            state.apply(record)
        self.engine = Engine(ROUTE, rules, state, KEY)
        self.at = at
        self.venue.at = at
        self.records: list[Record] = []
        self.sent: list[Command] = []
        self.epoch = 0
        self.feeding = True
        """Whether frames arrive every second."""
        self.exit: Exit | None = None
        self.snapshots: list[tuple[int, PlayedVenue, ev.Moment]] | None = None
        """When asked for: (journal length, the venue, the time) at every moment a crash could leave behind."""
        self._queue: list[tuple[int, int, Command | ev.Event]] = []
        self._order = count()
        self._next_tick = at.mono_ns + int(STEP_S * NS)
        self.slow_ms: dict[Topic, int] = {}
        """Questions that take longer than 10 ms to reach the venue."""

    # --- motion --------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        return self.engine.core.state

    def start(self) -> None:
        """Begin, with the venue's clock seen and the feed connected."""
        self._take(self.engine.start(self.at, "test"))
        if self.engine.core.clock_base_us is None:
            self.step(ev.VenueClockSeen(0))
        self.connect()

    def ready(self) -> Rig:
        """Start and run until the gate is open: a first start waits out the venue's lag."""
        first = self.state.anchor is None
        self.start()
        self.run(3 + (self.rules.account.lag_s if first else 0))
        assert self.engine.entry.armed
        return self

    def connect(self) -> None:
        """A new feed connection that shows every book."""
        self.epoch += 1
        self.step(ev.FeedUp(self.epoch))
        self.show()

    def show(self, *books: Book) -> None:
        """Change the market to these books and send frames of all."""
        for each in books:
            self.venue.books[each.symbol] = each
        for symbol, held in self.venue.books.items():
            if held.microtimestamp < self.at.utc_us:
                self.venue.books[symbol] = Book(symbol, self.at.utc_us, held.bids, held.asks)
        for symbol in ROUTE.symbols:
            self.step(ev.BookSeen(self.venue.books[symbol], self.epoch))

    def step(self, event: ev.Event) -> Output:
        """Hand the engine one event, now."""
        output = self.engine.step(event, self.at)
        self._take(output)
        return output

    def run(self, seconds: Decimal | int | str) -> None:
        """Let time pass: answers come, the private channel tells, the clock ticks, frames arrive."""
        end_ns = self.at.mono_ns + int(D(seconds) * NS)
        while self.exit is None:
            due = min(self._queue[0][0] if self._queue else end_ns, self._next_tick, end_ns)
            self._pass_to(due)
            if self._queue and self._queue[0][0] <= due:
                self._deliver(heapq.heappop(self._queue)[2])
            elif due == self._next_tick:
                self.venue.at = self.at
                self.venue.expire()
                self._channel()
                self.step(ev.Tick())
                self._next_tick += int(STEP_S * NS)
                if self.feeding and self._next_tick // NS != due // NS:
                    self.show()
            elif due >= end_ns:
                return

    def _pass_to(self, mono_ns: int) -> None:
        self.at = ev.Moment(mono_ns, self.at.utc_us + (mono_ns - self.at.mono_ns) // 1000)

    def _deliver(self, what: Command | ev.Event) -> None:
        if isinstance(what, PlaceOrder | CancelOrder | Ask):
            answer = self.venue.perform(what, self.at)
            if isinstance(what, PlaceOrder | CancelOrder):
                self.snapshot()
            self._later(answer, 10)
            self._channel()
        elif not isinstance(what, Exit | ReplaceFeed):
            self.step(what)

    def _channel(self) -> None:
        while self.venue.events:
            self.step(self.venue.events.pop(0))

    def _later(self, what: Command | ev.Event, after_ms: int) -> None:
        heapq.heappush(self._queue, (self.at.mono_ns + after_ms * 1_000_000, next(self._order), what))

    def _take(self, output: Output) -> None:
        self.records.extend(output.records)
        for record in output.records:
            if is_durable(record):
                self.journal.append(record)
                self.snapshot()
        for command in output.commands:
            assert self.exit is None, f"{command} after the exit"
            self.sent.append(command)
            if isinstance(command, Exit):
                self.exit = command
                return
            if isinstance(command, PlaceOrder):
                assert any(isinstance(each, OrderIntended) and each.terms == command.terms for each in self.journal)
            self._later(command, self.slow_ms.get(command.topic, 10) if isinstance(command, Ask) else 10)

    def snapshot(self) -> None:
        """Remember what a crash at this moment would leave, when asked to."""
        if self.snapshots is not None:
            self.snapshots.append((len(self.journal), deepcopy(self.venue), self.at))

    # --- questions -----------------------------------------------------------------------------------------

    def all(self, kind: type[R]) -> list[R]:
        """This process's records of one kind."""
        return [record for record in self.records if isinstance(record, kind)]

    def alerts(self) -> list[str]:
        """Names of the alerts raised."""
        return [alert.name for alert in self.all(AlertRaised)]

    def alert_texts(self, name: str) -> list[str]:
        """What the alerts of one name said."""
        return [alert.text for alert in self.all(AlertRaised) if alert.name == name]

    def placed(self) -> list[PlaceOrder]:
        """Orders commanded."""
        return [command for command in self.sent if isinstance(command, PlaceOrder)]

    def cancelled(self) -> list[str]:
        """Client order ids of cancels commanded."""
        return [command.client_order_id for command in self.sent if isinstance(command, CancelOrder)]

    def refusals(self) -> dict[str, int]:
        """Refusals by name, counted and not yet written."""
        counts = dict(self.state.refusals)
        for refusal, times in self.engine.entry.counts.items():
            counts[refusal.value] = counts.get(refusal.value, 0) + times
        return counts

    def last(self) -> tuple[str, ...]:
        """What the last evaluation said."""
        return tuple(refusal.value for refusal in self.engine.entry.last)

    def mode(self) -> Mode:
        """The mode as it is now."""
        return self.state.mode

    def stands(self, number: int) -> OrderState:
        """The state of our order number so-and-so."""
        return self.state.orders[f"{KEY}-{number:06d}"].state

    def own(self, currency: str) -> Decimal:
        """What the ledger says we own."""
        return self.state.ledger.balance(LedgerAccount.VENUE, currency)

    # --- what always holds ---------------------------------------------------------------------------------

    def check(self) -> None:
        """Replay gives the same state; no id twice; every booked fill is the venue's; the money adds up."""
        replayed = State()
        for record in self.journal:
            replayed.apply(record)
        assert replayed.fingerprint() == self.state.fingerprint()
        intended = [record.terms.client_order_id for record in self.journal if isinstance(record, OrderIntended)]
        assert len(set(intended)) == len(intended)
        wired = [command.terms.client_order_id for command in self.placed()]
        assert len(set(wired)) == len(wired)
        known = {
            (fill.trade_id, order.terms.client_order_id): fill for order in self.venue.orders for fill in order.fills
        }
        for key, fill in self.state.fills.items():
            assert known.get(key) == fill
        if self.state.agreed:
            shown = {balance.currency: balance.total for balance in self.venue.balances()}
            for currency in ROUTE.currencies:
                assert self.own(currency) == shown[currency], currency
