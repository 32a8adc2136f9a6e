"""What the limits remember: a fold over durable records, so that a restart forgets nothing. Every window is bounded.

Times are UTC microseconds as the records carry them. Days are UTC days; a record dated before the day that is being
counted (a clock was set back) counts for that day.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Direction
from arbbot.domain.mode import Mode
from arbbot.domain.money import ONE, ZERO
from arbbot.domain.order import OrderState
from arbbot.domain.records import (
    AnchorSet,
    CancelIntended,
    DurableRecord,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    MarkSet,
    ModeChanged,
    OrderIntended,
    OrderMoved,
    StatementAgreed,
)
from arbbot.domain.trips import LimitTripped

if TYPE_CHECKING:
    from arbbot.engine.state import State

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
KEPT_HEDGES = 256
KEPT_MINUTES = 128
"""Of those in which a hedge was opened."""
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
    """The last ones, oldest first."""
    hedges_counted: int = 0
    """Of these, as many of the newest count for the throttle."""
    minutes: dict[int, Decimal] = field(default_factory=dict)
    """Notional of the hedges opened in a minute, by minutes since 1970."""
    day: int = 0
    """Days since 1970 of what follows."""
    day_notional: Decimal = ZERO
    day_pnl: Decimal = ZERO
    """Realised P&L of the hedges settled that day, in the numeraire, or since a daily loss was reset."""
    losers_in_row: int = 0
    unknown_orders: list[str] = field(default_factory=list)
    """Intended, and no word yet whether the venue took them."""
    outcomes: list[bool] = field(default_factory=list)
    """Of the last orders: True where the venue refused."""
    ordered_us: list[int] = field(default_factory=list)
    cancelled_us: list[int] = field(default_factory=list)
    first_fill_us: int | None = None
    """Of the open hedge."""
    opening: dict[str, Decimal] = field(default_factory=dict)
    """Balances when the equity's day began, less what was external since the anchor."""
    latest: dict[str, Decimal] = field(default_factory=dict)
    """The same by the last statement."""
    equity_day: int = 0
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
        first = now_us // MINUTE_US - 60
        return sum((total for minute, total in self.minutes.items() if minute >= first), ZERO)

    def today(self, now_us: int) -> tuple[Decimal, Decimal]:
        """(notional, realised P&L) of this UTC day."""
        return (self.day_notional, self.day_pnl) if self.day >= now_us // DAY_US else (ZERO, ZERO)

    def hedges_reached(self, count: int, since_us: int) -> bool:
        """Whether so many hedges, of those that the throttle counts, were opened later than a moment."""
        return self.hedges_counted >= count and self.hedges[-count].utc_us > since_us

    def changed_today(self, now_us: int) -> dict[str, Decimal]:
        """By how much each balance has changed this UTC day, external rows apart, as of the last statement."""
        if self.equity_day < now_us // DAY_US:
            return {}
        currencies = sorted(self.opening.keys() | self.latest.keys())
        changes = {each: self.latest.get(each, ZERO) - self.opening.get(each, ZERO) for each in currencies}
        return {each: change for each, change in changes.items() if change}

    # --- folding -------------------------------------------------------------------------------------------

    def _begin_day(self, utc_us: int) -> None:
        if utc_us // DAY_US > self.day:
            self.day = utc_us // DAY_US
            self.day_notional = self.day_pnl = ZERO

    def _hedge_opened(self, record: HedgeOpened, state: State) -> None:
        worth = notional(record, record.direction is Direction.BUY_DOMESTIC)
        self._begin_day(record.utc_us)
        self.day_notional += worth
        minute = record.utc_us // MINUTE_US
        self.minutes[minute] = self.minutes.get(minute, ZERO) + worth
        if len(self.minutes) > KEPT_MINUTES:
            del self.minutes[min(self.minutes)]
        mark = HedgeMark(record.utc_us, record.direction, record.book_microtimestamps, record.size, record.limit_price)
        _keep(self.hedges, mark, KEPT_HEDGES)
        self.hedges_counted = min(self.hedges_counted + 1, KEPT_HEDGES)
        self.first_fill_us = None

    def _hedge_closed(self, record: HedgeClosed, state: State) -> None:
        self.first_fill_us = None

    def _hedge_settled(self, record: HedgeSettled, state: State) -> None:
        self._begin_day(record.utc_us)
        self.day_pnl += record.realised_pnl
        if record.realised_pnl:
            self.losers_in_row = self.losers_in_row + 1 if record.realised_pnl < 0 else 0

    def _order_intended(self, record: OrderIntended, state: State) -> None:
        _keep(self.ordered_us, record.utc_us, KEPT_TIMES)
        self.unknown_orders.append(record.terms.client_order_id)

    def _order_moved(self, record: OrderMoved, state: State) -> None:
        if record.client_order_id not in self.unknown_orders:
            return
        if record.state in _KNOWN:
            _keep(self.outcomes, record.state is OrderState.REJECTED, KEPT_OUTCOMES)
        if record.state in _KNOWN or record.state.terminal:
            self.unknown_orders.remove(record.client_order_id)

    def _cancel_intended(self, record: CancelIntended, state: State) -> None:
        _keep(self.cancelled_us, record.utc_us, KEPT_TIMES)

    def _fill_booked(self, record: FillBooked, state: State) -> None:
        if self.first_fill_us is None and state.open_hedge_id is not None:
            self.first_fill_us = record.utc_us

    def _anchor_set(self, record: AnchorSet, state: State) -> None:
        self.opening = {holding.currency: holding.total for holding in record.holdings}
        self.latest = dict(self.opening)
        self.equity_day = record.utc_us // DAY_US

    def _statement_agreed(self, record: StatementAgreed, state: State) -> None:
        if record.utc_us // DAY_US > self.equity_day:
            self.equity_day = record.utc_us // DAY_US
            self.opening = self.latest
        self.latest = {
            currency: total + state.ledger.balance(LedgerAccount.EXTERNAL, currency)
            for currency, total in state.venue_totals.items()
        }

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
        self.day_pnl = ZERO

    def _forgive_equity_loss(self, utc_us: int) -> None:
        self.opening = dict(self.latest)

    def _forgive_hedges(self, utc_us: int) -> None:
        self.hedges_counted = 0

    def _forgive_losers(self, utc_us: int) -> None:
        self.losers_in_row = 0

    def _forgive_rejects(self, utc_us: int) -> None:
        self.outcomes.clear()

    def _forgive_unhedged_time(self, utc_us: int) -> None:
        self.first_fill_us = None if self.first_fill_us is None else utc_us


def reached(times_us: list[int], count: int, since_us: int) -> bool:
    """Whether so many of these moments, oldest first, are later than a moment."""
    return len(times_us) >= count and times_us[-count] > since_us


def _keep(kept: list[Any], item: object, most: int) -> None:
    """Append, and let the oldest go where there are too many."""
    kept.append(item)
    if len(kept) > most:
        del kept[0]


_FOLDS: dict[type, Callable[[LimitMemory, Any, State], None]] = {
    AnchorSet: LimitMemory._anchor_set,
    MarkSet: LimitMemory._mark_set,
    HedgeOpened: LimitMemory._hedge_opened,
    HedgeClosed: LimitMemory._hedge_closed,
    HedgeSettled: LimitMemory._hedge_settled,
    OrderIntended: LimitMemory._order_intended,
    OrderMoved: LimitMemory._order_moved,
    CancelIntended: LimitMemory._cancel_intended,
    FillBooked: LimitMemory._fill_booked,
    StatementAgreed: LimitMemory._statement_agreed,
    LimitTripped: LimitMemory._limit_tripped,
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
