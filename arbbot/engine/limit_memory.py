"""What the limits remember: a fold over durable records, so that a restart forgets nothing. Every window is bounded.

Times are UTC microseconds as the records carry them; days are UTC days. A wall clock may be set, and which of two times
was the right one most records cannot tell: a machine may boot with its clock days behind, write that it started, and be
set right. So sums are kept by minute and by day and a question adds up all that is dated then or later, and a record
that is dated before the one it follows changes nothing of what is remembered. Only where our clock and the venue's are
seen to agree (`ClockAgreed`) is what is dated more than an hour (by days: a day) after them re-dated to that: it counts
as new, and goes the way of everything that ages. So no wrong clock forgets anything, however far off it is, and none
that is right again shuts trading for longer than that. (What is written while a clock is behind has that date, a loss
apart: as the venue refuses whatever is stamped 150 s off, it can only be the end of something that was under way.)
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Direction
from arbbot.domain.mode import Mode
from arbbot.domain.money import ONE, ZERO
from arbbot.domain.order import OrderState, Purpose
from arbbot.domain.records import (
    AnchorSet,
    CancelIntended,
    ConversionClosed,
    DurableRecord,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    MarkSet,
    ModeChanged,
    OrderIntended,
    OrderMoved,
    RowBooked,
    StatementAgreed,
)
from arbbot.domain.trips import ClockAgreed, LimitTripped

if TYPE_CHECKING:
    from arbbot.engine.state import State

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
HOUR_US = 60 * MINUTE_US
KEPT_HEDGE_MARKS = 256
KEPT_MINUTES = 128
"""Of those in which a hedge was opened."""
KEPT_DAYS = 8
"""Of those of which there is something to tell; one would do if clocks were never set."""
KEPT_OUTCOMES = 200
KEPT_TIMES = 1_000
KEPT_RESETS = 10
_KNOWN = frozenset({OrderState.LIVE, OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED, OrderState.REJECTED})
"""States that tell whether the venue took an order."""


@dataclass(frozen=True, slots=True)
class HedgeMark:
    """A hedge as the throttle and the duplicate guard know it."""

    utc_us: int
    direction: Direction
    book_microtimestamps: tuple[int, int, int]
    size: Decimal
    limit_price: Decimal


@dataclass(frozen=True, slots=True)
class Reset:
    """A tripped limit that a person has reset."""

    trip: LimitTripped
    who: str
    reason: str
    utc_us: int


def notional(opened: HedgeOpened, domestic_market: bool) -> Decimal:
    """What the hedge is to cost in the numeraire, by its decision."""
    return opened.size * opened.buy_vwap * (ONE if domestic_market else opened.fx_vwap)


@dataclass(slots=True)
class LimitMemory:
    """Part of the engine's durable state; changed by `take` only."""

    hedges: list[HedgeMark] = field(default_factory=list)
    """The last ones, by date."""
    hedges_counted: int = 0
    """Of these, as many of the newest count for the throttle."""
    minutes: dict[int, Decimal] = field(default_factory=dict)
    """Notional of the hedges opened in a minute, by minutes since 1970."""
    day_notional: dict[int, Decimal] = field(default_factory=dict)
    """The same by days since 1970."""
    day_pnl: dict[int, Decimal] = field(default_factory=dict)
    """Realised P&L of a day, in the numeraire: of hedges settled and conversions closed on it, fees in; or since
    a daily loss was reset.
    """
    losers_in_row: int = 0
    unknown_orders: list[str] = field(default_factory=list)
    """Intended, and no word yet whether the venue took them."""
    outcomes: list[bool] = field(default_factory=list)
    """Of the last orders: True where the venue refused."""
    ordered_us: list[int] = field(default_factory=list)
    cancelled_us: list[int] = field(default_factory=list)
    open_since_us: int | None = None
    """When the open hedge was decided, or when its time one-sided was reset."""
    left_since_us: int | None = None
    """When a position that no open hedge answers for last changed, or when its time was reset."""
    openings: dict[int, dict[str, Decimal]] = field(default_factory=dict)
    """Balances when a day began, by days since 1970, less what was external since the anchor."""
    latest: dict[str, Decimal] = field(default_factory=dict)
    """The same by the last statement."""
    moved: dict[str, Decimal] = field(default_factory=dict)
    """By how much the booked rows of our own orders have changed them since."""
    marked_us: int | None = None
    """When prices were last noted."""
    open_trips: dict[str, LimitTripped] = field(default_factory=dict)
    resets: list[Reset] = field(default_factory=list)

    def take(self, record: DurableRecord, state: State) -> None:
        """Take one record in, after the state has."""
        fold = _FOLDS.get(type(record))
        if fold is not None:
            fold(self, record, state)

    # --- questions -----------------------------------------------------------------------------------------

    def hour_notional(self, now_us: int) -> Decimal:
        """Notional of the last hour, whole minutes, so up to a minute more; what is dated later counts too."""
        return _since(self.minutes, now_us // MINUTE_US - 60)

    def notional_today(self, now_us: int) -> Decimal:
        """Notional of this UTC day; what is dated later counts too."""
        return _since(self.day_notional, now_us // DAY_US)

    def pnl_today(self, now_us: int) -> Decimal:
        """Realised P&L of this UTC day; what is dated later counts too."""
        return _since(self.day_pnl, now_us // DAY_US)

    def hedges_reached(self, count: int, since_us: int) -> bool:
        """Whether so many hedges, of those that the throttle counts, were opened later than a moment."""
        return self.hedges_counted >= count and self.hedges[-count].utc_us > since_us

    def changed_today(self, now_us: int) -> dict[str, Decimal]:
        """By how much each balance has changed this UTC day, as of the last statement; external rows and settlements
        apart.
        """
        day = min((each for each in self.openings if each >= now_us // DAY_US), default=None)
        if day is None:
            return {}
        opening = self.openings[day]
        currencies = sorted(opening.keys() | self.latest.keys())
        changes = {each: self.latest.get(each, ZERO) - opening.get(each, ZERO) for each in currencies}
        return {each: change for each, change in changes.items() if change}

    def dated_after(self, utc_us: int) -> bool:
        """Whether anything is dated so long after this moment that it would be re-dated."""
        most_us, day = utc_us + HOUR_US, utc_us // DAY_US + 1
        times_us = (*(mark.utc_us for mark in self.hedges), *self.ordered_us, *self.cancelled_us)
        later = any(each > most_us for each in times_us) or any(each > most_us // MINUTE_US for each in self.minutes)
        later |= max(self.open_since_us or 0, self.left_since_us or 0) > utc_us + MINUTE_US
        return later or any(each > day for each in (*self.day_notional, *self.day_pnl, *self.openings))

    # --- folding -------------------------------------------------------------------------------------------

    def _clock_agreed(self, record: ClockAgreed, state: State) -> None:
        """Nothing stays dated more than an hour, or a day, after this moment."""
        most_us, day = record.utc_us + HOUR_US, record.utc_us // DAY_US + 1
        self.hedges = [replace(mark, utc_us=min(mark.utc_us, most_us)) for mark in self.hedges]
        self.ordered_us = [min(each, most_us) for each in self.ordered_us]
        self.cancelled_us = [min(each, most_us) for each in self.cancelled_us]
        self.minutes = _not_after(self.minutes, most_us // MINUTE_US)
        if self.open_since_us is not None:
            self.open_since_us = min(self.open_since_us, record.utc_us)
        if self.left_since_us is not None:
            self.left_since_us = min(self.left_since_us, record.utc_us)
        self.day_notional, self.day_pnl = _not_after(self.day_notional, day), _not_after(self.day_pnl, day)
        openings: dict[int, dict[str, Decimal]] = {}
        for each in sorted(self.openings):
            openings.setdefault(min(each, day), self.openings[each])
        self.openings = openings

    def _hedge_opened(self, record: HedgeOpened, state: State) -> None:
        worth = notional(record, record.direction is Direction.BUY_DOMESTIC)
        _add(self.day_notional, record.utc_us // DAY_US, worth, KEPT_DAYS)
        _add(self.minutes, record.utc_us // MINUTE_US, worth, KEPT_MINUTES)
        mark = HedgeMark(record.utc_us, record.direction, record.book_microtimestamps, record.size, record.limit_price)
        insort(self.hedges, mark, key=lambda each: each.utc_us)
        del self.hedges[:-KEPT_HEDGE_MARKS]
        self.hedges_counted = min(self.hedges_counted + 1, KEPT_HEDGE_MARKS)
        self.open_since_us, self.left_since_us = record.utc_us, None

    def _made(self, pnl: Decimal, utc_us: int) -> None:
        """P&L of the day; a loss is never dated before the last day that has begun: a clock may just be set back."""
        day = utc_us // DAY_US
        _add(self.day_pnl, day if pnl > 0 else max((day, *self.openings)), pnl, KEPT_DAYS)

    def _hedge_closed(self, record: HedgeClosed, state: State) -> None:
        self.open_since_us = None
        self._left(record.utc_us, state)

    def _fill_booked(self, record: FillBooked, state: State) -> None:
        converts = state.orders[record.client_order_id].terms.purpose is Purpose.CONVERT
        if state.open_hedge_id is None and not converts:
            self._left(record.utc_us, state)

    def _left(self, utc_us: int, state: State) -> None:
        self.left_since_us = utc_us if state.position else None

    def _hedge_settled(self, record: HedgeSettled, state: State) -> None:
        self._made(record.realised_pnl, record.utc_us)
        if record.realised_pnl and not record.drill:
            self.losers_in_row = self.losers_in_row + 1 if record.realised_pnl < 0 else 0

    def _conversion_closed(self, record: ConversionClosed, state: State) -> None:
        self._made(record.realised_pnl - record.fee, record.utc_us)

    def _order_intended(self, record: OrderIntended, state: State) -> None:
        _keep_time(self.ordered_us, record.utc_us)
        self.unknown_orders.append(record.terms.client_order_id)

    def _order_moved(self, record: OrderMoved, state: State) -> None:
        if record.client_order_id not in self.unknown_orders:
            return
        if record.state in _KNOWN:
            _keep(self.outcomes, record.state is OrderState.REJECTED, KEPT_OUTCOMES)
        if record.state in _KNOWN or record.state.terminal:
            self.unknown_orders.remove(record.client_order_id)

    def _cancel_intended(self, record: CancelIntended, state: State) -> None:
        _keep_time(self.cancelled_us, record.utc_us)

    def _anchor_set(self, record: AnchorSet, state: State) -> None:
        """The first opening begins a day. A rebase moves every beginning along with it: what our own trades have lost
        stays lost, and what it swallows besides, or a person has paid in or out, is no loss and no gain.
        """
        totals = {holding.currency: holding.total for holding in record.holdings}
        if self.openings:
            self._begin_day(record.utc_us // DAY_US)
            for day, opening in self.openings.items():
                currencies = sorted(totals.keys() | self.latest.keys() | opening.keys())
                changes = {each: self._change(opening, each) for each in currencies}
                self.openings[day] = {each: totals.get(each, ZERO) - changes[each] for each in currencies}
        else:
            self.openings[record.utc_us // DAY_US] = totals
        self.latest = totals
        self.moved = {}
        self._left(record.utc_us, state)

    def _statement_agreed(self, record: StatementAgreed, state: State) -> None:
        self._begin_day(record.utc_us // DAY_US)
        self.moved = {}
        self.latest = {
            currency: total + sum(state.ledger.balance(account, currency) for account in _NO_TRADING)
            for currency, total in state.venue_totals.items()
        }

    def _change(self, opening: dict[str, Decimal], currency: str) -> Decimal:
        """Since a day began, with the rows that no statement has shown yet."""
        return self.latest.get(currency, ZERO) + self.moved.get(currency, ZERO) - opening.get(currency, ZERO)

    def _begin_day(self, day: int) -> None:
        if day > max(self.openings, default=0):
            self.openings[day] = self.latest
            if len(self.openings) > KEPT_DAYS:
                del self.openings[min(self.openings)]

    def _row_booked(self, record: RowBooked, state: State) -> None:
        if any(entry.account in _NO_TRADING for entry in record.entries):
            return
        for entry in record.entries:
            if entry.account is LedgerAccount.VENUE:
                self.moved[entry.currency] = self.moved.get(entry.currency, ZERO) + entry.delta

    def _mark_set(self, record: MarkSet, state: State) -> None:
        self.marked_us = record.utc_us

    def _limit_tripped(self, record: LimitTripped, state: State) -> None:
        self.open_trips[record.name] = record

    def _mode_changed(self, record: ModeChanged, state: State) -> None:
        """A person resumes: every open trip is reset, and what it measured begins anew; nothing else does."""
        if record.mode is not Mode.ACTIVE:
            return
        for trip in self.open_trips.values():
            _keep(self.resets, Reset(trip, record.who, record.reason, record.utc_us), KEPT_RESETS)
            forgive = _FORGIVE.get(trip.name)
            if forgive is not None:
                forgive(self, record.utc_us)
        self.open_trips.clear()

    def _forgive_daily_loss(self, utc_us: int) -> None:
        self.day_pnl.clear()

    def _forgive_equity_loss(self, utc_us: int) -> None:
        self.openings = dict.fromkeys(self.openings, self.latest)

    def _forgive_hedges(self, utc_us: int) -> None:
        self.hedges_counted = 0

    def _forgive_losers(self, utc_us: int) -> None:
        self.losers_in_row = 0

    def _forgive_rejects(self, utc_us: int) -> None:
        self.outcomes.clear()

    def _forgive_unhedged_time(self, utc_us: int) -> None:
        self.open_since_us = None if self.open_since_us is None else utc_us
        self.left_since_us = None if self.left_since_us is None else utc_us


def reached(times_us: list[int], count: int, since_us: int) -> bool:
    """Whether so many of these moments, oldest first, are later than a moment."""
    return len(times_us) >= count and times_us[-count] > since_us


def _since(totals: dict[int, Decimal], first: int) -> Decimal:
    """Everything of a minute or day and of later ones."""
    return sum((total for when, total in totals.items() if when >= first), ZERO)


def _add(totals: dict[int, Decimal], when: int, worth: Decimal, most: int) -> None:
    """Add to a minute or day. Where there are too many, the oldest counts with the one after it: by a clock that is
    right both are long over.
    """
    totals[when] = totals.get(when, ZERO) + worth
    if len(totals) > most:
        oldest = totals.pop(min(totals))
        totals[min(totals)] += oldest


def _not_after(totals: dict[int, Decimal], last: int) -> dict[int, Decimal]:
    """The same totals, those of later minutes or days counted with the last."""
    kept: dict[int, Decimal] = {}
    for when, total in totals.items():
        kept[min(when, last)] = kept.get(min(when, last), ZERO) + total
    return kept


def _keep(kept: list[Any], item: object, most: int) -> None:
    """Append, and let the oldest go where there are too many."""
    kept.append(item)
    if len(kept) > most:
        del kept[0]


def _keep_time(times_us: list[int], utc_us: int) -> None:
    """Put in by date, and let the oldest go where there are too many: a clock may have been set."""
    insort(times_us, utc_us)
    del times_us[:-KEPT_TIMES]


_NO_TRADING = (LedgerAccount.EXTERNAL, LedgerAccount.TREASURY, LedgerAccount.TRANSIT)
"""What people and settlements move is no loss and no gain."""
_FOLDS: dict[type, Callable[[LimitMemory, Any, State], None]] = {
    AnchorSet: LimitMemory._anchor_set,
    MarkSet: LimitMemory._mark_set,
    HedgeOpened: LimitMemory._hedge_opened,
    HedgeClosed: LimitMemory._hedge_closed,
    FillBooked: LimitMemory._fill_booked,
    HedgeSettled: LimitMemory._hedge_settled,
    ConversionClosed: LimitMemory._conversion_closed,
    OrderIntended: LimitMemory._order_intended,
    OrderMoved: LimitMemory._order_moved,
    CancelIntended: LimitMemory._cancel_intended,
    RowBooked: LimitMemory._row_booked,
    StatementAgreed: LimitMemory._statement_agreed,
    LimitTripped: LimitMemory._limit_tripped,
    ClockAgreed: LimitMemory._clock_agreed,
    ModeChanged: LimitMemory._mode_changed,
}
_FORGIVE: dict[str, Callable[[LimitMemory, int], None]] = {
    "daily_loss": LimitMemory._forgive_daily_loss,
    "equity_loss": LimitMemory._forgive_equity_loss,
    "max_hedges": LimitMemory._forgive_hedges,
    "losers_in_row": LimitMemory._forgive_losers,
    "max_rejects": LimitMemory._forgive_rejects,
    "unhedged_s": LimitMemory._forgive_unhedged_time,
}
"""By the limit's name among the settings. `unhedged_notional` is not forgiven: what is open stays as large."""
