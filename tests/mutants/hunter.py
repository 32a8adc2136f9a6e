"""One hunt, in a process of its own with the mutated package first on its path: `hunter GROUND PACKAGE SEED...`.

Says what it found as one JSON object on its last line. As a `sweep` it visits every seed, for the sound program.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from pathlib import Path

import pytest

import arbbot
from tests.mutants.grounds import GROUNDS, SCENE, Ground
from tests.mutants.nights import NIGHTS
from tests.mutants.verdict import CRASH, SURVIVED, Verdict, judged, judged_words

WORK_S = 240
"""Of a core's time, for one hunt or sweep: more is a loop without end."""
HOPE = {"core": 20, "shell": 1, "scene": 0, "test": 0}
"""Lives after a poor verdict in which a better one is sought."""
MEANT = (AssertionError, pytest.fail.Exception, TimeoutError)
"""How a test says no; whatever else it raises is a crash."""
Life = Callable[[int], Verdict]


def main(arguments: list[str]) -> int:
    """Hunt."""
    how, ground_name, package, *seeds = arguments
    if Path(arbbot.__file__).parent != Path(package):
        raise SystemExit(f"{arbbot.__file__} was imported, not {package}")
    os.nice(19 - os.nice(0))
    resource.setrlimit(resource.RLIMIT_CPU, (WORK_S, WORK_S))
    else_kind = "scene" if ground_name.startswith(SCENE) else "test"
    ground = (GROUNDS | NIGHTS).get(ground_name) or Ground(else_kind, ground_name, range(1))
    life = {"core": _core, "shell": _shell, "scene": _scene, "test": _test}[ground.kind](ground)
    found = sweep(life, map(int, seeds)) if how == "sweep" else [hunt(life, map(int, seeds), HOPE[ground.kind])]
    sys.stdout.write(f"\n{json.dumps([asdict(each) for each in found])}\n")
    sys.stdout.flush()
    os._exit(0)  # what died in there may not be able to die in peace


def hunt(life: Life, seeds: Iterable[int], hope: int) -> Verdict:
    """The first violation, or the best of what was seen."""
    began, best, lives, last = time.monotonic(), Verdict(SURVIVED), 0, sys.maxsize
    for lives, seed in enumerate(seeds, 1):
        found = life(seed)
        if found.certain or (found.killed and not best.killed) or (best.killed_by == SURVIVED != found.killed_by):
            best = Verdict(found.killed_by, found.text, seed, lives)
            last = min(last, lives + hope) if best.killed else last
        if best.certain or lives >= last:
            break
    taken_s = round(time.monotonic() - began, 1)
    return Verdict(best.killed_by, best.text, best.seed, lives if best.killed_by == SURVIVED else best.seeds, taken_s)


def sweep(life: Life, seeds: Iterable[int]) -> list[Verdict]:
    """Every seed at which something is wrong."""
    found = ((seed, life(seed)) for seed in seeds)
    return [Verdict(each.killed_by, each.text, seed) for seed, each in found if each.killed_by != SURVIVED]


# --- grounds --------------------------------------------------------------------------------------------------------


def _core(ground: Ground) -> Life:
    from tests.sim.draw import draw
    from tests.sim.life import run_plan

    def life(seed: int) -> Verdict:
        violations = run_plan(ground.change(draw(seed))).violations
        if not violations:
            return Verdict(SURVIVED)
        return Verdict(judged(violations[0].invariant, violations[0].text), violations[0].text)

    return life


def _shell(_: Ground) -> Life:
    from tests.shell.command import told

    return lambda seed: _of_words(told(seed).problems)


def _scene(ground: Ground) -> Life:
    from tests.shell.scenes import problems

    return lambda seed: _of_words(problems(ground.name.removeprefix(SCENE)))


def _of_words(problems: Sequence[str]) -> Verdict:
    return Verdict(judged_words(problems[0]), problems[0][:400]) if problems else Verdict(SURVIVED)


class _Witness:
    """Looks at why a test failed."""

    def __init__(self) -> None:
        self.verdict = Verdict(SURVIVED)
        self.passed = 0

    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        """A test has run, or could not."""
        if call.excinfo is None:
            self.passed += call.when == "call"
        elif not self.verdict.killed:
            meant = call.when == "call" and call.excinfo.errisinstance(MEANT)
            self.verdict = Verdict("test" if meant else CRASH, f"{item.name}: {call.excinfo.exconly()[:300]}")


def _test(ground: Ground) -> Life:
    def life(seed: int) -> Verdict:
        witness = _Witness()
        code = pytest.main(["-q", "-p", "no:cacheprovider", "--no-header", "--tb=no", "-x", ground.name], [witness])
        if code not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
            return Verdict(CRASH, f"pytest: {code}")
        return witness.verdict

    return life


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
