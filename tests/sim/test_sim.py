"""Simulated lives, in the tests: a fixed set, and fresh ones for every commit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from hashlib import sha256

import pytest

from tests.sim.catalogue import ALL, STRIKES
from tests.sim.command import Tally, fresh, hashed, main, revision
from tests.sim.draw import draw
from tests.sim.expected import BRANCHES, FEW, MANY, SELDOM, SOON, missing
from tests.sim.house import SYMBOLS
from tests.sim.life import Result, run_plan, run_seed
from tests.sim.plan import Disturbance, Plan
from tests.sim.shrink import shrink, without

FIXED = range(60)
FRESH = 60


@dataclass(frozen=True, slots=True)
class Shows:
    """What a life shows: with the mend taken out, it breaks a promise."""

    what: str
    drawn: str
    """How the plan's hash begins: a plan that is drawn otherwise may show nothing, and the mend is to be taken out once
    more to see it.
    """
    calm: bool = False
    """It shows it without the disturbances that are drawn today."""

    def plan(self, seed: int) -> Plan:
        """The life's."""
        return replace(draw(seed), disturbances=()) if self.calm else draw(seed)


SHOWED = {
    28104: Shows("a row and a rebase that nobody could read, as a person was told", "240b63ee53dd"),
    49715: Shows("a row late because the venue left it out of its answers for long", "2b3df26432d1"),
    80690: Shows("a rebase that was waiting when the rest ended", "f5eaf123c6a6"),
    110230: Shows("a withdrawal whose return was told before both of its rows", "cac3495f40f6"),
    300538: Shows("rows of a conversion whose order the venue named for one of them only", "11f75f9e9bbf", calm=True),
    30003095: Shows("rows of one order that came one by one, and hurried each other", "60752b262497"),
    605584684: Shows("dust that was carried past its cap, and told", "ee9201e85bf7"),
    605584694: Shows("an answer about a person's order to the question for one of ours", "e6f4e72d4c34"),
    60006038: Shows("a person who resumed before the weight was lessened for the stop", "4bd5c14d5bfa"),
    302326: Shows("a venue that hides more than dust, with nothing else wrong", "d5710cd0e55b"),
}
"""Lives at which something was mended, in the program or in its judge, and which show it still."""
CHUNK = 10


@cache
def lived(seeds: range) -> tuple[Result, ...]:
    """These lives, once in a process."""
    return tuple(run_seed(seed) for seed in seeds)


def hold(seeds: range) -> None:
    """Every promise holds in these lives."""
    for life in lived(seeds):
        violations = life.violations
        assert not violations, f"seed {life.seed}, revision {revision()}, `make sim SEED={life.seed}`: {violations}"


@pytest.mark.parametrize("first", FIXED[::CHUNK])
def test_the_known_lives_hold_every_promise(first: int) -> None:
    """The same lives, on every machine and every day."""
    hold(range(first, first + CHUNK))


@pytest.mark.parametrize("seed", SHOWED, ids=lambda seed: f"{seed}")
def test_lives_that_showed_something_hold_every_promise(seed: int) -> None:
    """Drawn today as they were on the day, which is looked at first."""
    plan = SHOWED[seed].plan(seed)
    drawn = sha256(repr(plan).encode()).hexdigest()
    assert drawn.startswith(SHOWED[seed].drawn), (
        f"{seed} is drawn otherwise, {drawn[:12]}: does it show {SHOWED[seed]}?"
    )
    assert run_plan(plan).violations == ()


@pytest.mark.parametrize("offset", range(0, FRESH, CHUNK))
def test_fresh_lives_hold_every_promise(offset: int) -> None:
    """Lives that nobody has lived before; their first seed follows from the commit and is told."""
    print(f"fresh seeds from {fresh() + offset} on")  # noqa: T201 - shown when it fails
    hold(range(fresh() + offset, fresh() + offset + CHUNK))


def test_a_life_is_the_same_in_every_process(capsys: pytest.CaptureFixture[str]) -> None:
    """Each seed twice, in two processes with different hash seeds: equal hashes of everything that happened. A handful
    of known and of fresh ones here; `--twice` asks it of as many as wanted.
    """
    for first in (100, fresh()):
        once, again = (hashed(first, 8, 1, hash_seed) for hash_seed in "12")
        assert len(once) == 8
        assert once == again
    assert main(["--seeds", "2", "--first", "100", "--jobs", "1", "--twice", "--no-shrink"]) == 0
    assert "each the same twice" in capsys.readouterr().out


def test_a_life_that_is_not_the_same_twice_is_a_failure(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seed whose trace differs in the second process is named, and the run fails."""
    monkeypatch.setattr("tests.sim.command.hashed", lambda *_: {100: "other"})
    assert main(["--seeds", "1", "--first", "100", "--jobs", "1", "--twice"]) == 1
    assert "not the same twice: 100" in capsys.readouterr().out


def test_a_trace_costs_nothing_but_time() -> None:
    """Keeping the trace changes no life, and the file journal writes the same records as the one in memory."""
    plan = draw(7)
    kept = run_plan(replace(plan, sqlite=False), keep_trace=True)
    on_disk = run_plan(replace(plan, sqlite=True), keep_trace=True)
    assert kept.trace == on_disk.trace
    assert kept.trace


def test_ten_thousand_frames_at_once() -> None:
    """A burst as large as the exchange's own, of frames of each market while an edge stands: every promise holds."""
    quiet = replace(draw(40), disturbances=(), length_ms=30_000)
    edge_ms = next(quote.at_ms for quote in quiet.quotes if abs(quote.premium_bps) > 20)
    bursts = (Disturbance("burst", edge_ms, f"order_book_{market}", size=10_000) for market in SYMBOLS)
    lived = run_plan(replace(quiet, disturbances=tuple(bursts)))
    assert lived.violations == ()
    assert lived.fired["burst"] == len(SYMBOLS)


def test_delta_debugging_leaves_what_it_takes() -> None:
    """Of twenty items the two that matter are left, in their order."""
    assert without(range(20), lambda left: 3 in left and 14 in left) == [3, 14]
    assert without(range(20), lambda left: True) == []


def test_a_failing_life_is_cut_to_what_makes_it_fail() -> None:
    """A life that fails whenever a person panics: the shortest one found has nothing but the panic."""
    busy = replace(draw(40), disturbances=(*draw(40).disturbances, Disturbance("panic", 20_000)), length_ms=60_000)

    def fails(plan: Plan, invariant: str) -> bool:
        return any(each.kind == "panic" for each in plan.disturbances)

    short = shrink(busy, "L1", fails=fails)
    assert [each.kind for each in short.disturbances] == ["panic"]
    assert len(short.quotes) == 1
    assert short.length_ms < 10_000


def test_the_known_lives_reach_what_many_do() -> None:
    """The fixed set reaches all that a fifth of all lives reach: a branch that is lost is noticed at once."""
    tally = Tally()
    for first in FIXED[::CHUNK]:
        for life in lived(range(first, first + CHUNK)):
            tally.add(life)
    assert missing(tally.fired, tally.reach, len(FIXED)) == []


def test_what_was_never_reached_is_named() -> None:
    """A run that has reached nothing lacks every fault and every branch; one that has all of them lacks nothing. The
    longer a run is, the more it must reach.
    """
    everything = set(missing({}, {}))
    assert len(everything) == len(ALL) + len(BRANCHES)
    assert everything > set(missing({}, {}, MANY)) > set(missing({}, {}, FEW)) == SOON
    assert everything - set(missing({}, {}, MANY)) == SELDOM
    assert missing({}, {}, FEW - 1) == []
    assert missing(dict.fromkeys(ALL, 1), dict.fromkeys(BRANCHES, 1)) == []
    assert set(STRIKES) < set(ALL)
    assert len(set(ALL)) == len(ALL)


def test_the_command_tells_what_it_did(capsys: pytest.CaptureFixture[str]) -> None:
    """A few lives from the command line: figures in words, or as JSON, and success in the exit code."""
    assert main(["--seeds", "3", "--first", "50", "--jobs", "1", "--reach"]) == 0
    told = capsys.readouterr().out
    assert "3 lives" in told
    assert "every promise held" in told
    assert main(["--seeds", "2", "--jobs", "1", "--json"]) == 0
    assert '"seeds": 2' in capsys.readouterr().out
    assert main(["--seed", "5"]) == 0
    assert "start 1" in capsys.readouterr().out
