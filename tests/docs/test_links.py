"""No link in README and documentation leads nowhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, anchors, links, name_of


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_has_an_end(page: Path) -> None:
    """The file is there, within the project, and so is the heading that the link names."""
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link}: no such file"
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), f"{link}: no such heading"


def test_every_page_that_the_program_names_is_there() -> None:
    """Help texts, settings, units and images send people to pages that exist."""
    named = {
        word
        for folder in ("arbbot", "deploy", ".")
        for path in (ROOT / folder).glob("*" if folder == "." else "**/*")
        if path.suffix in (".py", ".toml", ".service", "") and path.is_file()
        for word in re.findall(r"docs/[\w/-]+\.md", path.read_text(errors="replace"))
    }
    assert named
    assert sorted(word for word in named if not (ROOT / word).is_file()) == []


def test_every_page_can_be_reached_from_the_first() -> None:
    """Following links from the documentation's first page leads to all others."""
    reached, ahead = set(), [DOCS / "index.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        ahead += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if link[0] != "#"]
    assert set(DOCS.rglob("*.md")) <= reached
