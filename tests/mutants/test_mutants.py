from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest

from tests.mutants.catalogue import ALL
from tests.mutants.command import main
from tests.mutants.grounds import CORE
from tests.mutants.mutant import Mutant, Stale, mutant, mutated
from tests.mutants.run import ROOT, run
from tests.mutants.verdict import ASSERTION, CRASH, SURVIVED, Verdict, judged, judged_words

PACKAGE = ROOT / "arbbot"
FEW = replace(CORE, seeds=range(3))
PROMISES = (
    {f"S{number}" for number in range(1, 18)}
    | {f"L{number}" for number in range(1, 8)}
    | {"D", "R", "W"}
    | {f"T{number}" for number in range(1, 5)}
)


def harmless(old: str = '"""Orders that may go out together.') -> Mutant:
    """A change that breaks nothing, or one that does not fit."""
    return mutant(
        "S1", "harmless", "nothing", ("engine/risk.py", old, '"""Orders that may leave together.'), hunted=FEW
    )


def chosen(name: str) -> Mutant:
    """A mutant of the catalogue, hunted in a few lives."""
    return replace(next(each for each in ALL if each.name == name), ground=FEW)


@pytest.mark.parametrize("each", ALL, ids=lambda each: str(each.name))
def test_every_mutant_fits_todays_source(each: Mutant) -> None:
    """Each fragment stands in its file exactly once and leaves a program: who changes the source mends the mutant."""
    for file, text in mutated(each, PACKAGE).items():
        assert text != (PACKAGE / file).read_text()


def test_every_promise_has_a_mutant_and_every_mutant_a_name() -> None:
    """The list covers all invariants; names are unique, since `--only` goes by them."""
    assert {each.promise for each in ALL} == PROMISES
    assert max(Counter(each.name for each in ALL).values()) == 1


@pytest.mark.parametrize("old", ["no such line", "    return None\n"])
def test_a_mutant_that_does_not_fit_once_is_refused(old: str) -> None:
    """A fragment that is gone, or stands more than once, is an error before anything is hunted."""
    with pytest.raises(Stale, match="times, not once"):
        run([harmless(old)], 1)


def test_a_mutant_that_is_no_program_is_refused() -> None:
    """A slip in a replacement is no kill."""
    broken = mutant("S1", "slip", "", ("engine/risk.py", "def blocker(", "def blocker(("))
    with pytest.raises(Stale, match="no program"):
        mutated(broken, PACKAGE)


@pytest.mark.timeout(300)  # processes of their own, on a machine that may be busy
def test_two_are_noticed_and_a_survivor_is_a_failure() -> None:
    """For real: a wrong price on the wire and a forgotten fee are noticed by S1 and S4 within a few lives; a change
    that breaks nothing is noticed by nobody, and that makes the whole report bad. The sound program is clean.
    """
    report = run([harmless(), chosen("price-as-a-whole-number"), chosen("fee-forgotten")], 2)
    assert report.unsound == ()
    assert [verdict.killed_by for _, verdict in report.verdicts] == [SURVIVED, "S1", "S4"]
    assert report.verdicts[0][1].seeds == len(FEW.seeds)
    assert report.witnesses() == {"-": 1, "invariant": 2}
    assert not report.good
    assert replace(report, verdicts=report.verdicts[1:]).good


def test_a_crash_is_no_notice() -> None:
    """An exception that is nobody's guard proves nothing about the checker; the engine's own guards count, as such."""
    place = "(hedge.py:12)"
    assert judged("S3", "trade 7 is booked twice") == "S3"
    assert judged("bug", f"the engine raised StateError: trade 7 booked twice {place}") == ASSERTION
    assert judged("bug", f"the engine raised ValueError: no price {place}") == CRASH
    assert judged("bug", "the engine raised ValueError: does not reduce (risk.py:99)") == ASSERTION
    assert judged_words("L3: daemon 2 left x resting") == "L3"
    assert judged_words("daemon 1 broke: TypeError") == CRASH
    assert judged_words("x is absent in the journal, but the venue took it") == "judge"
    words = {"S3": "invariant", "T4": "invariant", "R": "invariant", "test": "test", "judge": "guard",
             ASSERTION: "guard", CRASH: "-", SURVIVED: "-"}  # fmt: skip
    assert {word: Verdict(word).by for word in words} == words
    assert not Verdict(CRASH).killed
    assert not Verdict(SURVIVED).killed
    assert Verdict(ASSERTION).killed


def test_unsound_grounds_make_a_bad_report() -> None:
    """Where the sound program breaks a promise already, a kill would mean nothing."""
    sound = run([], 1)
    assert sound.good
    assert not replace(sound, unsound=(("core", Verdict("S6", "", 52)),)).good


def test_the_list_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    """`--list` names each mutant with what it breaks; a name that fits none is wrong usage."""
    assert main(["--list"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == len(ALL)
    assert main(["--only", "no-such-mutant"]) == 2


def test_json_is_one_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """`--json` prints what the table says, for programs."""
    monkeypatch.setattr("tests.mutants.command.ALL", ())
    assert main(["--json"]) == 2
    monkeypatch.setattr("tests.mutants.command.ALL", (harmless("no such line"),))
    assert main(["--json"]) == 2
    monkeypatch.setattr("tests.mutants.command.ALL", (replace(harmless(), ground=replace(CORE, seeds=range(0))),))
    assert main(["--json", "--jobs", "1"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["good"], told["mutants"][0]["killed_by"], told["mutants"][0]["by"]) == (False, SURVIVED, "-")
    assert told["noticed_by"] == {"-": 1}
