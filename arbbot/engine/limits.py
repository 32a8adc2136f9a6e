"""Limits with memory. Soft ones refuse a hedge at this moment; hard ones trip, and stay so until a person resumes.

A trip makes the daemon REDUCING (no new hedges, what is open runs to its end) or HALTED (what is open is resolved at
once), and is a record of its own. What is measured, and how:

* notional of a hedge: what its decision was to cost, in the numeraire; per rolling hour (whole minutes) and UTC day;
* `daily_loss`: realised P&L of the hedges settled and the conversions closed this UTC day, all fees in. What is still
  open is not in it: a new hedge is never opened beside one, and the exits of a hedge have loss caps of their own;
* `equity_loss`: by how much the venue's balances have fallen since this UTC day began, valued at the last marks, by the
  statements that agreed. Deposits, withdrawals and other foreign rows are not losses, and neither is the price of what
  is held: both ends are valued at the same marks;
* orders of a minute: legs, exits and conversions alike; it refuses hedges and conversions, never an exit;
* `max_hedges` opened in `hedges_window_s`, `losers_in_row` among settled hedges, `max_rejects` of the last
  `reject_window` orders of which the venue's word is known;
* `unhedged_notional` and `unhedged_s`: by how much the base position may be one-sided while a hedge is open, and since
  when it is open. Doubt counts: it is the wider end of what may still fill. Only the notional of a hedge younger than
  its waiting period, of which nothing is in doubt, is what has filled: its two sides are on their way. Without a hedge
  it is what is left beyond the dust cap, at the last marks, and since when; after a restart, since it last changed.

Where an input is missing nothing opens, by its name. When our clock and the venue's differ the earlier one counts, so
that a clock set forward forgets nothing; between two looks at it the venue's runs on by the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from arbbot.domain.market import Direction, Route
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ONE, ZERO, decimals_of, unit
from arbbot.domain.records import HedgeOpened
from arbbot.domain.trips import ClockAgreed, LimitTripped
from arbbot.engine.core import CLOCK_OFF_S, SECOND_NS, Core, ns
from arbbot.engine.limit_memory import MINUTE_US, SECOND_US, LimitMemory, notional, reached
from arbbot.engine.refusal import Refusal
from arbbot.engine.state import State

MARKS_MAX_AGE_US = 5 * MINUTE_US
"""They are noted every minute while there are books."""
CENT = Decimal("0.01")
"""Kept free of a notional limit: figures of a decision are rounded."""
SHOWN_DECIMALS = 8
"""Of figures for people and programs, at most; what is measured against a limit is not rounded."""
LEGS = 2
SMALLEST_ORDERS = Decimal("1.2")
"""A hedge's notional is never less than the venue's minimum; with this margin there is room for one."""


class Measure(NamedTuple):
    """One hard limit now."""

    name: str
    measured: Decimal
    limit: Decimal
    mode: Mode
    tripped: bool


class Limits:
    """Asked by `Entry`: `blocked` whenever anything but books has changed, `refusal` before each hedge."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._rules = core.rules.limits
        self._open: tuple[int, int] | None = None
        """Since when the open hedge is open: by the record, and monotonic."""
        self._left_since_ns: int | None = None
        """Since when more than dust is left without a hedge, and no trip for it stands."""
        self._watched = False

    @property
    def _memory(self) -> LimitMemory:
        return self._core.state.limits

    @property
    def now_us(self) -> int:
        """The earlier of our clock and the venue's: nothing is forgotten by one that was set forward."""
        return self._core.earliest_us

    def clock_seen(self) -> None:
        """The venue's clock was seen: where ours agrees, what a wrong one dated later than both is given a right time.
        Neither alone is believed: a machine may boot days behind, and a proxy may stamp its replies as it likes.
        """
        core = self._core
        if abs(core.venue_offset_ms) < CLOCK_OFF_S * 1000 and self._memory.dated_after(core.at.utc_us):
            before_us = self._memory.open_since_us
            core.emit(ClockAgreed(core.at.utc_us))
            after_us = self._memory.open_since_us
            if self._open is not None and after_us is not None and self._open[0] == before_us:
                self._open = (after_us, self._open[1])  # another date, the same age

    # --- hard ----------------------------------------------------------------------------------------------

    def watch(self) -> None:
        """Trip what has reached its limit."""
        if not self._left_over() or "unhedged_s" in self._memory.open_trips:
            self._left_since_ns = None
        elif self._left_since_ns is None:
            since_us = None if self._watched else self._memory.left_since_us
            self._left_since_ns = self._core.at.mono_ns if since_us is None else self._mono_ns(since_us)
        self._watched = True
        for measure in self.measures():
            if measure.tripped:
                self._trip(measure)

    def measures(self) -> Iterator[Measure]:
        """Every hard limit but the throttle, which only the next hedge can trip; what is unknown is left out."""
        return self._measures(self.equity_loss())

    def _measures(self, loss: Decimal | Refusal) -> Iterator[Measure]:
        rules, memory = self._rules, self._memory
        pnl = memory.pnl_today(self.now_us)
        yield _at_limit("daily_loss", -pnl, rules.daily_loss, Mode.HALTED)
        if not isinstance(loss, Refusal):
            yield _at_limit("equity_loss", loss, rules.equity_loss, Mode.HALTED)
        yield _at_limit("losers_in_row", Decimal(memory.losers_in_row), Decimal(rules.losers_in_row), Mode.REDUCING)
        rejects = sum(memory.outcomes[-rules.reject_window :])
        yield _at_limit("max_rejects", Decimal(rejects), Decimal(rules.max_rejects), Mode.REDUCING)
        worth = self._unhedged_notional()
        yield Measure("unhedged_notional", worth, rules.unhedged_notional, Mode.HALTED, worth > rules.unhedged_notional)
        yield _at_limit("unhedged_s", self._unhedged_s(), rules.unhedged_s, Mode.HALTED)

    def _trip(self, measure: Measure) -> None:
        """Once until a person resumes. The mode first: whatever of this is lost with a crash, the latch is not. A
        person is told by the change of the mode, or where it is as strict already, of the limit alone.
        """
        core = self._core
        if measure.name in self._memory.open_trips:
            return
        told, before = f"limit {measure.name}: {measure.measured:f} of {measure.limit:f}", core.state.mode
        core.restrict(measure.mode, told)
        if core.state.mode is before:
            core.alert(Severity.CRITICAL, "limit_tripped", f"{before} already; {told}")
        core.emit(LimitTripped(measure.name, measure.measured, measure.limit, measure.mode, core.at.utc_us))

    def equity_loss(self) -> Decimal | Refusal:
        """What the balances have lost this UTC day, in the numeraire, negative for a gain; or what is not known."""
        state, memory = self._core.state, self._memory
        if not memory.latest:
            return Refusal.NO_BALANCES
        if memory.marked_us is None or memory.marked_us < self.now_us - MARKS_MAX_AGE_US:
            return Refusal.NO_MARKS
        prices = {self._core.route.numeraire: ONE, **state.last_marks}
        changes = memory.changed_today(self.now_us)
        if changes.keys() - prices.keys():
            return Refusal.NO_MARKS
        return -sum((change * prices[currency] for currency, change in changes.items()), ZERO)

    def _unhedged_notional(self) -> Decimal:
        """What the open hedge's one-sided part is worth at its own decision's price; without one, what is left at the
        last mark, and more than the limit where there is none.
        """
        core, state = self._core, self._core.state
        hedge = state.open_hedge()
        if hedge is None:
            left, price = self._left_over(), state.last_marks.get(core.route.base)
            if left and price is None:
                return self._rules.unhedged_notional + CENT
            return left * (price or ZERO)
        young = self._open_s() < core.rules.hedge.wait_s and not state.in_doubt()
        one_sided = abs(state.position) if young else self._one_sided()
        return one_sided * self._worth(hedge.opened) / hedge.opened.size

    def _unhedged_s(self) -> Decimal:
        """For how long the open hedge may have been one-sided by more than dust: since its decision. Without one, for
        how long more than dust is left.
        """
        if self._core.state.open_hedge_id is None:
            since_ns = self._left_since_ns
            return ZERO if since_ns is None else Decimal(self._core.at.mono_ns - since_ns) / SECOND_NS
        open_s = self._open_s()
        return open_s if self._one_sided() > self._core.rules.hedge.dust_cap else ZERO

    def _left_over(self) -> Decimal:
        """Base that no open hedge answers for, unsigned; zero up to the dust cap."""
        state = self._core.state
        left = abs(state.position) if state.open_hedge_id is None else ZERO
        return left if left > self._core.rules.hedge.dust_cap else ZERO

    def _one_sided(self) -> Decimal:
        """The wider end of the position's interval, unsigned, in base units."""
        low, high = self._core.state.exposure()
        return max(-low, high)

    def _open_s(self) -> Decimal:
        """Age of the open hedge, zero without one; by the monotonic clock once this process has seen it. The page may
        ask before the first event, when there is no time yet.
        """
        core, opened_us = self._core, self._memory.open_since_us
        if opened_us is None or not core.at.utc_us:
            return ZERO
        if self._open is None or self._open[0] != opened_us:
            self._open = (opened_us, self._mono_ns(opened_us))
        return Decimal(core.at.mono_ns - self._open[1]) / SECOND_NS

    def _mono_ns(self, utc_us: int) -> int:
        """A record's time on this process's monotonic clock, as seen now; at the latest now."""
        return self._core.at.mono_ns - max(0, self.now_us - utc_us) * 1000

    # --- soft ----------------------------------------------------------------------------------------------

    def room(self) -> Decimal:
        """Notional that the hour and the day leave for the next hedge."""
        rules, now_us = self._rules, self.now_us
        hour = rules.notional_per_hour - self._memory.hour_notional(now_us)
        return min(hour, rules.notional_per_day - self._memory.notional_today(now_us)) - CENT

    def blocked(self) -> Refusal | None:
        """What refuses every hedge, whatever its size. Changes nothing: what is reached trips with the next tick."""
        loss = self.equity_loss()
        if any(measure.tripped for measure in self._measures(loss)):
            return Refusal.LIMIT_REACHED
        smallest = self._core.route.domestic.minimum_order_value * SMALLEST_ORDERS
        refusal = self._spent(smallest)
        if refusal is not None:
            return refusal
        if isinstance(loss, Refusal):
            return loss
        if self.too_many_orders(LEGS):
            return Refusal.ORDER_RATE
        minute_ago_us = self.now_us - MINUTE_US
        if reached(self._memory.cancelled_us, self._rules.cancels_per_minute, minute_ago_us):
            return Refusal.CANCEL_RATE
        return None

    def too_many_orders(self, more: int) -> bool:
        """Whether so many more orders would be too many within a minute; those of conversions count like any."""
        return reached(self._memory.ordered_us, self._rules.orders_per_minute - more + 1, self.now_us - MINUTE_US)

    def _spent(self, worth: Decimal) -> Refusal | None:
        """Which window has no room for so much."""
        rules, now_us = self._rules, self.now_us
        if self._memory.notional_today(now_us) + worth > rules.notional_per_day:
            return Refusal.NOTIONAL_DAY
        if self._memory.hour_notional(now_us) + worth > rules.notional_per_hour:
            return Refusal.NOTIONAL_HOUR
        return None

    def refusal(self, opened: HedgeOpened) -> Refusal | None:
        """Why this hedge may not be opened where nothing is `blocked`, or None. One hedge too many trips."""
        rules, memory = self._rules, self._memory
        if memory.hedges_reached(rules.max_hedges, self.now_us - ns(rules.hedges_window_s) // 1000):
            most = Decimal(rules.max_hedges)
            self._trip(Measure("max_hedges", most, most, Mode.REDUCING, True))
            return Refusal.REDUCING
        refusal = self._spent(self._worth(opened))
        if refusal is not None:
            return refusal
        return Refusal.DUPLICATE if self._repeats(opened) else None

    def _worth(self, opened: HedgeOpened) -> Decimal:
        return notional(opened, opened.direction is Direction.BUY_DOMESTIC)

    def _repeats(self, opened: HedgeOpened) -> bool:
        """The same books again, or the same hedge again within moments: an order is never sent twice by mistake."""
        since_us = self.now_us - ns(self._rules.duplicate_s) // 1000
        for mark in self._memory.hedges:
            if mark.direction is not opened.direction:
                continue
            if mark.book_microtimestamps == opened.book_microtimestamps:
                return True
            if mark.utc_us > since_us and (mark.size, mark.limit_price) == (opened.size, opened.limit_price):
                return True
        return False


def _at_limit(name: str, measured: Decimal, limit: Decimal, mode: Mode) -> Measure:
    return Measure(name, measured, limit, mode, measured >= limit)


def shown(figure: Decimal) -> Decimal:
    """As it is, or rounded where it has more decimals than money ever has."""
    return figure if decimals_of(figure) <= SHOWN_DECIMALS else figure.quantize(unit(SHOWN_DECIMALS))


def limit_figures(state: State, route: Route, now_us: int) -> dict[str, Any]:
    """What is tripped, who reset what and why, and what the limits have counted so far; for people and programs."""
    memory = state.limits
    return {
        "tripped": [_told(trip) for trip in memory.open_trips.values()],
        "last_resets": [
            {**_told(reset.trip), "who": reset.who, "reason": reset.reason, "reset_utc_us": reset.utc_us}
            for reset in memory.resets
        ],
        "numeraire": route.numeraire,
        "notional_hour": shown(memory.hour_notional(now_us)),
        "notional_day": shown(memory.notional_today(now_us)),
        "realised_day": shown(memory.pnl_today(now_us)),
        "losers_in_row": memory.losers_in_row,
        "orders_last_minute": sum(each > now_us - 60 * SECOND_US for each in memory.ordered_us),
        "cancels_last_minute": sum(each > now_us - 60 * SECOND_US for each in memory.cancelled_us),
    }


def _told(trip: LimitTripped) -> dict[str, Any]:
    return {
        "name": trip.name,
        "measured": shown(trip.measured),
        "limit": trip.limit,
        "mode": trip.mode.value,
        "utc_us": trip.utc_us,
    }
