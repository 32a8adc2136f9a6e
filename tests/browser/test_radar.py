"""The page's radar: the daemon's figures where it keeps one, nothing where it does not."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from arbbot.dashboard.json_text import dumps
from tests.browser.conftest import Show
from tests.browser.stage import Stage


def test_the_radar_shows_each_tier(show: Show, stage: Stage) -> None:
    """A row a tier, dearest first, with the figures of the API; what was seen of nothing is a dash, not a zero."""
    page = show("paper")
    told = json.loads(dumps(stage.actor.snapshot()))["radar"]
    rows = page.locator("#radar tr")
    expect(rows).to_have_count(len(told["tiers"]))
    expect(page.locator("#radar-seen")).to_have_text("20 s with all three books, 3 changes not looked at")
    dearest, cheapest = rows.first, rows.last
    assert [cell.text_content() for cell in dearest.locator("th, td").all()] == [
        "0.40 %", "0.803 %", "0", "0.00 %", "—", "—", "—", "—", "—",
    ]  # fmt: skip
    words = [cell.text_content() or "" for cell in cheapest.locator("th, td").all()]
    assert words[:6] == ["0.03 %", "0.060 %", "1", "10.00 %", "2.0 s", "10.0 s"]
    assert cheapest.locator("td").nth(5).get_attribute("title") == told["tiers"][-1]["best_net_bp"]


def test_without_a_radar_there_is_none(show: Show) -> None:
    """No empty panel."""
    expect(show("flat").locator("#panel-radar")).to_be_hidden()
