# ruff: noqa: T201 - the seeds that broke and the totals are its output
"""`python -m tests.shell`: many seeds on all cores, or one with its trace."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from multiprocessing import get_context
from multiprocessing.pool import Pool
from traceback import extract_tb

from tests.shell import await_points, expected, scenes, week
from tests.shell.story import Outcome, tell
from tests.sim.arguments import count, days
from tests.sim.command import revision
from tests.sim.shrink import without

EPILOG = """
examples:
  python -m tests.shell --seeds 60            so many, each with several daemons; 300 and more play the scenes too, and
                                              must meet all that tests/shell/expected.py lists
  python -m tests.shell --seed 48             one seed, with its trace
  python -m tests.shell --seed 48 --shorten   what of it the failure needs
  python -m tests.shell --stride 1            each end at each step of each work; 10: at every tenth
  python -m tests.shell --days 7              a week of one process
exit codes: 0 all promises held, 1 one did not, 2 wrong usage, 3 something that must happen never did
"""
SEEDS_A_PROCESS = 24
"""A process is replaced after so many: what died in it was never cleaned up."""
CORES_MAX = 2
REAL_S_MAX = 60
"""For one seed, which takes a second or two."""
SHOW_EVERY_S = 5.0
UNREACHED = 3
"""Exit code of a long run in which something never happened."""


def told(seed: int, only: frozenset[str] | None = None) -> Outcome:
    """Play a seed; a mistake in the simulation itself is an outcome too."""
    signal.signal(signal.SIGALRM, _too_long)
    signal.alarm(REAL_S_MAX)
    try:
        return tell(seed, only)
    except Exception as error:  # noqa: BLE001 - the edge of a worker: the seed must be named with what it broke on
        words = f"the simulation broke: {type(error).__name__}: {error}"
        where = " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(extract_tb(error.__traceback__)[-8:]))
        return Outcome(seed, (words, where), "", 0.0, 0.0, (), words, 0, 0, 0, {}, (), ())
    finally:
        signal.alarm(0)


def _too_long(_number: int, _frame: object) -> None:
    raise TimeoutError(f"more than {REAL_S_MAX} s of real time: something spins")


def pool(processes: int) -> Pool:
    """Processes to play in. Hashes are not salted in them, so that a seed is the same anywhere."""
    os.environ["PYTHONHASHSEED"] = "0"
    return get_context("spawn").Pool(processes, _quietly, maxtasksperchild=SEEDS_A_PROCESS)


def outcomes(seeds: Sequence[int], processes: int = CORES_MAX) -> Iterator[Outcome]:
    """Play seeds, as they end."""
    with pool(processes) as workers:
        yield from workers.imap_unordered(told, seeds)


def _quietly() -> None:
    """What the dead leave behind complains when the process ends; nobody needs to hear it."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 1 when a promise was broken, 3 when a long run did not meet everything that it must."""
    chosen = _chosen(arguments)
    if chosen.days is not None:
        return week.main(chosen.days, chosen.seed or 0, as_json=chosen.json)
    if chosen.scenes or chosen.stride is not None:
        return 1 if any(_named(chosen.stride, chosen.processes).values()) else 0
    if chosen.seed is not None and chosen.shorten:
        return _shortened(chosen.seed)
    if chosen.seed is not None:
        seeds, processes = [chosen.seed], 1
    else:
        seeds, processes = list(range(chosen.first, chosen.first + chosen.seeds)), chosen.processes
    began, shown_s = time.monotonic(), 0.0
    done: list[Outcome] = []
    for outcome in outcomes(seeds, processes):
        done.append(outcome)
        _show(outcome, as_json=chosen.json, trace=chosen.seed is not None)
        if time.monotonic() - shown_s > SHOW_EVERY_S and len(seeds) > 1:
            shown_s = time.monotonic()
            bad = sum(bool(each.problems) for each in done)
            print(f"{len(done)} of {len(seeds)} seeds, {bad} broken", file=sys.stderr, flush=True)
    totals = summary(done, time.monotonic() - began)
    print(json.dumps(totals) if chosen.json else "\n".join(f"{name:18} {value}" for name, value in totals.items()))
    broken = any(outcome.problems for outcome in done)
    if len(seeds) >= expected.ENOUGH_SEEDS:
        found = _named(None, processes)
        broken = any(found.values()) or broken
        if _unreached(done, found) and not broken:
            return UNREACHED
    return 1 if broken else 0


def _chosen(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options. Raises SystemExit with code 2 and a line that says why."""
    parser = argparse.ArgumentParser(
        "python -m tests.shell",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add, processes = parser.add_argument, min(CORES_MAX, os.cpu_count() or 1)
    add("--seeds", type=count, default=300, metavar="N", help="how many (default 300)")
    add("--first", type=int, default=0, metavar="N", help="the first of them (default 0)")
    add("--seed", type=int, metavar="N", help="play this one alone and print its trace; with --days: its seed")
    add("--shorten", action="store_true", help="with --seed: leave out what its failure does not need")
    add("--json", action="store_true", help="one JSON object a seed, and one of totals")
    add("--processes", type=count, default=processes, metavar="N", help=f"to play in (default {processes})")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--scenes", action="store_true", help="play the scenes with a name instead")
    instead.add_argument(
        "--stride",
        type=count,
        metavar="N",
        help="stop, stop twice and kill at every so many steps of each work instead; 1: at each",
    )
    instead.add_argument(
        "--days", type=days, metavar="N", help="one life of so many days instead, to see whether anything grows"
    )
    chosen = parser.parse_args(arguments)
    if chosen.shorten and chosen.seed is None:
        parser.error("--shorten goes with --seed")
    return chosen


def _unreached(done: Sequence[Outcome], played: Iterable[str]) -> list[str]:
    """Print what so many seeds, and the scenes that were played, never met."""
    counts = Counter(f"scene {name}" for name in played)
    for outcome in done:
        counts.update(outcome.counts)
    missing = expected.missing(counts)
    for name in missing:
        print(f"never happened: {name}", file=sys.stderr)
    return missing


def shortened(whole: Outcome, play: Callable[[int, frozenset[str]], Outcome]) -> list[str]:
    """The fewest items found with which a seed breaks the same promise."""
    broken = whole.problems[0].partition(":")[0]
    return without(
        whole.items,
        lambda left: any(problem.startswith(broken) for problem in play(whole.seed, frozenset(left)).problems),
    )


def _shortened(seed: int) -> int:
    """Play a seed again and again, with less and less; exit code 1 when it breaks something."""
    with pool(1) as workers:
        whole = workers.apply(told, (seed,))
        if not whole.problems:
            print(f"seed {seed} keeps every promise")
            return 0
        left = shortened(whole, lambda same, only: workers.apply(told, (same, only)))
        _show(workers.apply(told, (seed, frozenset(left))), as_json=False, trace=True)
    print(f"{len(left)} of {len(whole.items)} items are needed: {', '.join(left) or 'none'}")
    return 1


def _scene(work: Callable[[], list[str]]) -> list[str]:
    """Played in a process of the pool."""
    return work()


def _named(stride: int | None, processes: int) -> dict[str, list[str]]:
    """Play scenes, or an end at every so many steps: what was broken in each that was played."""
    if stride is None:
        works = {name: partial(scenes.problems, name) for name in scenes.SCENES}
    else:
        works = {
            f"{name}, {end} at step {step}": partial(await_points.at_step, name, end, step)
            for name, work in await_points.WORKS.items()
            for end in await_points.ENDS
            for step in range(0, work.steps, stride)
        }
    with pool(processes) as workers:
        found = dict(zip(works, workers.imap(_scene, works.values()), strict=True))
    for name, problems in found.items():
        for problem in problems:
            print(f"{name}: {problem}" if stride is None else problem)
    broken = sum(bool(problems) for problems in found.values())
    print(f"{len(found)} played, {broken} broken")
    return found


def _show(outcome: Outcome, *, as_json: bool, trace: bool) -> None:
    if as_json:
        told_of = asdict(outcome)
        print(json.dumps(told_of if trace else {**told_of, "trace": []}), flush=True)
        return
    if trace:
        print("\n".join(outcome.trace))
    for problem in outcome.problems:
        print(f"seed {outcome.seed}, revision {revision()}: {problem}", flush=True)


def summary(done: Sequence[Outcome], real_s: float) -> dict[str, object]:
    """The figures of many seeds."""
    counts: Counter[str] = Counter()
    for outcome in done:
        counts.update(outcome.counts)
    virtual_s = sum(outcome.virtual_s for outcome in done)
    codes = Counter("killed" if code is None else str(code) for outcome in done for code in outcome.codes)
    return {
        "revision": revision(),
        "seeds": len(done),
        "broken": sorted(outcome.seed for outcome in done if outcome.problems),
        "lives": sum(len(outcome.codes) for outcome in done),
        "exit codes": dict(codes.most_common()),
        "endings": dict(Counter(outcome.ending for outcome in done).most_common(12)),
        "hedges": sum(outcome.hedges for outcome in done),
        "requests": sum(outcome.requests for outcome in done),
        "steps": sum(outcome.steps for outcome in done),
        "virtual hours": round(virtual_s / 3600, 2),
        "real seconds": round(real_s, 1),
        "times real time": round(virtual_s / real_s) if real_s else 0,
        "counts": dict(counts.most_common()),
    }
