"""One rehearsal as it runs: starts the daemon again when it ended, lets things go wrong, looks, and stops it flat."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from arbbot.bootstrap.longrun.daemon_child import DaemonChild
from arbbot.bootstrap.longrun.memory import Sample
from arbbot.bootstrap.longrun.person import WHO, Person
from arbbot.bootstrap.longrun.schedule import Death, Spell, Timetable
from arbbot.bootstrap.longrun.troubles import Trouble
from arbbot.bootstrap.longrun.truth import Truth
from arbbot.bootstrap.longrun.venue import VenueControl
from arbbot.domain.exit_codes import ExitCode

LOOK_S = 0.1
"""Real seconds between two looks."""
TRUTH_EVERY_LOOKS = 20
RESTART_S = 0.2
"""Real seconds before a dead daemon is started again, and as much more with each death in a row."""
FRUITLESS_STARTS = 8
"""Starts in a row that never got as far as trading: then the rehearsal is given up."""
SETTLE_S, SETTLE_REAL_S = 900.0, 20.0
"""The end: market seconds, and real ones at least, until all that is open has to be resolved."""
STOP_REAL_S = 30.0
OVERTIME_S, OVERTIME_REAL_S = 1800.0, 60.0
"""How long a start may take, the first one and those after the last deaths: market seconds, and real ones at least."""
SAMPLES = 4000
AGAIN_S = 90.0
"""How long a trouble that found nothing to strike stands again, in a gap of the timetable that is longer."""
SPIKE_AFTERGLOW_US = 10_000_000
"""How long after it was seen to strike a wick may still be what is shown, market time."""


@dataclass(frozen=True, slots=True)
class Ended:
    """One death of the daemon's process."""

    at_us: int
    code: int
    cause: str
    """stop, kill, or itself."""


@dataclass(slots=True)
class Course:
    """What happened; everything in it is bounded by the timetable, or thinned."""

    begun_us: int = 0
    ended_us: int = 0
    interrupted: bool = False
    gave_up: str | None = None
    began: Counter[str] = field(default_factory=Counter)
    """Troubles let loose, by name."""
    fired: Counter[str] = field(default_factory=Counter)
    """Faults that struck, by the exchange's count."""
    planned: frozenset[str] = frozenset()
    """Troubles of the timetable, by name."""
    struck: Counter[str] = field(default_factory=Counter)
    """Of these, those that did: let loose while there was something to strike."""
    deaths_planned: frozenset[Death] = frozenset()
    down: list[tuple[int, int]] = field(default_factory=list)
    """From each death until it answered again, microseconds since 1970."""
    spikes: list[tuple[int, int]] = field(default_factory=list)
    deaths: list[Ended] = field(default_factory=list)
    recoveries_us: list[int] = field(default_factory=list)
    """From each death until it could trade again."""
    rss: deque[Sample] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    last_code: int | None = None
    quiet: bool = False
    """At the end all was flat, reconciled and free of doubt before the stop was asked for."""


class Supervisor:
    """Plays one timetable. Everything is driven from one loop, so that nothing happens between two looks."""

    def __init__(
        self,
        daemon: DaemonChild,
        venue: VenueControl,
        person: Person,
        truth: Truth,
        timetable: Timetable,
        length_s: float,
        speed: float,
        interrupted: asyncio.Event,
        tell: Callable[[dict[str, Any]], None],
    ) -> None:
        self.course = Course(
            planned=frozenset(trouble.name for spell in timetable.spells for trouble in spell.troubles),
            deaths_planned=frozenset(kind for _, kind in timetable.deaths),
        )
        self._interrupted = interrupted
        self._daemon, self._venue, self._person, self._truth = daemon, venue, person, truth
        self._spells, self._deaths = deque(timetable.spells), deque(timetable.deaths)
        self._length_us, self._speed, self._tell = int(length_s * 1e6), speed, tell
        self._spell: tuple[Spell, int] | None = None
        self._missed: deque[Trouble] = deque()
        """Let loose in vain."""
        self._killing: Death | None = None
        self._died_us: int | None = None
        """Since when it has not been able to trade."""
        self._silent_us: int | None = None
        """Since when it has not answered."""
        self._started_us = 0
        self._fruitless = 0
        self._looks = 0
        self._sample_us = max(1_000_000, int(length_s * 1e6) // SAMPLES)
        self._sampled_us = 0

    async def play(self) -> Course:
        """From the first start to the last stop. Raises Failure when the exchange is lost."""
        course = self.course
        course.begun_us = self._venue.now_us()
        try:
            await self._start()
            await self._first_armed()
            course.begun_us = self._venue.now_us()
            while not self._over():
                await self._step()
                await self._pause()
            course.interrupted = self._interrupted.is_set()
            course.ended_us = self._venue.now_us()
            if course.gave_up is None:
                await self._finish()
        finally:
            await self._daemon.close()
        course.last_code = self._daemon.exit_code
        self._truth.take(await self._venue.account(self._truth.last_row), self._venue.now_us())
        return course

    def _over(self) -> bool:
        """The time is over and every death has been died, or there is no going on."""
        elapsed_us = self._venue.now_us() - self.course.begun_us
        done = elapsed_us >= self._length_us and not (self._deaths or self._died_us or self._killing)
        if elapsed_us >= self._length_us + max(OVERTIME_S, OVERTIME_REAL_S * self._speed) * 1e6:
            self.course.gave_up = "long after its time it had not come back from a death"
        return done or self._interrupted.is_set() or self.course.gave_up is not None

    async def _first_armed(self) -> None:
        """The time runs from the first moment at which it could trade."""
        self._died_us = begun_us = self._venue.now_us()
        while self._died_us is not None and not self._interrupted.is_set() and self.course.gave_up is None:
            if self._venue.now_us() - begun_us > max(OVERTIME_S, OVERTIME_REAL_S * self._speed) * 1e6:
                self.course.gave_up = "it never got as far as trading"
            await self._revive()
            status = await self._daemon.ask("status")
            if status is not None:
                self._noted(status)
            await self._pause()
        self.course.recoveries_us.clear()
        self.course.down.clear()

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(LOOK_S):
                await self._interrupted.wait()
        except TimeoutError:
            return

    async def _step(self) -> None:
        """One look at everything."""
        self._looks += 1
        await self._revive()
        await self._act()
        status = await self._daemon.ask("status")
        if status is not None:
            self._noted(status)
            await self._person.look(status)
            self._sample()
        if self._looks % TRUTH_EVERY_LOOKS == 0:
            await self._read_truth(status)

    async def _read_truth(self, status: dict[str, Any] | None) -> None:
        now_us = self._venue.now_us()
        self._truth.take(await self._venue.account(self._truth.last_row), now_us)
        figures = await self._daemon.ask("report")
        self._tell({
            "market_s": (now_us - self.course.begun_us) / 1e6,
            "hedges": None if figures is None else figures["hedges"],
            "faults": self.course.fired.total(),
            "deaths": len(self.course.deaths),
            "called": self._person.times,
            "state": "down" if status is None else status["state"],
        })  # fmt: skip

    # --- the daemon's process ------------------------------------------------------------------------------

    async def _start(self) -> None:
        self._started_us = self._venue.now_us()
        await self._daemon.start()

    async def _revive(self) -> None:
        """Start it again after any end; what it ended with is written down, and a person called where it says so."""
        code = self._daemon.exit_code
        if code is None:
            return
        course = self.course
        cause = "itself" if self._killing is None else self._killing.value
        course.deaths.append(Ended(self._venue.now_us(), code, cause))
        if cause == "itself" or (cause == "stop" and code != ExitCode.OK):
            self._person.called(f"the daemon ended with {code} ({_name(code)}), and is started again")
        self._killing = None
        self._silent_us = self._silent_us or self._venue.now_us()
        self._died_us = self._died_us or self._venue.now_us()
        self._fruitless += 1
        if self._fruitless > FRUITLESS_STARTS:
            course.gave_up = f"{FRUITLESS_STARTS} starts in a row did not get as far as trading, the last ended {code}"
            return
        await asyncio.sleep(RESTART_S * self._fruitless)
        await self._start()

    def _noted(self, status: dict[str, Any]) -> None:
        now_us = self._venue.now_us()
        if self._silent_us is not None:
            self.course.down.append((self._silent_us, now_us))
            self._silent_us = None
        if status["armed"]:
            self._fruitless = 0
            if self._died_us is not None:
                self.course.recoveries_us.append(now_us - self._died_us)
                self._died_us = None

    def _sample(self) -> None:
        now_us = self._venue.now_us()
        rss_kib = self._daemon.rss_kib()
        if rss_kib and self._daemon.exit_code is None and now_us - self._sampled_us >= self._sample_us:
            self._sampled_us = now_us
            sample = Sample(self._daemon.starts, now_us - self.course.begun_us, now_us - self._started_us, rss_kib)
            self.course.rss.append(sample)

    # --- what goes wrong -----------------------------------------------------------------------------------

    async def _act(self) -> None:
        """Begin and end spells, and let the daemon die, as the timetable has it."""
        now_us = self._venue.now_us()
        elapsed_s = (now_us - self.course.begun_us) / 1e6
        if self._spell is not None:
            present, since_us = self._spell
            over = elapsed_s >= present.at_s + present.for_s
            lasts = any(trouble.end for trouble in present.troubles)
            if over or (not lasts and now_us - since_us > 1e6 and await self._worn_out(present)):
                await self._end_spell(present, since_us)
        elif (spell := self._next(elapsed_s)) is not None:
            self._spell = (spell, now_us)
            for trouble in spell.troubles:
                self.course.began[trouble.name] += 1
                await self._venue.trouble(trouble)
        starting = self._died_us is not None  # left alone until it could trade again: each death is recovered from
        if self._deaths and elapsed_s >= self._deaths[0][0] and self._killing is None and not starting:
            _, self._killing = self._deaths.popleft()
            self._daemon.signal(signal.SIGKILL if self._killing is Death.KILL else signal.SIGTERM)

    def _next(self, elapsed_s: float) -> Spell | None:
        """The timetable's, when it is time; in a long gap what has been let loose in vain, once more."""
        if self._spells and elapsed_s >= self._spells[0].at_s:
            return self._spells.popleft()
        until_s = self._spells[0].at_s if self._spells else self._length_us / 1e6
        if not self._missed or until_s - elapsed_s <= AGAIN_S:
            return None
        return Spell(elapsed_s, AGAIN_S, (self._missed.popleft(),))

    async def _worn_out(self, spell: Spell) -> bool:
        return any(trouble.faults for trouble in spell.troubles) and await self._venue.worn_out()

    async def _end_spell(self, spell: Spell, since_us: int) -> None:
        self._spell = None
        fired = await self._venue.heal()
        for (name, _), times in fired.items():
            self.course.fired[name] += times
        for trouble in spell.troubles:
            await self._venue.pull(trouble.end)
            if trouble.struck(fired):
                self.course.struck[trouble.name] += 1
            elif not self.course.struck[trouble.name]:
                self._missed.append(trouble)
        spikes = [trouble for trouble in spell.troubles if trouble.family == "spike"]
        if not spikes:
            return
        last_us = self._venue.now_us() if any(spike.faults for spike in spikes) else since_us
        self.course.spikes.append((since_us, last_us + SPIKE_AFTERGLOW_US))

    # --- the end -------------------------------------------------------------------------------------------

    async def _finish(self) -> None:
        """Faults off, no new hedges, all that is open resolved, then an orderly stop: it has to end flat and with 0."""
        if self._spell is not None:
            await self._end_spell(*self._spell)
        self._person.leaving = True
        begun_s = asyncio.get_running_loop().time()
        patience_s = max(SETTLE_REAL_S, SETTLE_S / self._speed)
        while asyncio.get_running_loop().time() - begun_s < patience_s and self.course.gave_up is None:
            await self._revive()
            status = await self._daemon.ask("status")
            if status is not None:
                self._noted(status)
                if _at_rest(status):
                    self.course.quiet = True
                    break
                if status["state"] == "active":
                    await self._daemon.ask("pause", who=WHO, reason="the rehearsal is over")
                await self._person.look(status)
            await asyncio.sleep(LOOK_S)
        self._daemon.signal(signal.SIGTERM)
        await self._daemon.gone(STOP_REAL_S)


def _at_rest(status: dict[str, Any]) -> bool:
    busy = status["open_orders"] or status["in_doubt"] or status["open_hedge"] is not None
    return status["state"] == "paused" and not busy and status["flat"] and status["reconciled"] and status["armed"]


def _name(code: int) -> str:
    """An exit code or signal in a word."""
    if code < 0:
        return signal.Signals(-code).name
    return ExitCode(code).name.lower() if code in list(ExitCode) else "unknown"
