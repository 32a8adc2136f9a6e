"""The gate to live mode: a passed rehearsal of this code and these rules on record, or a person's reason."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Callable
from decimal import Decimal
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.check import gate_findings
from arbbot.bootstrap.longrun.fingerprints import REQUIRED, code_fingerprint, runtime_versions, settings_fingerprint
from arbbot.bootstrap.longrun.gate import leave, refuse_unrehearsed, rehearsals_dir
from arbbot.bootstrap.longrun.verdict import on_record, write
from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import Settings, SettingsError

D = Decimal


def live(state_dir: Path, **sections: Any) -> Settings:
    """Settings for live mode."""
    switch = {"i_understand_real_money": "yes", **sections.pop("live", {})}
    return Settings.model_validate({"mode": "live", "state_dir": state_dir, "live": switch, **sections})


def put(wanted: Settings, **changes: Any) -> None:
    """A verdict on record that would do for these settings, but for the changes."""
    rehearsals = rehearsals_dir(wanted)
    directory = rehearsals / f"2026010{len(list(on_record(rehearsals)))}"
    directory.mkdir(parents=True)
    told = {
        "verdict": "passed", "market_s": D(86_400), "code": code_fingerprint(), "version": "1",
        "settings": settings_fingerprint(wanted), "options": {"faults": "usual"},
    }  # fmt: skip
    path = write(directory, {**told, **changes})
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (None, "no passed 24 h rehearsal"),
        ({"verdict": "failed"}, "did not pass"),
        ({"settings": "other"}, "was of other settings"),
        ({"code": "other"}, "was of another version"),
        ({"market_s": D(86_399)}, "was only 24.0 h long"),
        ({"options": {"faults": "none"}}, "was without faults"),
        ({"market_s": "long"}, "no passed 24 h rehearsal"),
    ],
)
def test_live_mode_does_not_start_on_less_than_a_passed_rehearsal(
    changes: dict[str, Any] | None, words: str, tmp_path: Path
) -> None:
    """No verdict, a failed, foreign, short or unreadable one: code LIVE_SWITCH, saying what is wrong with the last."""
    settings = live(tmp_path)
    if changes is not None:
        put(settings, **changes)
    with pytest.raises(SettingsError, match=words) as caught:
        refuse_unrehearsed(settings)
    assert caught.value.code is ExitCode.LIVE_SWITCH
    assert "live.rehearsal_override" in str(caught.value)


def test_a_passed_rehearsal_opens_live_mode_and_later_ones_do_not_close_it(tmp_path: Path) -> None:
    """One that fits is enough, whatever else is on record; addresses, keys and telemetry do not count as rules."""
    settings = live(tmp_path)
    put(settings, verdict="failed")
    put(settings)
    put(settings, code="a later one")
    refuse_unrehearsed(settings)
    assert "passed, with this version" in leave(settings).words
    refuse_unrehearsed(live(tmp_path, telemetry={"env": "prod"}, sandbox={"speed": 1}, keys={"key_id": "other"}))
    for section in ({"trade": {"weight_percent": 6}}, {"account": {"poll_s": 20}}, {"feed": {"fresh_s": 9}}):
        with pytest.raises(SettingsError, match="no passed 24 h rehearsal"):
            refuse_unrehearsed(live(tmp_path, **section))


def test_a_persons_reason_opens_it_too_and_other_modes_have_no_gate(tmp_path: Path) -> None:
    """The override is printed as what it is; an empty one is none."""
    told = leave(live(tmp_path, live={"rehearsal_override": "small first tranche"}))
    assert told.granted
    assert told.words == "REAL MONEY without a passed rehearsal on record: small first tranche"
    assert not leave(live(tmp_path, live={"rehearsal_override": "  "})).granted
    refuse_unrehearsed(Settings.model_validate({"mode": "sandbox", "state_dir": tmp_path}))


def test_check_tells_whether_live_mode_would_start(tmp_path: Path) -> None:
    """A finding of its own in live mode, failed or passed by the gate's own words; none in other modes."""
    settings = live(tmp_path)
    (shut,) = gate_findings(settings)
    put(settings)
    (opened_,) = gate_findings(settings)
    assert (shut.name, shut.passed, opened_.passed) == ("rehearsal", False, True)
    assert opened_.text == leave(settings).words
    assert gate_findings(Settings.model_validate({"mode": "sandbox", "state_dir": tmp_path})) == []


def test_any_change_of_a_source_is_another_version(tmp_path: Path) -> None:
    """Contents and names count; what is no source does not."""
    (tmp_path / "a.py").write_text("1")
    first = code_fingerprint(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    assert code_fingerprint(tmp_path) == first
    (tmp_path / "a.py").write_text("2")
    second = code_fingerprint(tmp_path)
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert len({first, second, code_fingerprint(tmp_path)}) == 3


def test_what_the_daemon_runs_on_is_what_the_project_asks_for() -> None:
    """The list that stands in for metadata of our own names every dependency, and those of the daemon's extras."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["fast"], *extras["vault"]]
    assert sorted(REQUIRED) == sorted(re.split(r"[^a-z0-9-]", line)[0] for line in wanted)


def test_the_sources_alone_know_what_they_run_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not installed, as in the container: no metadata of their own is asked for, and the answer is the same."""
    before = code_fingerprint()
    for name in ("version", "requires"):
        true = getattr(metadata, name)

        def asked(package: str, true: Callable[[str], Any] = true) -> Any:
            if package == "arbbot":
                raise metadata.PackageNotFoundError(package)
            return true(package)

        monkeypatch.setattr(metadata, name, asked)
    with pytest.raises(metadata.PackageNotFoundError):
        metadata.requires("arbbot")
    assert code_fingerprint() == before


def test_what_the_daemon_runs_on_is_a_part_of_its_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python and every installed package that it needs, those that others need too, and no tool for development:
    another version of one of them is another code, and a rehearsal of before does not count.
    """
    versions = runtime_versions()
    assert versions["python"].startswith(f"{sys.version_info.major}.{sys.version_info.minor}.")
    assert versions["aiohttp"] == metadata.version("aiohttp")
    assert {"websockets", "pydantic-core", "yarl", "uvloop"} <= versions.keys()
    assert versions.keys().isdisjoint({"pytest", "mypy", "ruff", "hypothesis"})
    settings, before = live(tmp_path), code_fingerprint(tmp_path)
    put(settings)
    assert leave(settings).granted
    true = metadata.version
    monkeypatch.setattr(metadata, "version", lambda name: "99" if name == "yarl" else true(name))
    assert code_fingerprint(tmp_path) != before
    assert "or of what it runs on" in leave(settings).words
