"""The command line of the simulation."""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from functools import cache

from tests.sim.arguments import count
from tests.sim.draw import draw
from tests.sim.expected import missing
from tests.sim.life import Result, run_plan, run_seed
from tests.sim.shrink import shrink

CHUNK = 8
HASH_SEED = os.environ.get("PYTHONHASHSEED")
SHRUNK_MOST = 3
"""Failing seeds of a run that are shrunk and traced; the others are named."""
EPILOG = """
examples:
  python -m tests.sim --seeds 1000             a thousand lives from seed 0 on
  python -m tests.sim --seeds 1000 --first 5000
  python -m tests.sim --seed 4711              one life, with its whole trace
  python -m tests.sim --seed 4711 --shrink     the shortest life that fails as it does, with its trace
  python -m tests.sim --seeds 1000 --twice     each of them in two processes, whose traces must be equal
  python -m tests.sim --hash 0 20              trace hashes, for comparing machines and processes
exit codes: 0 all promises held, 1 one did not or a life was not the same twice, 2 wrong usage, 3 something that must be
reached never was
"""


@dataclass(slots=True)
class Tally:
    """Sums over a run."""

    seeds: int = 0
    failed: list[int] = field(default_factory=list)
    violations: Counter[str] = field(default_factory=Counter)
    fired: Counter[str] = field(default_factory=Counter)
    reach: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    unlike: list[int] | None = None
    """Seeds that were not the same life in another process; None where each was lived once."""

    def add(self, result: Result) -> None:
        """Count one life in."""
        self.seeds += 1
        self.fired.update(result.fired)
        self.reach.update(result.reach)
        self.counts.update(result.counts)
        if result.violations:
            self.failed.append(result.seed)
            self.violations.update(violation.invariant for violation in result.violations)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.shrink and options.seed is None:
        parser.error("--shrink goes with --seed; many lives are shrunk as they fail, unless --no-shrink says otherwise")
    if options.hash:
        first, much = options.hash
        if much < 1:
            parser.error(f"argument --hash: of {much} lives there is nothing to print")
        for result in lives(range(first, first + much), options.jobs):
            print(result.seed, result.hash)
        return 0
    if options.seed is not None:
        return _one(options.seed, shrunk=options.shrink, as_json=options.json)
    return _many(options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make sim", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--seeds", type=count, default=1000, metavar="N", help="how many lives (default 1000)")
    what.add_argument("--seed", type=int, metavar="N", help="one life, with its whole trace")
    what.add_argument("--hash", type=int, nargs=2, metavar=("FIRST", "COUNT"), help="print the trace hashes of lives")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="the first seed (default 0)")
    parser.add_argument("--shrink", action="store_true", help="with --seed: make the life as short as it can be")
    parser.add_argument(
        "--jobs", type=count, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)"
    )
    parser.add_argument("--twice", action="store_true", help="live each again in another process: the same trace?")
    parser.add_argument("--reach", action="store_true", help="print what was reached how often")
    parser.add_argument("--no-shrink", action="store_true", help="do not look for shorter lives of failing seeds")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return parser


# --- many lives -----------------------------------------------------------------------------------------------------


def _many(options: argparse.Namespace) -> int:
    started, tally, failures, hashes = time.monotonic(), Tally(), [], {}
    for result in lives(range(options.first, options.first + options.seeds), options.jobs):
        tally.add(result)
        hashes[result.seed] = result.hash
        if result.violations:
            failures.append(result)
            _say(f"seed {result.seed}: {result.violations[0].invariant} {result.violations[0].text}")
        if tally.seeds % (20 if sys.stderr.isatty() else 250) == 0:
            _progress(tally, options.seeds, time.monotonic() - started)
    if options.twice:
        again = hashed(options.first, options.seeds, options.jobs, "1" if HASH_SEED != "1" else "2")
        tally.unlike = sorted(seed for seed in hashes if again.get(seed) != hashes[seed])
    taken_s = time.monotonic() - started
    unreached = missing(tally.fired, tally.reach)
    complete = not missing(tally.fired, tally.reach, tally.seeds)
    if options.json:
        print(json.dumps(_figures(tally, taken_s, unreached) | {"revision": revision()}))
    else:
        _summary(tally, taken_s, unreached, reach=options.reach)
        for result in failures[: 0 if options.no_shrink else SHRUNK_MOST]:
            _explain(result.seed)
    return 1 if failures or tally.unlike else 0 if complete else 3


def hashed(first: int, much: int, jobs: int, hash_seed: str) -> dict[int, str]:
    """Trace hashes by seed, of lives in other processes, whose sets and dictionaries are hashed otherwise."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.sim", "--hash", str(first), str(much), "--jobs", str(jobs)],
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {int(seed): found for seed, found in map(str.split, done.stdout.splitlines())}


def lives(seeds: Iterable[int], jobs: int) -> Iterator[Result]:
    """Live them all, in processes where there is more than one job; in the order of the seeds."""
    if jobs <= 1:
        yield from map(run_seed, seeds)
        return
    # What a process begins with is there to stay: its collector need not look at it after each life.
    with ProcessPoolExecutor(jobs, initializer=gc.freeze) as pool:
        yield from pool.map(run_seed, seeds, chunksize=CHUNK)


def _figures(tally: Tally, taken_s: float, unreached: list[str]) -> dict[str, object]:
    return {
        "seeds": tally.seeds,
        "failed": tally.failed,
        "violations": dict(tally.violations),
        "fired": dict(tally.fired),
        "reach": dict(tally.reach),
        "counts": dict(tally.counts),
        "unlike": tally.unlike,
        "taken_s": round(taken_s, 1),
        "seeds_a_minute": round(60 * tally.seeds / taken_s) if taken_s else 0,
        "unreached": unreached,
    }


def _summary(tally: Tally, taken_s: float, unreached: list[str], *, reach: bool) -> None:
    pace = 60 * tally.seeds / taken_s if taken_s else 0
    print(f"{tally.seeds} lives in {taken_s:.0f} s, {pace:.0f} a minute; revision {revision()}")
    print(", ".join(f"{name} {much}" for name, much in tally.counts.items()))
    if tally.unlike is not None:
        told = f"not the same twice: {', '.join(map(str, tally.unlike))}" if tally.unlike else "each the same twice"
        print(f"in two processes {told}")
    if reach:
        print("\nfaults fired:")
        _table(tally.fired)
        print("\nbranches reached:")
        _table(tally.reach)
    demanded = missing(tally.fired, tally.reach, tally.seeds)
    for words, names in (
        ("that is a failure", demanded),
        ("too few lives to demand it", [name for name in unreached if name not in demanded]),
    ):
        if names:
            print(f"\nnever reached ({words}):")
            for name in names:
                print(f"  {name}")
    if tally.failed:
        print(f"\n{len(tally.failed)} lives broke a promise: {', '.join(map(str, tally.failed[:40]))}")
        _table(tally.violations)
    else:
        print("every promise held")


def _table(counts: Counter[str]) -> None:
    for name in sorted(counts):
        print(f"  {counts[name]:9} {name}")


def _progress(tally: Tally, wanted: int, taken_s: float) -> None:
    pace = 60 * tally.seeds / taken_s if taken_s else 0
    end = "\r" if sys.stderr.isatty() else "\n"
    sys.stderr.write(f"{tally.seeds}/{wanted} lives, {pace:.0f} a minute, {len(tally.failed)} broken {end}")
    sys.stderr.flush()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


# --- one life -------------------------------------------------------------------------------------------------------


def _one(seed: int, *, shrunk: bool, as_json: bool) -> int:
    result = run_seed(seed, keep_trace=True)
    if as_json:
        print(
            json.dumps(
                asdict(result) | {"revision": revision(), "plan": [str(each) for each in draw(seed).disturbances]}
            )
        )
    elif shrunk and result.violations:
        _explain(seed)
    else:
        _show(result)
    return 1 if result.violations else 0


def _explain(seed: int) -> None:
    """The shortest life that fails like this seed's, and its trace."""
    plan = draw(seed)
    invariant = run_plan(plan).violations[0].invariant
    short = shrink(plan, invariant)
    print(f"\nseed {seed}, revision {revision()}: the shortest life found that breaks {invariant}")
    print(f"  born at {short.birth_us} us, {short.length_ms / 1000:g} s, rules {short.rules}")
    for each in short.disturbances:
        print(f"  {each}")
    _show(run_plan(short, keep_trace=True))


def _show(result: Result) -> None:
    for line in result.trace:
        print(line)
    print(f"\nseed {result.seed}, revision {revision()}, hash {result.hash}, {result.counts}")
    for violation in result.violations:
        print(f"  {violation.invariant}: {violation.text}")
    if not result.violations:
        print("  every promise held")


def fresh() -> int:
    """A seed that is another one for every commit: the first of the lives that nobody has lived before."""
    commit = revision().split("-")[0]
    known = all(each in "0123456789abcdef" for each in commit)
    return 1_000_000 + int(commit, 16) % 1_000_000_000 if known else 1_000_000


@cache
def revision() -> str:
    """The commit that is checked out, with a mark for changes; unknown outside of a checkout."""
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--abbrev=10"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()
