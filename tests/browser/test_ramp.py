"""The page's part on the weight of a hedge: evidence, what is asked, and the last decisions, or nothing."""

from __future__ import annotations

import json

from playwright.sync_api import expect

from arbbot.dashboard.json_text import dumps
from tests.browser.conftest import Show
from tests.browser.scenes import HOSTILE
from tests.browser.stage import Stage


def test_the_weight_with_its_evidence_and_decisions(show: Show, stage: Stage) -> None:
    """As the API has them; a person's reason is shown as text, whatever it holds."""
    page = show("weighed")
    told = json.loads(dumps(stage.actor.snapshot()))["ramp"]
    assert told["weight_percent"] == "30"
    expect(page.locator("#ramp")).to_be_visible()
    figures = page.locator("#ramp-lines")
    expect(figures).to_contain_text("30 %, at most 100 %")
    expect(figures).to_contain_text("lost today")
    expect(page.locator("#ramp-decisions")).to_contain_text(f"% to 30 %; by ann: {HOSTILE}")
    expect(page.locator("#ramp-decisions")).to_contain_text(" up, 50 % to 60 %")
    expect(page).not_to_have_title("1")


def test_without_a_ramp_there_is_none(show: Show) -> None:
    """No empty card."""
    expect(show("flat").locator("#ramp")).to_be_hidden()
