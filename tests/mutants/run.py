"""Copies, applies, hunts: the sound program first, then every mutant, a process for each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.mutants.grounds import Ground
from tests.mutants.mutant import Mutant, mutated
from tests.mutants.verdict import CRASH, Verdict

ROOT = Path(__file__).parents[2]
COPIED = ("arbbot", "tests", "pyproject.toml", "settings.toml")
PATIENCE_S = 3_600
"""For one process, by the clock on the wall, which a busy machine makes slow; the hunter bounds its own work."""
SWEPT_AT_ONCE = 30
"""Seeds a process of the sound program."""
Heard = Callable[[Mutant, Verdict], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What became of all of them."""

    unsound: tuple[tuple[str, Verdict], ...]
    """Grounds and seeds at which the program that is not mutated breaks a promise."""
    verdicts: tuple[tuple[Mutant, Verdict], ...]

    @property
    def good(self) -> bool:
        """Whether the program is sound and every mutant was noticed."""
        return not self.unsound and all(verdict.killed for _, verdict in self.verdicts)

    def witnesses(self) -> dict[str, int]:
        """How many were noticed by an invariant, by one test, by a guard, and by nobody."""
        return dict(sorted(Counter(verdict.by for _, verdict in self.verdicts).items()))


def run(mutants: Sequence[Mutant], jobs: int, heard: Heard = lambda _mutant, _verdict: None) -> Report:
    """Hunt them all, `jobs` at a time; each verdict is told as it comes. Raises Stale before anything is hunted.

    Everything is copied first: whoever works on the checkout meanwhile disturbs nothing.
    """
    for each in mutants:
        mutated(each, ROOT / "arbbot")
    with TemporaryDirectory(prefix="mutants-") as name, ThreadPoolExecutor(jobs) as pool:
        base = Path(name, "sound")
        base.mkdir()
        for part in COPIED:
            if (ROOT / part).is_dir():
                shutil.copytree(ROOT / part, base / part)
            else:
                shutil.copy2(ROOT / part, base / part)
        unsound = _swept(base, {each.ground.name: each.ground for each in mutants}.values(), pool)
        bad = {ground: {verdict.seed for where, verdict in unsound if where == ground} for ground, _ in unsound}

        def one(each: Mutant) -> tuple[Mutant, Verdict]:
            skipped = bad.get(each.ground.name, set())
            verdict = _hunted(base, each, [seed for seed in each.ground.seeds if seed not in skipped])
            heard(each, verdict)
            return each, verdict

        return Report(tuple(unsound), tuple(pool.map(one, mutants)))


def _swept(base: Path, grounds: Iterable[Ground], pool: ThreadPoolExecutor) -> list[tuple[str, Verdict]]:
    """What is wrong without any mutant."""
    parts = [
        (ground, ground.seeds[first : first + SWEPT_AT_ONCE])
        for ground in grounds
        for first in range(0, len(ground.seeds), SWEPT_AT_ONCE)
    ]
    found = pool.map(lambda part: _process(base, base, "sweep", *part), parts)
    return [(ground.name, verdict) for (ground, _), verdicts in zip(parts, found, strict=True) for verdict in verdicts]


def _hunted(base: Path, each: Mutant, seeds: Sequence[int]) -> Verdict:
    with TemporaryDirectory(prefix="mutant-", dir=base.parent) as name:
        package = Path(name, "arbbot")
        shutil.copytree(base / "arbbot", package)
        for file, text in mutated(each, package).items():
            changed = package / file
            for compiled in (changed.parent / "__pycache__").glob(f"{changed.stem}.*"):
                compiled.unlink()
            changed.write_text(text)
        return _process(base, Path(name), "hunt", each.ground, seeds)[0]


def _process(base: Path, first: Path, how: str, ground: Ground, seeds: Sequence[int]) -> list[Verdict]:
    """A hunter's findings; one that dies or hangs has found a crash."""
    paths = os.pathsep.join(dict.fromkeys((str(first), str(base))))
    environment = os.environ | {
        "PYTHONPATH": paths, "PYTHONSAFEPATH": "1", "PYTHONHASHSEED": "0", "PYTHONWARNINGS": "ignore",
    }  # fmt: skip
    command = [sys.executable, "-m", "tests.mutants.hunter", how, ground.name, str(first / "arbbot")]
    try:
        done = subprocess.run(
            [*command, *map(str, seeds)],
            cwd=base,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        lines = done.stdout.strip().splitlines()
        return [Verdict(**each) for each in json.loads(lines[-1])]
    except subprocess.TimeoutExpired:
        return [Verdict(CRASH, f"hangs for {PATIENCE_S} s", seconds=PATIENCE_S)]
    except (IndexError, ValueError):
        return [Verdict(CRASH, f"no verdict, exit code {done.returncode}: {done.stderr.strip()[-300:]}")]
