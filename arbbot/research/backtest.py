"""Virtual time for the synchronous engine: a heap of (time, sequence, what happens), no event loop and no waiting.

The world behind it is injected. While nothing is open the market is looked at every `Pace.look_us`; from a decision
until the ledger agrees again it is looked at, and the engine ticks, as often as the daemon's loop would. Stretches in
which the world says that no decision can come of the books are passed by price alone, without books and ticks.

The books of one look reach the engine at the same instant, yet one after the other, as they do from the venue. Where
looks are far apart (`Pace.whole`) each is a subscription of its own, so that the engine waits for all of its books:
prices of different moments never make a signal.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Protocol

from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, CancelOrder, Exit, PlaceOrder, ReplaceFeed
from arbbot.domain.events import BookSeen, Event, FeedUp, Moment, StopAsked, Tick, VenueClockSeen
from arbbot.domain.mode import Mode
from arbbot.domain.records import DurableRecord, HedgeSettled, is_durable
from arbbot.engine.refusal import Refusal
from arbbot.engine.report import report
from arbbot.engine.step import Engine, Output

PROGRESS_STEPS = 100
SIGNALS = frozenset(
    {
        Refusal.BELOW_NET_FLOOR,
        Refusal.SLIPPAGE,
        Refusal.COLLAR,
        Refusal.SELL_BELOW_LIMIT,
        Refusal.FX_DEPTH,
        Refusal.BOOK_DEPTH,
        Refusal.BASE_BALANCE,
        Refusal.QUOTE_BALANCE,
        Refusal.CAPITAL,
        Refusal.TARGET,
        Refusal.NOTIONAL_CAP,
    }
)
"""Refusals that come after the gross threshold was reached: a signal that was declined."""


class World(Protocol):
    """The venue and its market, in market time (microseconds since the epoch) that never runs backwards."""

    def stirs(self, now_us: int) -> bool:
        """Bring prices to now; False when the books of this moment cannot lead to a decision."""
        ...

    def books(self, now_us: int) -> Sequence[Book]:
        """Bring the market to now; its books, or those that changed since they were last returned."""
        ...

    def answer(self, command: PlaceOrder | CancelOrder | Ask, now_us: int) -> Event:
        """Carry out a command that arrives at the venue now."""
        ...

    def drain(self) -> Sequence[Event]:
        """What the private channels have told since the last time."""
        ...


@dataclass(frozen=True, slots=True)
class Pace:
    """How often things happen, microseconds of market time; `busy` from a decision until the ledger agrees."""

    look_us: int
    tick_us: int
    busy_look_us: int = 100_000
    busy_tick_us: int = 50_000
    whole: bool = False
    """Judge no book beside one of an earlier look; the world must then show all of its books each time."""

    def __post_init__(self) -> None:
        if not 0 < self.busy_tick_us <= self.tick_us <= self.look_us or not 0 < self.busy_look_us <= self.look_us:
            raise ValueError(f"ticks must be at least as frequent as looks, and busy ones as idle ones: {self}")


@dataclass(frozen=True, slots=True)
class Latency:
    """One way each, microseconds; every message takes up to `jitter_us` longer, at random."""

    up_us: int = 30_000
    down_us: int = 30_000
    jitter_us: int = 20_000


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """What a run came to."""

    report: dict[str, Any]
    exit_code: int
    ended_by: str
    """Why the run stopped: its end was reached, or a person would have had to look."""
    looks: int
    """Moments whose books the engine saw."""
    quiet_looks: int
    """Moments passed by price alone."""
    signals: int
    """Looks at which the engine was free to trade and the gross threshold was reached."""
    signal_hours: int
    """Hours with at least one of them."""
    hedges: tuple[HedgeSettled, ...]
    records: int
    records_hash: str
    """SHA-256 of all durable records in order."""
    fingerprint: str
    """Of the state they fold to."""


def run(
    world: World,
    engine: Engine,
    start_us: int,
    end_us: int,
    pace: Pace,
    *,
    latency: Latency = Latency(),
    seed: int = 1,
    mode: str = "backtest",
    journal: Callable[[Sequence[DurableRecord]], None] | None = None,
    progress: Callable[[float], None] | None = None,
) -> BacktestResult:
    """Run the engine from a fresh start to `end_us`, stop it by the stopping table, and tell what came of it.

    `journal` is handed every batch of durable records before their commands go out; `progress` the share of the
    time that has passed. Raises what the engine raises: StateError and LedgerError for bugs.
    """
    driver = _Driver(world, engine, end_us, pace, latency, Random(f"{seed}/latency"), journal)
    driver.begin(start_us)
    told = 0
    while (now_us := driver.advance()) is not None:
        passed = (now_us - start_us) / max(1, end_us - start_us)
        if progress is not None and passed * PROGRESS_STEPS >= told:
            told = int(passed * PROGRESS_STEPS) + 1
            progress(min(1.0, passed))
    return driver.result(mode)


class _Driver:
    """The heap and what is due next. `_look_due` and `_tick_due` tell entries that were overtaken from valid ones."""

    def __init__(
        self,
        world: World,
        engine: Engine,
        end_us: int,
        pace: Pace,
        latency: Latency,
        rng: Random,
        journal: Callable[[Sequence[DurableRecord]], None] | None,
    ) -> None:
        self._world = world
        self._engine = engine
        self._end_us = end_us
        self._pace = pace
        self._latency = latency
        self._rng = rng
        self._journal = journal
        self._heap: list[tuple[int, int, Callable[[int], None]]] = []
        self._pushed = 0
        self._look_due = self._tick_due = 0
        self._channel_us = 0
        self._awake = False
        self._epoch = 1
        self._stop_reason: str | None = None
        self._exit: Exit | None = None
        self._looks = self._quiet_looks = self._signals = 0
        self._signal_hours: set[int] = set()
        self._hedges: list[HedgeSettled] = []
        self._records = 0
        self._digest = hashlib.sha256()

    def begin(self, start_us: int) -> None:
        """Start the engine, on the venue's clock, connect its feed and look at the market for the first time."""
        self._carry_out(self._engine.start(_moment(start_us), "backtest"), start_us)
        self._deliver(VenueClockSeen(0), start_us)
        self._deliver(FeedUp(self._epoch), start_us)
        self._look_at(start_us)

    def advance(self) -> int | None:
        """Let the next thing happen; its time, or None once the engine has left."""
        if self._exit is not None:
            return None
        now_us, _, happen = heapq.heappop(self._heap)
        happen(now_us)
        return now_us

    def result(self, mode: str) -> BacktestResult:
        """The figures."""
        core = self._engine.core
        assert self._exit is not None
        return BacktestResult(
            report=report(core.state, core.route, mode),
            exit_code=self._exit.code,
            ended_by=self._exit.reason,
            looks=self._looks,
            quiet_looks=self._quiet_looks,
            signals=self._signals,
            signal_hours=len(self._signal_hours),
            hedges=tuple(self._hedges),
            records=self._records,
            records_hash=self._digest.hexdigest(),
            fingerprint=core.state.fingerprint(),
        )

    # --- what happens -------------------------------------------------------------------------------------

    def _push(self, at_us: int, happen: Callable[[int], None]) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at_us, self._pushed, happen))

    def _look(self, now_us: int) -> None:
        """Look at the market, unless this look was overtaken by an earlier one."""
        if now_us != self._look_due:
            return
        self._stop_when_over(now_us)
        busy = self._busy()
        if not busy and not self._world.stirs(now_us):
            self._quiet_looks += 1
            self._awake = False
            self._look_at(self._grid(now_us, self._pace.look_us))
            return
        books = self._world.books(now_us)
        self._hear(now_us)
        self._push(now_us + self._latency.down_us, partial(self._show, books))
        if not self._awake:
            self._awake = True
            self._tick_at(now_us + self._latency.down_us + 1)
            busy = True  # once more soon: the tickers' premium is checked in between
        self._look_at(now_us + self._pace.busy_look_us if busy else self._grid(now_us, self._pace.look_us))

    def _show(self, books: Sequence[Book], now_us: int) -> None:
        """Deliver the books of one look and note whether they made a signal."""
        state, entry = self._engine.core.state, self._engine.entry
        free, minted = state.open_hedge_id is None, state.hedges_minted
        if self._pace.whole and free:  # an open hedge keeps the books it may have to leave on
            self._epoch += 1
            self._deliver(FeedUp(self._epoch), now_us)
        for book in books:
            self._deliver(BookSeen(book, self._epoch), now_us)
        self._looks += 1
        if state.hedges_minted > minted or (free and books and not SIGNALS.isdisjoint(entry.last)):
            self._signals += 1
            self._signal_hours.add(now_us // 3_600_000_000)

    def _tick(self, now_us: int) -> None:
        if now_us != self._tick_due or not self._awake:
            return
        self._deliver(Tick(), now_us)
        after_books = self._latency.down_us + 1
        idle = self._grid(now_us - after_books, self._pace.tick_us) + after_books
        self._tick_at(now_us + self._pace.busy_tick_us if self._busy() else idle)

    def _arrive(self, command: PlaceOrder | CancelOrder | Ask, now_us: int) -> None:
        """A command reaches the venue; its answer and what the private channels say of it set out."""
        answer = self._world.answer(command, now_us)
        self._hear(now_us)
        self._push(now_us + self._latency.down_us + self._jitter(), partial(self._deliver, answer))

    def _hear(self, now_us: int) -> None:
        """Private channels keep their order, whatever the jitter."""
        for event in self._world.drain():
            self._channel_us = max(self._channel_us, now_us + self._latency.down_us + self._jitter())
            self._push(self._channel_us, partial(self._deliver, event))

    # --- the engine's door --------------------------------------------------------------------------------

    def _deliver(self, event: Event, now_us: int) -> None:
        self._carry_out(self._engine.step(event, _moment(now_us)), now_us)

    def _carry_out(self, output: Output, now_us: int) -> None:
        durable = [record for record in output.records if is_durable(record)]
        if durable:
            self._note(durable)
        for command in output.commands:
            if isinstance(command, Exit):
                self._exit = command
            elif not isinstance(command, ReplaceFeed):
                self._push(now_us + self._latency.up_us + self._jitter(), partial(self._arrive, command))
        if durable and self._awake and self._busy():
            self._hasten(now_us)

    def _note(self, durable: list[DurableRecord]) -> None:
        if self._journal is not None:
            self._journal(durable)
        self._records += len(durable)
        for record in durable:
            self._digest.update(f"{record!r}\n".encode())
            if isinstance(record, HedgeSettled):
                self._hedges.append(record)

    # --- time ---------------------------------------------------------------------------------------------

    def _jitter(self) -> int:
        return self._rng.randrange(self._latency.jitter_us + 1)

    def _grid(self, now_us: int, step_us: int) -> int:
        """The next multiple of a step: idle looks fall on the same moments whatever was traded in between."""
        return (now_us // step_us + 1) * step_us

    def _look_at(self, at_us: int) -> None:
        self._look_due = at_us
        self._push(at_us, self._look)

    def _tick_at(self, at_us: int) -> None:
        self._tick_due = at_us
        self._push(at_us, self._tick)

    def _hasten(self, now_us: int) -> None:
        """Something is open: look and tick as the daemon would."""
        if self._look_due > now_us + self._pace.busy_look_us:
            self._look_at(now_us + self._pace.busy_look_us)
        if self._tick_due > now_us + self._pace.busy_tick_us:
            self._tick_at(now_us + self._pace.busy_tick_us)

    def _busy(self) -> bool:
        """Starting, trading, reconciling or stopping."""
        state = self._engine.core.state
        if self._stop_reason is not None or not self._engine.entry.armed:
            return True
        return state.open_hedge_id is not None or bool(state.live) or not state.agreed

    def _stop_when_over(self, now_us: int) -> None:
        """At the end, or once only a person could let it trade again."""
        if self._stop_reason is not None:
            return
        state = self._engine.core.state
        if now_us >= self._end_us:
            self._stop_reason = "the end of the run"
        elif state.mode is not Mode.ACTIVE and state.open_hedge_id is None and not state.live:
            self._stop_reason = f"{state.mode}: {state.mode_reason}"
        if self._stop_reason is not None:
            self._deliver(StopAsked(self._stop_reason), now_us)


def _moment(now_us: int) -> Moment:
    return Moment(now_us * 1000, now_us)
