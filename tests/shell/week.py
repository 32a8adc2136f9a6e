# ruff: noqa: T201 - figures are its output
"""L7: one daemon process lives for days without a restart, and nothing of it grows.

It is the whole daemon with its page, on the played venue, in virtual time. An edge opens every four minutes, this way
or that, so that some three hundred hedges and their conversions happen a day, until the day's notional is used up late
in the evening; after midnight, UTC, trading goes on. Every ten minutes something goes wrong: a reply is lost or late,
an order refused or in doubt, a stream cut, silent or replaced. A person reads the page once an hour.

Books beat every four seconds, and every half second while an edge stands; a real venue sends up to ten a second. It is
often enough for the daemon to believe them (ten seconds), and spares most of what a day would cost. The daemon's own
ticks, timers and questions come as they always do: twenty ticks a second make up most of the three minutes of one core
that a virtual day takes.

What the simulation itself remembers is dropped every hour (requests, pings, the venue's tape and order events), or
written to a file and taken back at the end (the venue's orders and rows). The rest of the venue and of the network is
in the memory that is measured, and is not subtracted: it does not grow.
"""

from __future__ import annotations

import asyncio
import gc
import json
import sqlite3
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields
from decimal import Decimal as D
from itertools import combinations, cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from arbbot.bitstamp.limiter import VENUE_WINDOWS
from arbbot.bootstrap.page.daybook import CURVE_POINTS, DAYS_SHOWN
from arbbot.bootstrap.page.notes import KEPT as NOTES_KEPT
from arbbot.domain.mode import Mode
from arbbot.engine.foreign import KEPT_CONVERSIONS
from arbbot.engine.forgetting import KEPT_HEDGES, KEPT_ROWS
from arbbot.engine.limit_memory import (
    KEPT_DAYS,
    KEPT_HEDGE_MARKS,
    KEPT_MINUTES,
    KEPT_OUTCOMES,
    KEPT_RESETS,
    KEPT_TIMES,
)
from arbbot.engine.refusal import Refusal
from arbbot.engine.settlements import KEPT as KEPT_SETTLED
from tests.e2e.stage import CALM, EUR, FX, Sections
from tests.shell import verdict
from tests.shell.forget import Archive, forget
from tests.shell.onlooker import LOOKS_S, looked
from tests.shell.weigh import called, daemon_of, held, resident_mb
from tests.shell.world import World, played

HOUR_S, DAY_S = 3600.0, 86_400.0
BEAT_S, QUICK_BEAT_S = 4.0, 0.5
EDGE_EVERY_S, EDGE_S = 240.0, 4.0
TROUBLE_EVERY_S = 600.0
VENUE_PACE_S = 0.5
RESTS_S, SETTLES_S = 300.0, 900.0
HOURS_LEAST = 24
DAYS_WEIGHED = 3
GROWTH_MB_A_DAY_MAX = 4.0
GARBAGE_TOLD = 12
ROOM = 12
"""More than on the first day, or a quarter more: how full a container is at the hour depends on the hour."""
ORDERS_MAX = 3 * KEPT_HEDGES + KEPT_CONVERSIONS
"""Two legs, and an exit at times."""
STATE, PAGE = "daemon.engine.core.state.", "daemon._telemetry._behind."
SHIFTS = {"rich": D(600), "dear": D(-600), "calm": D(0)}
"""Of the foreign market's prices, per base unit: 0.8 percent."""

SECTIONS: Sections = {
    "trade": {"weight_percent": 100, "min_depth_levels": 3},
    "limits": {"notional_per_day": 1_500_000, "unhedged_s": 900},
    "dashboard": {"enabled": True, "port": 0},
    "hedge": {"cooldown_s": 5},
    "feed": {"premium_tolerance_percent": 50},
}
TROUBLES = (
    "reply_lost:buy:1", "cut", "reply_lost:sell:1", "http_502:*:2", "request_lost:buy:1", "silent", "timed_out:sell:1",
    "rows_late:user_transactions:3,delay_s=10", "request_lost:sell:1", "replaced", "reject:sell:1", "mis_signed:buy:1",
    "delay_after:account_balances:2,delay_s=30", "partial_cancel:sell:1", "refused", "not_found:sell:1,delay_s=5",
    "truncated:user_transactions:2", "http_502:buy:1,accepted=1", "stall_frames:order_book_btceur:1,delay_s=20",
    "delay_after:sell:1,delay_s=15", "garbage:order_book_btcusd:3", "html_200:order_status:1",
)  # fmt: skip
BOUNDS: dict[str, int] = {
    STATE + "hedges": KEPT_HEDGES + 1,
    STATE + "orders": ORDERS_MAX,
    STATE + "order_by_venue_id": ORDERS_MAX,
    STATE + "fills": ORDERS_MAX * 2,
    STATE + "hedges[].orders": ORDERS_MAX,
    STATE + "hedges[].deltas": KEPT_HEDGES * 4,
    STATE + "hedges[].fees": KEPT_HEDGES * 3,
    STATE + "hedges[].paid": KEPT_HEDGES * 3,
    STATE + "foreign.conversions": KEPT_CONVERSIONS,
    STATE + "settlements.orders": KEPT_SETTLED + 1,
    STATE + "settlements.withdrawals": KEPT_SETTLED + 1,
    STATE + "settlements.order_by_venue_id": KEPT_SETTLED + 1,
    STATE + "rows": KEPT_ROWS,
    STATE + "limits.hedges": KEPT_HEDGE_MARKS,
    STATE + "limits.minutes": KEPT_MINUTES,
    STATE + "limits.day_notional": KEPT_DAYS,
    STATE + "limits.day_pnl": KEPT_DAYS,
    STATE + "limits.openings": KEPT_DAYS,
    STATE + "limits.openings[]": KEPT_DAYS * 4,
    STATE + "limits.outcomes": KEPT_OUTCOMES,
    STATE + "limits.ordered_us": KEPT_TIMES,
    STATE + "limits.cancelled_us": KEPT_TIMES,
    STATE + "limits.resets": KEPT_RESETS,
    "daemon._gateway.limiter._sent[]": sum(window.count for window in VENUE_WINDOWS),
    PAGE + "days.curve": CURVE_POINTS,
    PAGE + "days._days": DAYS_SHOWN * 2,
    PAGE + "notes._kept": NOTES_KEPT,
    PAGE + "notes._kept[]": NOTES_KEPT * 8,
}
"""Of what takes more than a day to fill, by the daemon's own constants; one hedge may be open beside those kept."""


@dataclass(slots=True)
class Day:
    """One virtual day, or the part of one that was played."""

    peaks: Counter[str] = field(default_factory=Counter)
    """The most that was ever held, hour by hour, by where it is kept."""
    resident_mb: list[float] = field(default_factory=list)
    """Hour by hour."""
    hedges: int = 0
    conversions: int = 0
    doubts: int = 0
    requests: int = 0
    capped: int = 0
    """Looks at the books while the day's notional forbade a hedge."""
    journal_mb: float = 0.0
    log_mb: float = 0.0
    real_s: float = 0.0


@dataclass(slots=True)
class Week:
    """The play and its figures."""

    days: float
    seed: int
    told: Callable[[str], None]
    """Hears a line a virtual day."""
    lived: list[Day] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    code: int | None = None
    troubles: dict[str, int] = field(default_factory=dict)
    """How often each struck."""
    garbage: Counter[str] = field(default_factory=Counter)
    """By type: what only a full collection, which the daemon never sees, would have freed."""
    _edge: str = "calm"
    _step_s: float = HOUR_S
    """An hour, or the whole of a life that is shorter."""

    async def play(self, world: World) -> None:
        """The whole of it."""
        world.start()
        beside = [asyncio.create_task(work) for work in (self._market(world), self._edges(world), self._ails(world))]
        hours = max(1, round(self.days * DAY_S / HOUR_S))
        self._step_s = self.days * DAY_S / hours
        began, archive = time.monotonic(), Archive(world.directory / "archive")
        for hour in range(hours):
            if hour % 24 == 0:
                self.lived.append(Day())
            await self._hour(world)
            if world.run.over:
                break
            archive.fill(world)
            self._weigh(world)
            if (hour + 1) % 24 == 0 or hour + 1 == hours:
                self.lived[-1].real_s, began = time.monotonic() - began, time.monotonic()
                self._tell(world)
        for task in beside[1:]:
            task.cancel()
        await self._to_the_end(world)
        beside[0].cancel()
        await asyncio.wait(beside)
        archive.give_back(world)
        verdict.at_an_end(world)
        self.code = world.run.code

    # --- what happens ------------------------------------------------------------------------------------------------

    async def _market(self, world: World) -> None:
        """Books that beat."""
        for flip in cycle((0, 1)):
            for market, (bid, ask) in CALM.items():
                shift = SHIFTS[self._edge] if market == EUR else D(0)
                step = (D("0.00001") if market == FX else D("0.01")) * flip
                world.show(market, (str(D(bid) + shift), str(D(ask) + shift + step)))
            await asyncio.sleep(BEAT_S if self._edge == "calm" else QUICK_BEAT_S)

    async def _edges(self, world: World) -> None:
        """An edge now and then, for a few seconds, either way."""
        while True:
            await asyncio.sleep(EDGE_EVERY_S * world.random.uniform(0.5, 1.5))
            self._edge = world.random.choice(("rich", "dear"))
            await asyncio.sleep(BEAT_S + EDGE_S)
            self._edge = "calm"

    async def _ails(self, world: World) -> None:
        """One trouble after the other, all of them several times a day."""
        for trouble in cycle(TROUBLES):
            await asyncio.sleep(TROUBLE_EVERY_S * world.random.uniform(0.5, 1.5))
            world.struck[trouble] += 1
            streams = world.loop.network.of(world.stream_port)
            match trouble:
                case "cut":
                    for end in streams:
                        end.cut(reset=world.random.random() < 0.5)
                case "silent":
                    for end in streams:
                        end.stalled_until_s = world.loop.time() + 1e6
                case "replaced":
                    world.pull("request_reconnect")
                case "refused":
                    ports = world.loop.network.refused
                    ports.update((world.rest_port, world.stream_port))
                    for end in [*streams, *world.loop.network.of(world.rest_port)]:
                        end.cut(reset=True)
                    world.later(6.0, ports.clear)
                case _:
                    world.fault(trouble)

    async def _hour(self, world: World) -> None:
        """It passes; a person looks at the page in the middle of it."""
        await asyncio.sleep(self._step_s / 2)
        if not world.run.over:
            await looked(world)
        await asyncio.sleep(self._step_s / 2 - LOOKS_S)

    async def _to_the_end(self, world: World) -> None:
        """No faults and no edge any more: it comes to rest, is fit, and stops."""
        world.heal()
        self._edge = "calm"
        await asyncio.sleep(RESTS_S)
        self._collect()
        await world.until(lambda: verdict.settled(world), SETTLES_S)
        await verdict.alive(world)
        world.stop()
        if not await world.ended(world.run, verdict.STOPS_S):
            world.surprises.append("it does not stop")

    # --- what is seen ------------------------------------------------------------------------------------------------

    def _weigh(self, world: World) -> None:
        """Take the hour's figures, and forget the simulation's own records of it."""
        day, state = self.lived[-1], daemon_of(world.run).engine.core.state
        for name, count in held(world).items():
            day.peaks[name] = max(day.peaks[name], count)
        day.resident_mb.append(round(resident_mb(), 2))
        day.requests += len(verdict.requests())
        self.problems += [*verdict.nonces(), *verdict.rate()]
        if state.mode is not Mode.ACTIVE:
            self.problems.append(f"L1: {state.mode} after {world.loop.time() / HOUR_S:.0f} h: {state.mode_reason}")
        forget(world)

    def _tell(self, world: World) -> None:
        """The day in a line."""
        day, state, before = self.lived[-1], daemon_of(world.run).engine.core.state, self.lived[:-1]
        directory = world.run.state_dir / "sandbox"
        files = sum(path.stat().st_size for path in directory.glob("journal.db*")) / 1e6
        day.journal_mb = files - sum(each.journal_mb for each in before)
        day.log_mb = (world.directory / "log0.jsonl").stat().st_size / 1e6 - sum(each.log_mb for each in before)
        day.hedges = state.hedges_minted - sum(each.hedges for each in before)
        day.conversions = state.foreign.minted - sum(each.conversions for each in before)
        day.doubts = doubts(world) - sum(each.doubts for each in before)
        day.capped = state.refusals.get(Refusal.NOTIONAL_DAY, 0) - sum(each.capped for each in before)
        self.told(
            f"day {len(self.lived)}: {day.resident_mb[-1]:.1f} MB, {day.peaks['tasks']} tasks, "
            f"{day.peaks['connections']} connections, {day.hedges} hedges, {day.conversions} conversions, "
            f"{day.doubts} doubts, {day.capped} refusals by the day's notional, {day.requests} requests, "
            f"journal {day.journal_mb:.1f} MB, log {day.log_mb:.1f} MB, {day.real_s:.0f} s"
        )

    def _collect(self) -> None:
        """Look through what has died since the start and was not let go: a full collection happens in no daemon's life,
        for its heap is frozen and its thresholds are high.
        """
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        self.garbage.update(called(each) for each in gc.garbage)
        gc.set_debug(0)
        gc.garbage.clear()
        gc.collect()


def doubts(world: World) -> int:
    """Orders that were ever in doubt, by the journal."""
    path = world.run.state_dir / "sandbox" / "journal.db"
    query = "SELECT count(*) FROM record WHERE kind = 'order_moved' AND json_extract(body, '$.state') = 'in_doubt'"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return int(connection.execute(query).fetchone()[0])


def growth_mb_a_day(resident: list[float]) -> float | None:
    """Of hourly sizes: the median of the slopes between any two (Theil and Sen). None where there are too few."""
    points = list(enumerate(resident))
    slopes = [(late[1] - soon[1]) / (late[0] - soon[0]) * 24 for soon, late in combinations(points, 2)]
    return median(slopes) if len(points) >= HOURS_LEAST else None


def weighed(lived: Sequence[Day]) -> list[float]:
    """Hourly sizes of the last days, the first day never among them."""
    return [size for day in lived[1:][-DAYS_WEIGHED:] for size in day.resident_mb]


def judged(lived: Sequence[Day]) -> list[str]:
    """What has grown: beyond the daemon's own bounds, or, where there is none, beyond what the first day held."""
    first, last = lived[0].peaks, lived[-1].peaks
    found = []
    for name, count in sorted(last.items()):
        most = BOUNDS.get(name)
        if most is None and len(lived) > 1:
            most = first[name] + max(ROOM, first[name] // 4)
        if most is not None and count > most:
            found.append(f"L7: {name} holds {count}, its bound is {most}")
    growth = growth_mb_a_day(weighed(lived))
    if growth is not None and growth > GROWTH_MB_A_DAY_MAX:
        found.append(f"L7: it grows by {growth:.2f} MB a day, more than {GROWTH_MB_A_DAY_MAX}")
    return found


def live(days: float, seed: int, told: Callable[[str], None]) -> Week:
    """Play so many days, and judge them."""
    week = Week(days, seed, told)
    with TemporaryDirectory(prefix="week-") as name:
        world = played(seed, Path(name), SECTIONS, week.play, seed=seed, tick_s=VENUE_PACE_S)
        week.troubles = dict(world.struck)
        week.problems += judged(week.lived) + verdict.problems(world)
    return week


def main(days: float, seed: int, *, as_json: bool) -> int:
    """Play, tell, and judge; exit code 1 when a promise was broken."""
    week = live(days, seed, lambda line: print(line, file=sys.stderr, flush=True))
    growth, never_freed = growth_mb_a_day(weighed(week.lived)), dict(week.garbage.most_common(GARBAGE_TOLD))
    if as_json:
        told = {
            "growth MB a day": growth,
            "never freed": never_freed,
            "lived": [{each.name: getattr(day, each.name) for each in fields(day)} for day in week.lived],
        }
        same = {name: getattr(week, name) for name in ("days", "seed", "code", "problems", "troubles")}
        print(json.dumps({**same, **told}))
    else:
        first, last = week.lived[0].peaks, week.lived[-1].peaks
        print("\n".join(f"{name:90} {first[name]:7} {last[name]:7}" for name in sorted(last)))
        print("\n".join(f"never freed: {count:6} {name}" for name, count in never_freed.items()))
        print(f"growth {'unknown' if growth is None else f'{growth:.2f} MB a day'}, exit code {week.code}")
        print("\n".join(week.problems) or "every promise kept")
    return 1 if week.problems else 0
