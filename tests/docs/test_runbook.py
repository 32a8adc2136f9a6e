"""The runbook: one page for each alert and each monitor, none for anything else, each with the same parts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from arbbot.domain.mode import Severity
from arbbot.telemetry.alert_names import RISK
from arbbot.telemetry.monitors import MONITORS
from docs.alert_names import alerts
from tests.docs.pages import DOCS, inline_code, name_of

RUNBOOK = DOCS / "runbook"
CALLS = sorted(set(alerts()) | {monitor.name for monitor in MONITORS})
PARTS = ["You see", "The money", "The daemon", "Do now", "Over when", "Next time"]
MOST_LINES = 60
"""What a person reads at three in the morning."""


def test_every_alert_and_every_monitor_has_a_page_and_no_page_is_orphaned() -> None:
    """The pages are exactly what the code can call a person for."""
    assert sorted(page.stem for page in RUNBOOK.glob("*.md") if page.stem != "index") == CALLS


def test_every_alert_can_be_chosen_for_the_webhook() -> None:
    """The names that the settings take are those of the alerts there are."""
    assert sorted(RISK) == list(alerts())


def test_a_name_that_cannot_be_read_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Literals are found wherever they stand; a computed name is an error, not an alert without a page."""
    monkeypatch.setattr("docs.alert_names.SOURCES", tmp_path)
    monkeypatch.setattr("docs.alert_names.ENGINE", tmp_path / "engine")
    source = tmp_path / "engine" / "new.py"
    source.parent.mkdir()
    source.write_text("core.alert(Severity.NOTICE, 'one' if late else 'two', 'text')")
    (tmp_path / "other.py").write_text("told.alert(x, y, z)\nAlertRaised(Severity.WARNING, 'three', text, now)")
    assert alerts() == {"one": (Severity.NOTICE,), "three": (Severity.WARNING,), "two": (Severity.NOTICE,)}
    source.write_text("core.alert(Severity.NOTICE, kind + '_lost', 'text')")
    with pytest.raises(ValueError, match="no literal name"):
        alerts()


@pytest.mark.parametrize("page", [RUNBOOK / f"{name}.md" for name in CALLS], ids=name_of)
def test_every_page_says_the_same_things_in_the_same_order(page: Path) -> None:
    """Title and one sentence; what you see, money, daemon, what to do with a command, when it is over, next time."""
    text = page.read_text()
    title, sentence = text.split("\n\n")[:2]
    assert title == f"# {page.stem}"
    assert re.fullmatch(r"[^#|]+[.!]", sentence), sentence
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == PARTS
    assert all(part.strip() for part in re.split(r"^## .*$", text, flags=re.MULTILINE))
    assert len(text.splitlines()) <= MOST_LINES
    assert any(code.startswith("arbbot ") for code in inline_code(page)), "no command to type"


def test_the_index_names_every_page_once() -> None:
    """A person who knows no name finds it by what is wrong."""
    index = (RUNBOOK / "index.md").read_text()
    assert sorted(re.findall(r"\]\((\w+)\.md\)", index)) == CALLS
