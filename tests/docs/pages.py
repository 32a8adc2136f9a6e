"""The pages that people read, and what is in them: links, headings, code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from docs.generated import filled

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "deploy").rglob("*.md")])
_FENCE = re.compile(r"^( *)```[^\n]*\n.*?^\1```$", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_ASSIGNMENT = re.compile(r"[A-Z_]+=")
_ENDS = {"|", "||", "&&", ";", "&", ">", "<"}


def name_of(page: Path) -> str:
    """As a person would call it."""
    return page.relative_to(ROOT).as_posix()


@cache
def text_of(page: Path) -> str:
    """A page with what comes from the code in it."""
    return filled(page.read_text())


def links(page: Path) -> list[str]:
    """Where a page's relative links lead to, code left out."""
    prose = _INLINE.sub("", _FENCE.sub("", text_of(page)))
    return [link for link in _LINK.findall(prose) if not re.match(r"[a-z]+:", link)]


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to."""
    prose = _FENCE.sub("", text_of(page))
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in _HEADING.findall(prose)}


def inline_code(page: Path) -> list[str]:
    """Everything between single backticks, on one line each."""
    return [" ".join(code.split()) for code in _INLINE.findall(_FENCE.sub("", text_of(page)))]


def fenced_lines(page: Path) -> Iterator[str]:
    """Command lines in blocks of code, those that are continued joined."""
    for block in _FENCE.finditer(text_of(page)):
        if re.match(r" *```(text|toml|nginx|json|\{)", block[0]):
            continue
        yield from block[0].replace("\\\n", " ").splitlines()[1:-1]


def arbbot_arguments(line: str) -> list[str] | None:
    """What follows `arbbot` in a command line, to the end of that command; None where it is another program's."""
    try:
        tokens = shlex.split(line, comments=True)
    except ValueError:
        return None
    for at, token in enumerate(tokens):
        called = token.rpartition("/")[2] == "arbbot"
        first = all(_ASSIGNMENT.match(before) for before in tokens[:at])
        composed = tokens[:2] == ["docker", "compose"] and "run" in tokens[:at]
        if called and (first or composed or tokens[at - 1] == "-m"):
            rest = tokens[at + 1 :]
            end = next((place for place, word in enumerate(rest) if word in _ENDS), len(rest))
            return rest[:end]
    return None
