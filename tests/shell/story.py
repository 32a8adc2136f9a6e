"""One seed: a market, settings and a venue by chance, daemons that live and die on them, and how it all ended."""

from __future__ import annotations

import asyncio
import gc
import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal as D
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any

from arbbot.domain.records import DurableRecord
from arbbot.exchange.rules import VenueRules
from tests.e2e.stage import CALM, EUR, FX, Sections
from tests.shell import endings, harms, trial, troubles, verdict
from tests.shell.world import Run, World, played

ACTS_MAX = 4
RESTARTS_MAX = 25
CONVERGES_S = 1500.0
"""L1 and L2: with the faults off, everything is known and flat within this; the venue's own bound is 150 s of it."""
HOUR_S = 3600.0
"""An order that was signed while our clock was an hour ahead stays acceptable for so much longer."""
LATCHED_S = 400.0
"""A halted daemon has this long to resolve what is one-sided before it is told to stop."""
TRIED = 0.5
"""Of the seeds, in which the last daemon's stream is put to the test."""
RESTART_S = 2.0
"""How long a supervisor waits before it starts again what has ended."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one seed ended."""

    seed: int
    problems: tuple[str, ...]
    digest: str
    """Over the last journal's records and the venue's orders."""
    virtual_s: float
    real_s: float
    codes: tuple[int | None, ...]
    """Exit codes of the daemons; None for one that was killed."""
    ending: str
    """Flat, or why a person must look."""
    hedges: int
    requests: int
    steps: int
    counts: dict[str, int]
    """How often each trouble, and each fault of the exchange, happened."""
    items: tuple[str, ...]
    """What befell it, by names that can be given to `tell`."""
    trace: tuple[str, ...]


def tell(seed: int, only: frozenset[str] | None = None) -> Outcome:
    """Play a seed; where items are named, nothing else befalls it."""
    began = monotonic()
    random = Random(f"story {seed}")
    with TemporaryDirectory(prefix="shell-") as name:
        story = Story(seed, random, only)
        world = played(seed, Path(name), _sections(random), story.play, rules=_rules(random), seed=seed)
        found = verdict.problems(world)
    gc.unfreeze()
    counts = Counter(world.struck)
    counts.update({f"fault {fault}": count for fault, count in world.faulted.items() if count})
    return Outcome(
        seed,
        tuple(found),
        world.digest,
        world.loop.time(),
        monotonic() - began,
        tuple(run.code for run in world.runs),
        verdict.ending(world),
        len(world.records.all("hedge_closed")),
        world.requests,
        sum(run.life.steps for run in world.runs),
        dict(counts),
        tuple(story.items),
        tuple(world.trace),
    )


def _sections(random: Random) -> Sections:
    """Settings by chance, their times short enough that a seed sees many of them pass."""
    wait_s = random.choice(("0.5", "2", "5"))
    return {
        "trade": {
            "weight_percent": 100,
            "min_depth_levels": 3,
            "limit_reference": random.choice(("sell_ask", "buy_vwap", "buy_vwap")),
            "buy_as": random.choice(("market", "market", "ioc")),
            "fx_policy": random.choice(("each", "band", "band", "never")),
        },
        "spike": {"enabled": random.random() < 0.2},
        "hedge": {
            "wait_s": wait_s,
            "force_s": str(D(wait_s) * 3),
            "cooldown_s": random.choice((1, 5)),
            "reject_cooldown_s": random.choice((2, 10)),
        },
        "feed": {
            "books": random.choice(("snapshot", "snapshot", "diff")),
            "ticker_every_s": 5,
            "ticker_max_age_s": 600,
            "premium_tolerance_percent": 50,
        },
        "account": {"poll_s": random.choice((5, 30)), "lag_s": 5, "stop_grace_s": random.choice((20, 45))},
        "rest": {
            "order_timeout_s": random.choice((1, 3, 10)),
            "ask_timeout_s": random.choice((3, 20)),
            "connect_timeout_s": 1,
            "require_signed_errors": random.random() < 0.3,
        },
        "journal": {"sync": random.choice(("auto", "full"))},
        "telemetry": {"statsd": random.choice((None, "127.0.0.1:9"))},
    }


def _rules(random: Random) -> VenueRules:
    """One of the venues that the real one may be."""
    return VenueRules(
        row_decimals=random.choice((2, 5, 8)),
        balance_decimals=random.choice((None, None, 2, 8)),
        row_lag_us=random.choice((0, 0, 2_000_000)),
        status_lag_us=random.choice((0, 0, 1_500_000)),
        coded_errors=random.random() < 0.5,
        error_status=random.choice((200, 400)),
        limiter_status=random.choice((400, 429)),
        cancel_numbers=random.random() < 0.5,
    )


class Story:
    """The acts of one seed."""

    def __init__(self, seed: int, random: Random, only: frozenset[str] | None) -> None:
        self._seed = seed
        self._random = random
        self._only = only
        self._theme = "calm"
        self._moves = asyncio.Event()
        """The market does not stand still."""
        self._moves.set()
        self._drawn = 0
        self.items: list[str] = []
        """What befell the daemons."""

    async def play(self, world: World) -> None:
        """Lives with troubles, then one without."""
        beating = asyncio.create_task(self._market(world))
        for _ in range(self._random.randint(1, ACTS_MAX)):
            await self._act(world)
            if len(world.runs) > RESTARTS_MAX:
                break
        await self._last(world)
        beating.cancel()
        await asyncio.wait([beating])

    async def _market(self, world: World) -> None:
        """Books that never stand quite still, with an edge every few seconds."""
        flip = False
        while True:
            flip = not flip
            await self._moves.wait()
            for market, (bid, ask) in CALM.items():
                if market == EUR:
                    bid, ask = self._eur(D(bid), D(ask))
                world.show(market, (bid, str(D(ask) + (D("0.00001") if market == FX else D("0.01")) * flip)))
            await asyncio.sleep(self._random.choice((0.4, 1.0, 2.0)))
            if self._random.random() < 0.3:
                self._theme = self._random.choice(("calm", "rich", "rich", "dear", "dear")) if self._theme else ""

    def _eur(self, bid: D, ask: D) -> tuple[str, str]:
        shift = {"rich": D(1), "dear": D(-1)}.get(self._theme, D(0)) * self._random.choice((D(400), D(750), D(900)))
        return str(bid + shift), str(ask + shift)

    # --- a life with troubles --------------------------------------------------------------------------------------

    async def _act(self, world: World) -> None:
        random = self._random
        if not await self._started(world):
            return
        end = random.choice(endings.ENDINGS)
        if self._named(f"end {end}") is None:
            end = "goes on"
        self._arrange(world, end)
        until_s = world.loop.time() + random.uniform(20.0, 90.0)
        while world.loop.time() < until_s and not world.run.over:
            await asyncio.sleep(random.expovariate(1 / 4.0))
            trouble = self._named("trouble")
            if not world.run.over and trouble is not None:
                troubles.strike(world, Random(f"{self._seed} {trouble}"))
        await self._finished(world, end)

    def _named(self, kind: str) -> str | None:
        """The name of what is about to befall the daemon, or None: it is left out. What comes after draws the same."""
        self._drawn += 1
        name = f"{kind} {self._drawn}"
        if self._only is not None and name not in self._only:
            return None
        self.items.append(name)
        return name

    async def _started(self, world: World) -> bool:
        """A daemon is up, restarted as often as it takes; a person resumes what latched."""
        random = self._random
        while not world.runs or world.run.over:
            if len(world.runs) > RESTARTS_MAX:
                return False
            world.start()
            await asyncio.sleep(random.choice((0.0, 1.0, 6.0)))
            if world.run.over:
                await self._left(world)
        if random.random() < 0.8:
            await self._resume(world)
        return True

    async def _resume(self, world: World) -> None:
        """A person looks at what is latched, and resumes where nothing is left one-sided."""
        if world.records.mode() == "active" or abs(world.records.position()) > verdict.DUST:
            return
        try:
            answer = await world.ask("resume")
            world.note(f"a person resumes: {answer}")
        except (ConnectionError, ValueError):
            world.note("a person would resume, but nobody listens")

    def _arrange(self, world: World, end: str) -> None:
        """See to it that the life ends as it shall, at some commit and step from now on."""
        random, run = self._random, world.run
        if end in harms.HARMS:
            run.before_commit = partial(harms.harm, world, end, run.commits + random.randint(1, 40))
        elif end in endings.AT_A_STEP:
            fatal = run.commits + random.choice((1, 2, 3, 4, 5, 6, 8, 12, 20, 35))
            steps = random.choice((0, 0, 1, 2, 3, 5, 8, 13, 30, 100))
            run.after_commit = partial(_at_commit, world, end, fatal, steps, random.randint(1, 60))

    async def _finished(self, world: World, end: str) -> None:
        """It is over by now, or is ended in order."""
        run = world.run
        if run.over:
            await self._left(world)
            return
        if end in ("stop", *endings.AT_A_STEP, *harms.HARMS):
            if self._random.random() < 0.5:
                endings.carry_out(world, "stop")
            else:
                endings.carry_out(world, _once(end) if end in endings.AT_A_STEP else "kill")
            if not await world.ended(run, verdict.STOPS_S):
                world.surprises.append(f"{run.life.name} does not stop")
                world.kill()
            await self._left(world)

    async def _left(self, world: World) -> None:
        """What it left behind must be as it says; then it is started again, as a supervisor would."""
        await world.ended(world.run, 0.0)
        verdict.at_an_end(world)
        harms.cured(world)
        await asyncio.sleep(RESTART_S)

    # --- the last one ---------------------------------------------------------------------------------------------

    async def _last(self, world: World) -> None:
        """The faults stop; everything must become known and flat, and be told."""
        self._theme = ""
        world.heal()
        world.note("the faults stop")
        world.skew_ns = 0
        run = world.run
        run.life.skew_ns, run.before_commit, run.after_commit = 0, None, None
        run.life.at_steps.clear()
        while True:
            await self._started_calmly(world)
            within_s = CONVERGES_S + (HOUR_S if world.clock_was_set else 0.0)
            await world.until(lambda: verdict.settled(world), within_s)
            await world.until(world.records.quiet, LATCHED_S)
            await verdict.alive(world)
            if not world.run.over or len(world.runs) > RESTARTS_MAX:
                break
        if self._random.random() < TRIED:
            await self._try(world)
        world.stop()
        if not await world.ended(world.run, verdict.STOPS_S):
            world.surprises.append("the last one does not stop")
        verdict.at_an_end(world)
        world.requests = len(verdict.requests())
        world.digest = _digest(world)

    async def _try(self, world: World) -> None:
        """Its stream fails once more, in a market that stands still."""
        self._moves.clear()
        await trial.stream(world, self._random.choice(trial.KINDS))
        self._moves.set()
        await verdict.alive(world)

    async def _started_calmly(self, world: World) -> None:
        while world.run.over and len(world.runs) <= RESTARTS_MAX:
            await self._left(world)
            world.start()
            await asyncio.sleep(5.0)
        await self._resume(world)


def _at_commit(
    world: World, end: str, fatal: int, steps: int, again: int, run: Run, _records: Sequence[DurableRecord]
) -> None:
    """After the commit in question, so many steps later, the end comes; a second SIGTERM some steps after the first."""
    if run.commits != fatal:
        return
    if steps == 0:
        endings.carry_out(world, _once(end))
    else:
        run.life.at_steps[run.life.steps + steps] = partial(_at_step, world, _once(end))
    if end == "stop twice":
        run.life.at_steps[run.life.steps + steps + again] = partial(_at_step, world, end)


def _once(end: str) -> str:
    """The first of two stops is one."""
    return "stop" if end == "stop twice" else end


def _at_step(world: World, end: str) -> None:
    if endings.carry_out(world, end):
        world.struck[f"{end} at a step"] += 1


def _digest(world: World) -> str:
    told: Any = (world.records.read(), world.account()["orders"])
    return hashlib.sha256(repr(told).encode()).hexdigest()
