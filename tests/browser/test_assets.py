"""What comes from npm: locked by content, from no named host, and served as it came."""

from __future__ import annotations

import json
from pathlib import Path

from arbbot.dashboard.server import STATIC
from tests.browser.conftest import needs_npm

ROOT = Path(__file__).parents[2]


def test_the_lock_names_content_and_no_host() -> None:
    """Every package has its hash; where it is fetched from is the machine's business."""
    text = (ROOT / "package-lock.json").read_text()
    assert "://" not in text
    packages = {name: each for name, each in json.loads(text)["packages"].items() if name}
    installed = {name.removeprefix("node_modules/") for name, each in packages.items() if not each.get("optional")}
    assert installed == {"uplot", "axe-core", "statsd", "generic-pool"}
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())


@needs_npm
def test_the_charts_library_is_served_as_it_came() -> None:
    """Copied, not changed."""
    for name in ("uPlot.iife.min.js", "uPlot.min.css"):
        assert (STATIC / "vendor" / name).read_bytes() == (ROOT / "node_modules/uplot/dist" / name).read_bytes()


def test_the_page_asks_for_nothing_from_elsewhere() -> None:
    """No address of another machine in what is ours of the page, save the name of a drawing language."""
    for path in STATIC.glob("*.*"):
        assert "://" not in path.read_text().replace("http://www.w3.org/2000/svg", ""), path
