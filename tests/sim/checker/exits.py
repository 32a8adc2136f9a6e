"""S6, S7, S13 and L1: a way out of a one-sided hedge is worth what it is said to be, on books that count; it is the
cheaper one, loses no more than its cap, is forced only where something forces it, and is taken in time, or a person is
called.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from functools import cache

from tests.sim.checker.books import Shown, walk
from tests.sim.checker.decisions import DecisionJudge
from tests.sim.checker.fold import ENDED, Fold, HedgeStory, Intent, Json
from tests.sim.checker.limits import Limits
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

ZERO, ONE = Decimal(0), Decimal(1)
CLOCK_ROOM_US = 300_000
"""Of the process's clock, between a hedge's decision and its exit."""
VENUE_CLOCK_ROOM_US = 2_000_000
"""Of the venue's clock, known to a second or so."""
CLOSE = Decimal("0.0000001")
"""Of what is compared: the journal's figures are rounded."""
SILENT_US = 30_000_000
"""Beyond the time at which an exit is forced: for books to come back after a restart, and for an exit's own pauses."""

Books = Callable[[str], tuple[Json, ...]]
"""Of each market, those that something may be reckoned on."""


@dataclass(frozen=True, slots=True)
class Way:
    """A way out by our own sums."""

    market: str
    sells: bool
    size: Decimal
    worst: Decimal
    """The last price that it sweeps."""
    worth: Decimal
    """Domestic currency, negative where it is paid."""
    loss: Decimal
    """Fraction lost against the decision's prices."""


class ExitJudge:
    """Looks at every plan, and at the time that passes without one."""

    def __init__(
        self, limits: Limits, fold: Fold, truth: Truth, shown: Shown, decisions: DecisionJudge, report: Report
    ) -> None:
        self._limits = limits
        self._fold = fold
        self._truth = truth
        self._shown = shown
        self._rates = decisions.rates
        self._specs = decisions.specs
        self._report = report
        self._idle_us: int | None = None
        """Since when the open hedge is one-sided, and held by a doubt or free of it as it is; None while it is not."""
        self._held = False
        """Some order may still fill: nothing may be sent beside it."""
        self._told_held = False
        """The person that was called heard of a doubt: once it is over, the way out is waited for again."""
        self._told: str | None = None
        """The hedge that a person was called about."""
        self._silent: str | None = None
        """A hedge that a plan of this commit leaves open, until somebody is told."""
        self._asleep_us = 0
        """When the process last did not get to run: what reached it may be unread."""
        self._chosen: dict[str, list[Way]] = {}
        """By hedges, what the last plan of a way out can have meant, until it is ordered."""
        self._this_process: set[str] = set()
        """Hedges opened by the present process: the waiting period of others is over."""

    # --- time -----------------------------------------------------------------------------------------------

    def began(self, now_us: int) -> None:
        """A new process has all its time before it."""
        self._idle_us = None if self._idle_us is None else now_us
        self._this_process.clear()

    def opened(self, hedge_id: str) -> None:
        """A hedge was opened."""
        self._this_process.add(hedge_id)

    def committed(self, now_us: int) -> None:
        """Lines were folded: does the open hedge wait for a way out?"""
        if self._silent is not None:
            self._report.fail("L1", f"{self._silent} is left open by a plan, and nobody is told in the same breath")
            self._silent = None
        held = any(order.state not in ENDED for order in self._fold.orders.values())
        if not self._one_sided():
            self._idle_us = None
        elif self._idle_us is None or held is not self._held:
            self._idle_us = now_us
        if self._told_held and not held:
            self._told, self._told_held = None, False
        self._held = held

    def alerted(self, line: Json) -> None:
        """Somebody was told something while a hedge was open: that a leg is, and not just that a mode has changed."""
        if line["name"] == "leg_open":
            self._silent = None
            self._told = self._fold.open_hedge
            self._told_held = any(order.state not in ENDED for order in self._fold.orders.values())

    def look(self, now_us: int, *, asleep: bool) -> None:
        """An instant of a living process's."""
        if asleep:
            self._asleep_us = now_us
        if self._idle_us is None:
            return
        if asleep:
            self._idle_us = now_us
        elif now_us - self._idle_us > self._limits.force_ms * 1000 + SILENT_US:
            if self._told != self._fold.open_hedge and self._one_sided():
                self._report.fail("L1", f"{self._fold.open_hedge} is left one-sided, and nobody was told")
            self._idle_us = None

    def _one_sided(self) -> bool:
        fold = self._fold
        if fold.open_hedge is None or fold.mode == "panic":
            return False
        orders = [fold.orders[name] for name in fold.hedges[fold.open_hedge].orders]
        return abs(sum((order.sign * order.filled for order in orders), ZERO)) >= self._truth.dust()

    # --- plans ----------------------------------------------------------------------------------------------

    def planned(self, line: Json, mono_ns: int, now_us: int, *, stopping: bool) -> None:
        """A plan: what it says of both ways holds by our sums on some book that was shown lately, and a way of which it
        says nothing was not surely there. `stopping`: the process was told to.
        """
        leaves = line["action"] == "leave"
        if leaves:
            self._silent = line["hedge_id"]
        story = self._fold.hedges.get(line["hedge_id"])
        if story is None:
            return
        if line["forced"] and not (stopping or self._is_forced(line["hedge_id"], story, mono_ns)):
            text = f"the exit of {line['hedge_id']} is told as forced, and nothing forces it"
            self._report.fail("S13", text)
        if leaves and self._exits(story) >= self._limits.max_exits:
            return
        ways: dict[str, list[Way]] = {}
        for purpose in ("complete", "unwind"):
            told = line[f"{purpose}_value"]
            if told is None:
                if self._is_sure(line, story, now_us) and self._is_there(story, purpose, line, mono_ns):
                    text = f"{line['hedge_id']}: to {purpose} {line['imbalance']} is a way out that the plan overlooks"
                    self._report.fail("S13", text)
                continue
            fitting = self._fitting(story.body, purpose, Decimal(told), Decimal(line["imbalance"]), mono_ns)
            if not fitting:
                text = f"{line['hedge_id']}: to {purpose} {line['imbalance']} is told as {told}, which fits no book"
                self._report.fail("S13", text)
                return
            ways[purpose] = fitting
        first = {purpose: fitting[0] for purpose, fitting in ways.items()}
        if leaves:
            self._left(line, first)
        else:
            self._chosen[line["hedge_id"]] = ways.get(line["action"], [])
            self._choice(line, first)

    def intended(self, terms: Json) -> None:
        """What is sent beside a hedge's two legs, whatever it is called: the way out that was planned, immediate or
        cancel, with a limit within the slippage of what it sweeps, and not short of that.
        """
        name, story = terms["client_order_id"], self._fold.hedges.get(terms["hedge_id"])
        if story is None or (terms["purpose"] == "leg" and name in story.orders[:2]):
            return
        asked = (terms["market"], terms["side"] == "sell", Decimal(terms["size"]))
        ways = [
            each for each in self._chosen.pop(terms["hedge_id"], []) if (each.market, each.sells, each.size) == asked
        ]
        if not ways or terms["kind"] != "ioc":
            self._report.fail(
                "S13", f"{name}: {terms['kind']} to {terms['side']} {terms['size']} is not what was planned"
            )
            return
        price, slippage = Decimal(terms["price"]), self._limits.exit_slippage
        if not any(ZERO <= (way.worst - price) * (1 if way.sells else -1) <= way.worst * slippage for way in ways):
            self._report.fail(
                "S7", f"{name}: {price} is not within the slippage of {ways[0].worst}, to which it sweeps"
            )

    def _is_forced(self, hedge_id: str, story: HedgeStory, mono_ns: int) -> bool:
        halted = self._fold.mode in ("halted", "panic")
        late = mono_ns - int(story.body["mono_ns"]) >= self._limits.force_ms * 1_000_000
        told = {each["name"] for each in self._fold.alerts[self._fold.alerts_before :]}
        leaves = not told.isdisjoint({"feed_dead", "auth_refused"})
        return halted or late or leaves or hedge_id not in self._this_process

    def _exits(self, story: HedgeStory) -> int:
        return sum(self._order(name).purpose in ("complete", "unwind") for name in story.orders)

    def _left(self, line: Json, ways: dict[str, Way]) -> None:
        for purpose, way in ways.items():
            if way.loss <= self._limits.forced_exit_loss - CLOSE:
                text = f"{line['hedge_id']}: left open, although to {purpose} loses {way.loss:.6f}, within the cap"
                self._report.fail("S13", text)

    def _choice(self, line: Json, ways: dict[str, Way]) -> None:
        chosen = ways.pop(line["action"], None)
        if chosen is None:
            self._report.fail("S13", f"{line['hedge_id']}: the plan is to {line['action']}, which it does not reckon")
            return
        limits = self._limits
        cap = limits.forced_exit_loss if line["forced"] else limits.exit_loss
        if chosen.loss > cap + CLOSE:
            text = f"{line['hedge_id']}: to {line['action']} loses {chosen.loss:.6f} of a cap of {cap}"
            self._report.fail("S13", text)
        for other in ways.values():
            dearer = chosen.worth < other.worth if chosen.size == other.size else chosen.loss > other.loss
            if dearer and abs(chosen.loss - other.loss) > CLOSE:
                text = f"{line['hedge_id']}: to {line['action']} is {chosen.worth}, the other way {other.worth}"
                self._report.fail("S13", text)

    def _is_sure(self, line: Json, story: HedgeStory, now_us: int) -> bool:
        """Whether what reached the process is what it knows: it ran all the while, by a clock that was not set."""
        if not story.orders or now_us - self._asleep_us < 2 * self._limits.fresh_ms * 1000:
            return False
        opened_us = self._fold.orders[story.orders[0]].at_us
        set_us: int = (line["utc_us"] - now_us) - (story.body["utc_us"] - opened_us)
        return abs(set_us) < CLOCK_ROOM_US

    def _is_there(self, story: HedgeStory, purpose: str, line: Json, mono_ns: int) -> bool:
        """Whether a way out is open on every book that the process may hold: of the whole size, worth the minimum, and
        not refused before.
        """
        if any(order.purpose == purpose and order.state == "rejected" for order in map(self._order, story.orders)):
            return False
        hedge, imbalance = story.body, Decimal(line["imbalance"])
        sells, completes = imbalance > 0, purpose == "complete"
        market = hedge["sell_market" if sells is completes else "buy_market"]
        side, oldest_ns = "bids" if sells else "asks", mono_ns - self._limits.fresh_ms * 1_000_000
        lot, _, least = self._specs[market]
        least = max(least, self._truth.venue.spec(market).minimum_order_value)
        size = abs(imbalance).quantize(lot, ROUND_DOWN)
        taken = [walk(book[side], size) for book in self._shown.surely(market, oldest_ns)]
        if not taken or any(walked is None or walked.total < least for walked in taken):
            return False
        if market.endswith("usd"):
            return True
        most = max(walked.total for walked in taken if walked is not None) * (ONE + max(self._rates))
        books = self._shown.surely("eurusd", oldest_ns)
        return bool(books) and all(walk(book[side], most) is not None for book in books)

    def _order(self, name: str) -> Intent:
        return self._fold.orders[name]

    def _fitting(self, hedge: Json, purpose: str, told: Decimal, imbalance: Decimal, mono_ns: int) -> list[Way]:
        """The ways that are worth what is told, on books that are vouched for; or on others of late, which is said."""
        for believed in (True, False):
            ways = self._ways(hedge, purpose, imbalance, self._books(mono_ns, believed=believed))
            fitting = [way for way in ways if abs(way.worth - told) <= CLOSE * abs(told)]
            if fitting and not believed:
                text = f"{hedge['hedge_id']}: to {purpose} {imbalance} is reckoned on books that count no more"
                self._report.fail("S6", text)
            if fitting:
                return fitting
        return []

    def _ways(self, hedge: Json, purpose: str, imbalance: Decimal, books: Books) -> Iterator[Way]:
        """Whatever this way can be worth on the books of late, at the fees that the venue has had."""
        sells, completes = imbalance > 0, purpose == "complete"
        market = hedge["sell_market" if sells is completes else "buy_market"]
        domestic = market.endswith("usd")
        for book in books(market):
            rows = book["bids" if sells else "asks"]
            depth = sum((Decimal(row[1]) for row in rows), ZERO)
            size = min(abs(imbalance), depth).quantize(self._truth.venue.spec(market).lot, ROUND_DOWN)
            walked = walk(rows, size)
            if walked is None:
                continue
            for rate in sorted(self._rates):
                cash = walked.total * (ONE - rate if sells else ONE + rate)
                for worth in [cash] if domestic else self._converted(hedge, cash, sells, completes, books):
                    yield self._way(hedge, market, sells, size, walked.worst, worth)

    def _converted(self, hedge: Json, cash: Decimal, sells: bool, completes: bool, books: Books) -> Iterator[Decimal]:
        """Foreign cash in domestic currency. Completing there has it converted, which costs; unwinding saves that."""
        against = Decimal(hedge["fx_fee"]) * (1 if completes else -1)
        for book in books("eurusd"):
            walked = walk(book["bids" if sells else "asks"], cash)
            if walked is not None:
                yield walked.total * (ONE - against if sells else ONE + against)

    def _books(self, mono_ns: int, *, believed: bool) -> Books:
        """Those of a market that a way out may be reckoned on, or all of late."""
        fresh_us = self._limits.fresh_ms * 1000
        oldest_ns, latest_us = mono_ns - fresh_us * 1000, fresh_us + VENUE_CLOCK_ROOM_US
        if believed:
            return cache(lambda market: tuple(self._shown.vouched(market, oldest_ns, latest_us)))
        return cache(lambda market: tuple(self._shown.lately(market, oldest_ns)))

    def _way(self, hedge: Json, market: str, sells: bool, size: Decimal, worst: Decimal, worth: Decimal) -> Way:
        """Against what the decision reckoned with: the price of what is sold again, or of what is bought back."""
        side, sign = ("buy", 1) if sells else ("sell", -1)
        basis = size * Decimal(hedge[f"{side}_vwap"]) * (ONE + sign * Decimal(hedge[f"{side}_fee"]))
        if not hedge[f"{side}_market"].endswith("usd"):
            basis *= Decimal(hedge["fx_vwap"]) * (ONE + sign * Decimal(hedge["fx_fee"]))
        return Way(market, sells, size, worst, sign * worth, sign * (basis - worth) / basis)
