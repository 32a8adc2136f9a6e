"""`make docs`: the site builds without a warning and shows itself without the network."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as strictly as `make docs` does, elsewhere."""
    place = tmp_path_factory.mktemp("site")
    strict = ["--fail-on-warning", "--keep-going", "--nitpicky", "--quiet", "--fresh-env"]
    places = ["--doctree-dir", str(place / "trees"), "docs", str(place / "html")]
    built = subprocess.run(
        [sys.executable, "-m", "sphinx", *strict, *places], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return place / "html"


def test_every_page_is_built_and_filled(site: Path) -> None:
    """One page of the site for each of ours; what comes from the code is in it."""
    ours = {page.relative_to(ROOT / "docs").with_suffix(".html") for page in (ROOT / "docs").rglob("*.md")}
    assert all((site / page).is_file() for page in ours)
    assert "gross_threshold_percent" in (site / "reference" / "settings.html").read_text()


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    """No script, style, font or picture of another host: it can be read on a machine without network."""
    foreign = re.compile(
        r"""<(?:script|img|iframe|source)\b[^>]*\bsrc=["']?(?:https?:)?//|<link\b[^>]*\bhref=["']?(?:https?:)?//"""
        r"""|@import\s+["'(]?\s*(?:url\()?["']?https?:|url\(\s*["']?(?:https?:)?//"""
    )
    pages = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert pages
    assert [path.name for path in pages if foreign.search(path.read_text())] == []
