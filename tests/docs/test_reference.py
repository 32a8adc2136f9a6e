"""The reference is whole: whatever the program has of these things is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from arbbot.cli import EXIT_CODE_MEANINGS
from arbbot.domain.exit_codes import ExitCode
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.exchange.faults import FAULTS
from arbbot.settings import Settings
from arbbot.settings.problems import known_keys
from arbbot.telemetry.manifest import MANIFEST, NAMESPACE
from docs import generated
from docs.advice import AFTER_REFUSAL
from docs.alert_names import alerts
from tests.docs.pages import DOCS, text_of


def reference(page: str) -> str:
    """A page of the reference as `make docs` shows it."""
    return text_of(DOCS / "reference" / page)


def test_every_setting_is_documented_with_its_default_and_its_unit() -> None:
    """Each has a row: name, default as in the settings file, what it accepts, what it means."""
    rows = dict(re.findall(r"^\| `([\w.]+)` \| (.*) \|$", reference("settings.md"), re.MULTILINE))
    assert list(rows) == list(known_keys())
    for key, row in rows.items():
        default, accepted, meaning = (cell.strip() for cell in re.split(r"(?<!\\)\|", row))
        assert default, key
        assert accepted, key
        assert len(meaning) > len("seconds"), key
        assert not key.endswith("_percent") or "percent" in meaning, key
        assert not key.endswith("_s") or "second" in meaning, key
    assert rows["trade.gross_threshold_percent"].startswith(f"`{Settings().trade.gross_threshold_percent}`")
    assert generated.accepted("trade.gross_threshold_percent") == "from 0, less than 100"
    assert generated.accepted("mode") == "`paper`, `sandbox`, `live`"


@pytest.mark.parametrize("refusal", Refusal)
def test_every_refusal_is_documented_with_its_meaning_and_its_end(refusal: Refusal) -> None:
    """Name, the words of `arbbot why`, and what ends it."""
    assert f"| `{refusal}` | {EXPLANATIONS[refusal]} | {AFTER_REFUSAL[refusal]} |" in reference("refusals.md")


def test_every_metric_is_documented() -> None:
    """Name as the agent knows it, and meaning."""
    page = reference("metrics.md")
    for metric in MANIFEST.values():
        row = rf"^\| `{NAMESPACE}\.{re.escape(metric.name)}` \|.*{re.escape(metric.description)}"
        assert re.search(row, page, re.MULTILINE), metric.name


def test_every_alert_is_documented() -> None:
    """Each has a row that leads to its page."""
    page = reference("alerts.md")
    assert all(f"[{name}](../runbook/{name}.md)" in page for name in alerts())


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    """Code, meaning, what to do."""
    row = rf"^\| {code.value} \| {re.escape(EXIT_CODE_MEANINGS[code])} \|.*\w"
    assert re.search(row, reference("exit-codes.md"), re.MULTILINE)


def test_the_codes_that_want_no_restart_are_those_of_the_unit() -> None:
    """Settings, keys and a refused key are not mended by starting again; a dead feed may be."""
    ends = generated.codes_not_restarted()
    assert {ExitCode.SETTINGS, ExitCode.SECRET, ExitCode.AUTH} <= ends
    assert not ends & {ExitCode.FAULT, ExitCode.FEED_DEAD, ExitCode.VENUE}


@pytest.mark.parametrize("verb", generated.verb_names())
def test_every_verb_is_documented(verb: str) -> None:
    """Each has its help in the reference."""
    assert f"## {verb}\n\n```text\nUsage: arbbot {verb} " in reference("verbs.md")


def test_every_fault_of_the_built_in_exchange_is_documented() -> None:
    """By name, with what happens."""
    page = reference("exchange.md")
    for name, kind in FAULTS.items():
        assert re.search(rf"^\| `{name}[`,].*{re.escape(kind.meaning)}", page, re.MULTILINE), name


def test_no_page_asks_for_what_is_not_generated() -> None:
    """Each marker is filled in, and each part is used once."""
    used = [name for page in DOCS.rglob("*.md") for name in re.findall(r"<!-- generated: (.*) -->", page.read_text())]
    assert sorted(used) == sorted(generated.PARTS)
    assert not any("<!-- generated" in text_of(Path(page)) for page in DOCS.rglob("*.md"))
