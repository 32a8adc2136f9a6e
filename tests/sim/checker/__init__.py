"""The judge of a life. It imports nothing of the daemon: it reads journal lines as JSON, requests and frames as bytes,
and the venue's own books, and does its own sums.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import orjson

from arbbot.exchange.accounts import Account
from arbbot.exchange.server.wire import HttpRequest
from arbbot.exchange.venue import Venue
from tests.sim.checker.books import SeenFrame, Shown
from tests.sim.checker.decisions import DecisionJudge
from tests.sim.checker.drill import DrillJudge
from tests.sim.checker.ending import EndJudge
from tests.sim.checker.exits import ExitJudge
from tests.sim.checker.exposure import ExposureJudge
from tests.sim.checker.fold import Fold, Json, parsed
from tests.sim.checker.limits import Limits
from tests.sim.checker.money import MoneyJudge
from tests.sim.checker.profit import ProfitJudge
from tests.sim.checker.ramp import RampJudge
from tests.sim.checker.rebase import RebaseJudge
from tests.sim.checker.report import Report, Violation
from tests.sim.checker.risk import RiskJudge
from tests.sim.checker.states import StateJudge
from tests.sim.checker.strays import StrayJudge
from tests.sim.checker.told import ToldJudge
from tests.sim.checker.treasury import TreasuryJudge
from tests.sim.checker.truth import Truth
from tests.sim.checker.wire import WireJudge

__all__ = ["Checker", "Limits", "Violation"]


READS_UP_US = 5_000_000
"""Once awake, a process has read within this what reached it while it slept."""
MOST_HELD = 100
"""Of anything a process holds in memory for things that are under way."""


class Checker:
    """Everything a life tells goes through here; `violations` is the verdict."""

    def __init__(self, limits: Limits, venue: Venue, account: Account, base: str = "btc") -> None:
        self._report = Report()
        self._limits = limits
        self._shown = Shown()
        self.fold = Fold()
        self.truth = Truth(venue, account, base, limits.balance_decimals)
        self._wire = WireJudge(limits, self.fold, self.truth, self._report)
        self._states = StateJudge(self.fold, self.truth, self._report)
        self._states.underway = self._wire.underway
        self._strays = StrayJudge(self.fold, self.truth, self._report)
        self.treasury = TreasuryJudge(self.fold, self.truth, self._shown, self._report)
        self._money = MoneyJudge(limits, self.fold, self.truth, self.treasury, self._report)
        self._exposure = ExposureJudge(limits, self.truth, self._report)
        self._told = ToldJudge(self._report)
        self._decisions = DecisionJudge(limits, self.fold, self.truth, self._shown, self._report)
        self._exits = ExitJudge(limits, self.fold, self.truth, self._shown, self._decisions, self._report)
        self.profit = ProfitJudge(limits.row_decimals, self.fold, self.truth, self._report)
        self._risk = RiskJudge(limits.risk, self.fold, self.profit, self._report)
        self._ramp = RampJudge(limits.ramp, self.fold, self.profit, self._report)
        self._drill = DrillJudge(limits.drill, self.fold, self.profit, self._report)
        self._rebase = RebaseJudge(self.fold, self._report)
        self._end = EndJudge(limits, self.fold, self.truth, self._money, self._report)
        self._alive = False
        self._code: int | None = None
        self._born_us: int | None = None
        self._slept_us = 0
        """When the process last did not get to run."""

    # --- verdict --------------------------------------------------------------------------------------------

    @property
    def violations(self) -> list[Violation]:
        """What did not hold."""
        return self._report.violations

    @property
    def full(self) -> bool:
        """Enough."""
        return self._report.full

    def fail(self, invariant: str, text: str) -> None:
        """Put down what somebody else saw."""
        self._report.fail(invariant, text)

    @property
    def begun_anew(self) -> int:
        """Hedges that the day before had no room for."""
        return self._risk.begun_anew

    def counts(self) -> dict[str, int]:
        """Figures of the life."""
        return {
            "lines": self.fold.lines,
            "hedges": len(self.fold.hedges),
            "orders": len(self.fold.orders),
            "fills": len(self.truth.fills),
            "requests": self._wire.requests,
        }

    # --- processes ------------------------------------------------------------------------------------------

    def began(self, now_us: int) -> None:
        """A process starts."""
        self._born_us = self._born_us or now_us
        self._alive = True
        self.truth.began()
        self._wire.began()
        self._shown.began()
        self._told.began()
        self._decisions.began()
        self._money.began()
        self._exits.began(now_us)
        self._risk.began()
        self._rebase.began()
        self._strays.began(now_us)
        self._states.stop_told = False

    def ended(self, code: int | None, now_us: int) -> None:
        """A process left with a code, or was killed (None)."""
        self._alive = False
        self._code = code
        if code is not None:
            self._when(now_us)
            self._end.left(code)

    def stop_told(self) -> None:
        """The process was told to stop."""
        self._states.stop_told = True

    def replayed(self, memory: str, journal: str) -> None:
        """Fingerprints of the state in memory and of the replayed journal."""
        if memory != journal:
            self._report.fail("S14", "the replayed journal is not the state in memory")

    def holds(self, what: str, how_many: int) -> None:
        """The process holds so many of something that must stay few."""
        if how_many > MOST_HELD:
            self._report.fail("L7", f"{what}: more than {MOST_HELD}")

    # --- the journal ----------------------------------------------------------------------------------------

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        """Lines were committed. `corrupt`: they follow a reply that proves nothing."""
        self._when(now_us)
        for kind, body in lines:
            line = parsed(body)
            self._states.line(kind, line, corrupt=corrupt)
            self._strays.line(kind, line, now_us)
            self.treasury.daemon(kind, line, mono_ns - self._limits.fresh_ms * 1_000_000)
            self._money.before(kind, line)
            self.profit.line(kind, line)
            self._risk.line(kind, line, now_us)
            self._rebase.line(kind, line)
            self.fold.take(kind, line, now_us)
            self._ramp.line(kind, line)
            self._drill.line(kind, line, now_us)
            self._decided(kind, line, mono_ns, now_us)
            if kind == "anchor_set":
                self.truth.rebased(line["cursor"])
            elif kind == "alert_raised":
                self._exits.alerted(line)
            if kind in ("statement_agreed", "anchor_set"):
                self.truth.note_balances(now_us)
                self._money.after(kind, line)
        self._exits.committed(now_us)
        self._strays.committed()
        self._rebase.committed()

    def _decided(self, kind: str, line: Json, mono_ns: int, now_us: int) -> None:
        """Lines by which something is decided."""
        if kind == "hedge_opened":
            self._decisions.opened(line, mono_ns)
            self._exits.opened(line["hedge_id"])
            self._told.opened(line["hedge_id"], (line["buy_market"], line["sell_market"], "eurusd"))
        elif kind == "conversion_opened":
            self._decisions.converts(line, mono_ns)
            self._told.opened(line["conversion_id"], (line["market"],))
        elif kind == "order_intended":
            self._decisions.intended(line["terms"])
            self._exits.intended(line["terms"])
        elif kind == "exit_planned":
            self._exits.planned(line, mono_ns, now_us, stopping=self._states.stop_told)

    # --- the wire -------------------------------------------------------------------------------------------

    def commanded(self, word: str, now_us: int) -> None:
        """The engine commanded something of the wire."""
        self._wire.commanded(word, now_us)

    def tried(self, word: str) -> None:
        """A command reached the wire, whether or not a byte went out."""
        self._wire.tried(word)

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        """A request left."""
        self._wire.sent(request, lane, mono_ns)

    def underway(self, request: HttpRequest) -> None:
        """It will arrive."""
        self._wire.on_its_way(request)

    def arrived(self, request: HttpRequest) -> None:
        """It did."""
        self._wire.arrived(request)

    def hidden(self, row_id: int, order_id: int | None, until_us: int) -> None:
        """A row is left out of the venue's answers for a while."""
        self.truth.hidden_until_us[row_id, order_id] = until_us

    def denied(self, name: str) -> None:
        """A placement was answered with the word on another one."""
        self.truth.deny(name)

    @property
    def underway_ids(self) -> frozenset[str]:
        """Client order ids of placements on their way."""
        return frozenset(self._wire.underway)

    def balances_read(self, body: bytes, asked_ns: int) -> None:
        """A balances reply reached the process, asked for at this monotonic time."""
        try:
            rows = orjson.loads(body)
            self._money.balances_read({row["currency"]: Decimal(row["total"]) for row in rows}, asked_ns)
            self._told.balances_read()
            self.fold.unread = False
        except (ValueError, TypeError, KeyError):
            return

    def rows_read(self, body: bytes) -> None:
        """A reply to a question for rows of the account reached the process."""
        self._told.rows_read(body)
        if body.startswith(b"["):
            self.fold.unread = False

    def markets_read(self, body: bytes) -> None:
        """The list of markets reached the process."""
        self._told.markets_read(body)

    def rate_read(self, body: bytes, mono_ns: int) -> None:
        """The venue's own EUR/USD rate reached the process."""
        self._decisions.witness.rate_read(body, mono_ns)

    def ticker_read(self, market: str, body: bytes, asked_ns: int, mono_ns: int) -> None:
        """A ticker reached the process, asked for at this monotonic time."""
        self._decisions.witness.ticker_read(market, body, asked_ns, mono_ns)

    def announced(self, body: bytes) -> None:
        """An announcement reached the process."""
        self._told.announced(body)

    def resumed(self) -> None:
        """A person told the process to trade again."""
        self._told.resumed()

    def book_fetched(self, market: str, body: bytes, asked_ns: int) -> None:
        """A REST book reached the process, asked for at this monotonic time."""
        self._shown.fetched(market, body, asked_ns)

    def fee_changed(self, rate: Decimal) -> None:
        """The venue charges another fee from now on."""
        self._decisions.rates.add(rate)

    # --- the feed -------------------------------------------------------------------------------------------

    def subscribed(self, epoch: int | None, mono_ns: int) -> None:
        """A connection counts from this monotonic time on; None: none does."""
        self._shown.subscribed(epoch, mono_ns)

    def frame(self, market: str, frame: SeenFrame) -> None:
        """A book frame reached the process."""
        self._shown.frame(market, frame)

    # --- time -----------------------------------------------------------------------------------------------

    def after(self, now_us: int, *, asleep: bool) -> None:
        """After every event. `asleep`: the process does not get to run."""
        if asleep:
            self._slept_us = now_us
        elif now_us - self._slept_us > READS_UP_US:
            self.truth.read_up_to_us = now_us
        if self.truth.dirty:
            self.truth.dirty = False
            self._when(now_us)
            self.truth.note_balances(now_us)
            self._money.look()
            self._exposure.look(self._wire.underway)
            self.treasury.look()
        if self._alive:
            self._wire.starved(now_us)
            self._exits.look(now_us, asleep=asleep)
            self._risk.look(now_us, asleep=asleep)
            self._strays.look(now_us, asleep=asleep)

    def _when(self, now_us: int) -> None:
        self._report.when_ms = (now_us - (self._born_us or now_us)) // 1000

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        """Faults stopped long ago. A row of the venue's is read within `lag_us`."""
        self._when(now_us)
        self._end.settled(feed_up=feed_up, since_us=now_us - lag_us)
        self._rebase.settled()

    def finish(self, now_us: int, lag_us: int) -> None:
        """The last process has left."""
        self._when(now_us)
        self._end.finish(self._code, lag_us, now_us)
        self.treasury.finish(alone=self._code != 0)
