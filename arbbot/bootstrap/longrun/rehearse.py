"""`arbbot rehearse`: the real daemon over real sockets for a day of market time, with all that can go wrong.

Not `arbbot.rehearsal`, which composes engine and exchange without processes or sockets, for back-tests.
"""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import aiohttp

from arbbot import __version__, screen
from arbbot.bootstrap.demo import MAKER_PERCENT, TAKER_PERCENT
from arbbot.bootstrap.exchange_child import exchange_child
from arbbot.bootstrap.longrun import show, verdict
from arbbot.bootstrap.longrun.daemon_child import DaemonChild, added_wait_s, child_settings, said_last
from arbbot.bootstrap.longrun.fingerprints import code_fingerprint, settings_fingerprint
from arbbot.bootstrap.longrun.gate import LIVE_LEAST_S, rehearsals_dir
from arbbot.bootstrap.longrun.memory import judge
from arbbot.bootstrap.longrun.person import Person
from arbbot.bootstrap.longrun.schedule import Level, timetable
from arbbot.bootstrap.longrun.supervise import Course, Supervisor
from arbbot.bootstrap.longrun.tally import Tally, tally
from arbbot.bootstrap.longrun.troubles import ROUTE
from arbbot.bootstrap.longrun.truth import Truth
from arbbot.bootstrap.longrun.venue import VenueControl
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import journal_path, make_state_dir, symbols
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.journal.sqlite import JournalRefused
from arbbot.runtime.control import short_address
from arbbot.settings import Settings, rules

CALLS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asked for."""

    for_s: Decimal
    """Market seconds."""
    speed: Decimal
    seed: int
    scenario: str
    faults: Level


def rehearse(settings: Settings, options: Options, *, as_json: bool) -> ExitCode:
    """Play a rehearsal and put its verdict on record: OK when it passed, else CHECK_FAILED. Raises Failure."""
    if symbols(settings) != ROUTE:
        raise Failure(ExitCode.SETTINGS, f"route: the built-in exchange can rehearse {', '.join(ROUTE)} only")
    rehearsals = rehearsals_dir(settings)
    directory = rehearsals / datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")  # noqa: TID251 - its name
    short_address(directory / "control.sock")  # the daemon has to be spoken to
    make_state_dir(rehearsals)
    directory.mkdir(mode=0o700)
    say(*_explanation(options, directory))
    told = asyncio.run(_play(settings, options, directory))
    verdict.write(directory, told)
    if as_json:
        screen.show_json(told)
    else:
        print(*show.lines(told), sep="\n")
    return ExitCode.OK if told["verdict"] == "passed" else ExitCode.CHECK_FAILED


def listed(settings: Settings, *, as_json: bool) -> ExitCode:
    """Print what is on record."""
    found = list(verdict.on_record(rehearsals_dir(settings)))
    code, ruling = code_fingerprint(), settings_fingerprint(settings)
    rows = [
        {
            "rehearsal": each.stamp,
            "verdict": "passed" if each.passed else "failed",
            "hours": (each.market_s / 3600).quantize(Decimal("0.01")),
            "faults": each.faults,
            "version": each.version,
            "this_code": each.code == code,
            "these_settings": each.settings == ruling,
        }
        for each in found
    ]
    screen.show({"rehearsals": rows} if rows or as_json else {"rehearsals": "none yet"}, as_json)
    return ExitCode.OK


def _explanation(options: Options, directory: Path) -> list[str]:
    speed = options.speed
    return [
        f"rehearsal  {options.for_s / 3600:.2f} h of market time in {options.for_s / speed / 60:.1f} min, {directory}",
        f"exchange   built in, in a process of its own, scenario {options.scenario}, seed {options.seed}: ARTIFICIAL",
        f"fee tier   {MAKER_PERCENT} % maker, {TAKER_PERCENT} % taker, the ladder's highest, and the demonstration's",
        "           balances, so that there is something to trade; all rules are those of the settings",
        f"speed      {speed} to one: 5 ms of this machine count as {5 * speed:.0f} ms of the market's time, a book",
        f"           changes at most every {Decimal('0.05') * speed if speed > 1 else Decimal('0.1'):.2f} s of it, and "
        "REST time-outs are no shorter than 0.5 real seconds for orders and 2 for questions",
        f"faults     {options.faults}; a person is stood in for, and every call for one is counted",
    ]


async def _play(settings: Settings, options: Options, directory: Path) -> dict[str, Any]:
    """Exchange, daemon and supervisor until the end; what is to be told of it."""
    loop = asyncio.get_running_loop()
    begun_s = loop.time()
    interrupted = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted.set)
    speed = float(options.speed)
    words = (
        *("--scenario", options.scenario, "--seed", str(options.seed), "--compression", f"{options.speed:f}"),
        *("--maker-fee", str(MAKER_PERCENT), "--taker-fee", str(TAKER_PERCENT)),
    )
    async with exchange_child(*words) as addresses, aiohttp.ClientSession() as http:
        venue = VenueControl(http, addresses["control"], speed)
        await venue.begin()
        child = child_settings(settings, addresses, directory, options.speed)
        daemon = DaemonChild(child, directory)
        dust = settings.hedge.dust_cap
        truth = Truth(dust)
        truth.take(await venue.account(0), venue.now_us())
        person = Person(daemon, venue, ROUTE[0], dust)
        length_s = float(options.for_s)
        table = timetable(options.seed, length_s, options.faults)
        supervisor = Supervisor(
            daemon, venue, person, truth, table, length_s, speed, interrupted, show.progress(length_s)
        )
        course = await supervisor.play()
    real_s = loop.time() - begun_s
    try:
        counts = tally(journal_path(child), rules(settings).trade, tuple(course.spikes))
    except JournalRefused as error:
        raise Failure(ExitCode.CHECK_FAILED, f"{error}\n{said_last(directory)}") from error
    if counts.route is None:
        raise Failure(ExitCode.CHECK_FAILED, f"the daemon never started: {said_last(directory)}")
    seen = verdict.Seen(
        course, counts, truth, judge(tuple(course.rss)), options.for_s, dust, settings.limits.unhedged_s,
        added_wait_s(settings, options.speed), settings.limits.unhedged_notional,
    )  # fmt: skip
    return {
        **_identity(settings, options, directory),
        **_judged(seen, options),
        "real_s": real_s,
        **_of_course(course, daemon),
        **_of_books(counts, truth, course),
        "called": {
            "times": person.times,
            "rebases": person.rebases,
            "first": [((at_us - course.begun_us) / 1e6, text) for at_us, text in person.calls[:CALLS_SHOWN]],
        },
    }


def _identity(settings: Settings, options: Options, directory: Path) -> dict[str, Any]:
    return {
        "version": __version__,
        "code": code_fingerprint(),
        "settings": settings_fingerprint(settings),
        "directory": str(directory),
        "options": {
            "for_s": options.for_s,
            "speed": options.speed,
            "seed": options.seed,
            "scenario": options.scenario,
            "faults": options.faults.value,
        },
    }


def _judged(seen: verdict.Seen, options: Options) -> dict[str, Any]:
    found = verdict.criteria(seen)
    passed = all(each.passed for each in found)
    market_s = Decimal(seen.course.ended_us - seen.course.begun_us) / 1_000_000
    counts = passed and market_s >= LIVE_LEAST_S and options.faults is not Level.NONE
    return {
        "verdict": "passed" if passed else "failed",
        "counts_for_live": "it opens live mode for this version and these settings"
        if counts
        else "it does not open live mode, which wants a passed one of 24 h with faults",
        "market_s": market_s,
        "criteria": verdict.as_json(found),
    }


def _of_course(course: Course, daemon: DaemonChild) -> dict[str, Any]:
    ups = daemon.signals["feed up"]
    return {
        "began": dict(course.began),
        "fired": dict(course.fired),
        "fired_total": course.fired.total(),
        "struck": dict(course.struck),
        "reconnects": max(0, ups - daemon.starts),
        "stalls": daemon.signals["feed stalled"],
        "log_lines": dict(daemon.signals),
        "deaths": dict(Counter(ended.cause for ended in course.deaths)),
        "exit_codes": dict(Counter(str(ended.code) for ended in course.deaths) + Counter([str(course.last_code)])),
        "recovery_s": max(course.recoveries_us, default=0) / 1e6 if course.recoveries_us else None,
        "spikes": len(course.spikes),
        "gave_up": course.gave_up,
        "memory": [sample._asdict() for sample in list(course.rss)[:: max(1, len(course.rss) // 200)]],
    }


def _of_books(counts: Tally, truth: Truth, course: Course) -> dict[str, Any]:
    longest_at_s = None if truth.longest_at_us is None else (truth.longest_at_us - course.begun_us) / 1e6
    return {
        "report": counts.figures(),
        "hedges_decided": counts.opened,
        "hedges_in_spikes": counts.in_spikes,
        "alerts": dict(counts.alerts),
        "doubts": {
            "count": counts.doubts,
            "resolved": dict(counts.resolved),
            "longest_s": Decimal(counts.longest_doubt_us) / 1_000_000,
        },
        "answers_ms": {"half": counts.answer_ms(0.5), "most": counts.answer_ms(0.99)},
        "unhedged": {
            "longest_s": Decimal(truth.longest_us) / 1_000_000,
            "longest_began_s": longest_at_s,
            "most": truth.most,
            "most_usd": truth.most_usd,
        },
        "ledger_differences": verdict.differences(counts, truth),
    }
