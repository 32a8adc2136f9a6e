"""What the pages tell people to type can be typed: verbs, options, make goals, settings and metrics exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer

from arbbot.cli import app
from arbbot.settings.problems import known_keys
from arbbot.telemetry.manifest import MANIFEST, NAMESPACE
from tests.docs.pages import DOCS, PAGES, ROOT, arbbot_arguments, fenced_lines, inline_code, name_of

SECTIONS = {key.partition(".")[0] for key in known_keys() if "." in key}
FILES = ("dashboard.json", "journal.db", "treasury.db")
"""What looks like a setting and is none."""
PROGRAM: Any = typer.main.get_command(app)


def complaint(arguments: list[str], *, whole: bool) -> str | None:
    """What is wrong with a command line, by the program's own parser; in passing, arguments may be left out."""
    words = [word for word in arguments if word not in ("--help", "-h")]
    if words[:1] in (["VERB"], ["--version"], []):
        return None
    verb, at = PROGRAM, 0
    while hasattr(verb, "commands") and at < len(words):
        if verb.invoke_without_command and verb is not PROGRAM and words[at].startswith("-"):
            break
        if words[at] not in verb.commands:
            return f"no verb {words[at]}"
        verb, at = verb.commands[words[at]], at + 1
    try:
        verb.make_context(words[at - 1], words[at:])
    except typer.Exit:  # an option that only prints
        return None
    except typer.TyperException as error:
        missing = type(error).__name__ in ("MissingParameter", "BadOptionUsage")
        asked_for_help = len(words) < len(arguments)
        return None if missing and (asked_for_help or not whole) else error.format_message()
    return None


def test_a_wrong_command_is_noticed() -> None:
    """The check itself: unknown verbs and options, missing and bad arguments."""
    assert complaint(["trade"], whole=False)
    assert complaint(["status", "--loud"], whole=False)
    assert complaint(["halt"], whole=True)
    assert complaint(["run", "--for", "soon"], whole=True)
    assert complaint(["halt"], whole=False) is None
    assert arbbot_arguments("X=1 .venv/bin/arbbot status --json | head") == ["status", "--json"]
    assert arbbot_arguments("docker exec CONTAINER python -m arbbot why") == ["why"]
    assert arbbot_arguments("docker compose -f x/compose.yaml run --rm arbbot check") == ["check"]
    assert arbbot_arguments("docker run -d --name arbbot arbbot:dev") is None
    assert arbbot_arguments("systemctl stop arbbot") is None


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_parses(page: Path) -> None:
    """Blocks hold whole commands; in a sentence a verb may stand without its arguments."""
    wrong = []
    for whole, lines in ((True, fenced_lines(page)), (False, inline_code(page))):
        for line in lines:
            arguments = arbbot_arguments(line)
            if arguments is not None and (problem := complaint(arguments, whole=whole)):
                wrong.append(f"{line}: {problem}")
    assert wrong == []


def ways_to_call() -> list[str]:
    """What is typed for `arbbot VERB`, wherever it runs."""
    page = (DOCS / "runbook" / "index.md").read_text()
    rows = re.findall(r"^\| (?:under|in) [^|]*\| (.*) \|$", page, re.MULTILINE)
    return [way for row in rows for way in re.findall(r"`([^`]*VERB)`", row)]


@pytest.mark.parametrize("way", ways_to_call())
def test_every_command_of_a_page_can_be_called_in_each_way(way: str) -> None:
    """Under systemd, in a container that runs or is stopped, in a checkout: what the pages say is what is typed."""
    asked = 0
    for page in PAGES:
        for line in inline_code(page):
            arguments = arbbot_arguments(line)
            if arguments and arguments[0] != "VERB":
                asked += 1
                typed = arbbot_arguments(way.replace("VERB", shlex.join(arguments)))
                assert typed is not None, way
                assert complaint(typed, whole=False) is None, f"{way}: {line}"
    assert asked > len(PROGRAM.commands)


def test_the_ways_to_call_it_name_what_there_is() -> None:
    """One way for each place it runs in; the files in them are in the project, and the programs can be started."""
    ways = ways_to_call()
    assert [shlex.split(way)[0] for way in ways] == [
        "arbbot", "/opt/arbbot/app/deploy/systemd/arbbot", "docker", "docker", ".venv/bin/arbbot",
    ]  # fmt: skip
    assert (ROOT / ways[1].split()[0].removeprefix("/opt/arbbot/app/")).stat().st_mode & 0o111
    assert (ROOT / shlex.split(ways[3])[3]).is_file()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_a_page_has_nothing_installed_but_what_is_locked(page: Path) -> None:
    """With hashes, and as wheels: nothing that was changed since, nothing that runs while it is built."""
    for line in [*inline_code(page), *fenced_lines(page)]:
        if "pip install" in line:
            assert "--require-hashes --only-binary :all: -r requirements.lock" in line


def test_the_second_sandbox_inherits_nothing_of_the_first() -> None:
    """Addresses, certificate and journal of the built-in exchange are left behind; the key files are written anew."""
    first, second = (DOCS / "how-to" / "sandbox-keys.md").read_text().split("## The venue's sandbox")
    exported = {
        name for line in re.findall(r"^export (.*)$", first, re.MULTILINE) for name in re.findall(r"\w+(?==)", line)
    }
    left = set(re.findall(r"`(ARBBOT_\w+)`", second.split("## ")[0]))
    assert left == {name for name in exported if not name.startswith("ARBBOT_KEYS__")}
    assert "ARBBOT_STATE_DIR" in left


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_goal_setting_and_metric_of_a_page_exists(page: Path) -> None:
    """`make x`, `section.setting`, `ARBBOT_SECTION__SETTING` and `arbbot.metric` name something that is there."""
    goals = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    variables = {"ARBBOT_" + key.upper().replace(".", "__") for key in known_keys()} | {"ARBBOT_SETTINGS"}
    wrong = []
    for code in [*inline_code(page), *fenced_lines(page)]:
        if goal := re.match(r" *make ([a-z-]+)\b", code):
            wrong += [code] * (goal[1] not in goals)
        if re.fullmatch(rf"({'|'.join(SECTIONS)})\.\w+( = .*)?", code):
            wrong += [code] * (code.partition(" = ")[0] not in {*known_keys(), *FILES})
        if re.fullmatch(rf"{NAMESPACE}(\.[a-z_]+)+", code):
            wrong += [code] * (code.removeprefix(f"{NAMESPACE}.") not in MANIFEST)
        wrong += [name for name in re.findall(r"\bARBBOT_[A-Z_]+\b", code) if name not in variables]
    assert wrong == []
