"""The judge of settlements: an honest story passes, and each lie is named by its invariant."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.venue import Venue
from tests.sim.checker.fold import Fold
from tests.sim.checker.report import Report
from tests.sim.checker.treasury import Caps, TreasuryJudge
from tests.sim.checker.truth import Truth

D = Decimal
ORDER = {"name": "trsim-c00001", "market": "usdtusd", "size": "20", "limit_price": "1", "fee": "0", "utc_us": 10}
REQUEST = {
    "name": "trsim-w00002", "currency": "usdt", "network": "ethereum", "address": "0xa", "size": "15", "fee": "5",
    "utc_us": 20,
}  # fmt: skip
BODY = b"amount=15&address=0xa&network=ethereum"


class Story:
    """One settlement as the judge hears of it, step by step."""

    def __init__(self) -> None:
        venue = Venue()
        balances = {"btc": D(1), "usd": D(1_020), "eur": D(500)}
        account = venue.add_account("sim", balances, FeeRates(D(0), D(0)))
        self.report, self.fold = Report(), Fold()
        self.judge = TreasuryJudge(self.fold, Truth(venue, account, "btc", None), self.report)
        self.judge.caps = Caps(D(20), D(30), frozenset({"0xa"}))
        opening = {"btc": "1", "usd": "1000", "eur": "500"}
        self.daemon("anchor_set", holdings=[{"currency": name, "total": total} for name, total in opening.items()])

    def daemon(self, kind: str, **line: Any) -> None:
        self.judge.daemon(kind, line)

    def theirs(self, kind: str, **line: Any) -> None:
        self.judge.line(kind, json.dumps(line))

    def leased(self) -> Story:
        self.daemon("lease_granted", lease_id="l1")
        return self

    def converted(self, cost: str = "20") -> Story:
        self.leased().theirs("conversion_intended", **ORDER)
        self.daemon("settlement_order_announced", client_order_id=ORDER["name"], worst_cost=cost)
        self.judge.ordered(str(ORDER["name"]))
        self.theirs("conversion_moved", name=ORDER["name"], state="over")
        return self

    def intended(self, **changes: str) -> Story:
        self.converted().theirs("request_intended", **(REQUEST | changes))
        self.daemon("withdrawal_announced", **(REQUEST | changes))
        return self

    def sent(self) -> Story:
        self.intended().judge.withdraws(BODY)
        self.theirs("request_moved", name=REQUEST["name"], state="accepted")
        return self

    def broken(self) -> set[str]:
        return {violation.invariant for violation in self.report.violations}


def test_an_honest_settlement_breaks_nothing() -> None:
    """Announced, intended, sent once, ended, and the next one after it."""
    story = Story().sent()
    story.theirs("request_moved", name=REQUEST["name"], state="finished")
    story.daemon("lease_ended", cause="released")
    story.daemon("hedge_opened")
    assert story.report.violations == []


LIES: dict[str, tuple[str, Callable[[Story], object]]] = {
    "principal is spent": ("T1", lambda story: story.converted("20.5")),
    "dollars are withdrawn": (
        "T1", lambda story: story.converted().daemon("withdrawal_announced", **(REQUEST | {"currency": "usd"})),
    ),
    "a request above its cap": ("T2", lambda story: story.intended(size="15.01")),
    "an address that is not listed": ("T2", lambda story: story.intended(address="0xb")),
    "more than a day may take": ("T2", lambda story: _second(story, "15")),
    "the order is sent again": ("T3", lambda story: story.converted().judge.ordered(str(ORDER["name"]))),
    "the withdrawal is sent again": ("T3", lambda story: story.sent().judge.withdraws(BODY)),
    "it is sent before it is written": ("T3", lambda story: story.converted().judge.withdraws(BODY)),
    "another amount is sent": (
        "T3", lambda story: story.intended().judge.withdraws(BODY.replace(b"=15", b"=16")),
    ),
    "one begins beside an open one": (
        "T3", lambda story: story.sent().theirs("conversion_intended", **(ORDER | {"name": "trsim-c00003"})),
    ),
    "a name is used again": ("T3", lambda story: story.converted().theirs("conversion_intended", **ORDER)),
    "the order is not announced": ("T4", lambda story: _unannounced(story)),
    "a hedge beside the lease": ("T4", lambda story: story.leased().daemon("hedge_opened")),
    "a lease beside a hedge": ("T4", lambda story: _busy(story).leased()),
}  # fmt: skip


def _second(story: Story, size: str) -> None:
    """Another withdrawal of the same day, after the first has ended."""
    story.sent().theirs("request_moved", name=REQUEST["name"], state="finished")
    story.theirs("request_intended", **(REQUEST | {"name": "trsim-w00003", "size": size}))


def _unannounced(story: Story) -> None:
    story.leased().theirs("conversion_intended", **ORDER)
    story.judge.ordered(str(ORDER["name"]))


def _busy(story: Story) -> Story:
    story.fold.open_hedge = "sim-h00001"
    return story


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_named(name: str) -> None:
    """By the invariant that it breaks."""
    invariant, lie = LIES[name]
    story = Story()
    lie(story)
    assert invariant in story.broken()
