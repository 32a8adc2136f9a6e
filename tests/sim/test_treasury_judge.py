"""The judge of settlements: an honest story passes, and each lie is named by its invariant."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.venue import Venue
from arbbot.exchange.withdrawals import Destination
from tests.sim.checker.books import SeenFrame, Shown
from tests.sim.checker.fold import Fold
from tests.sim.checker.leaving import Caps, Sent
from tests.sim.checker.report import Report
from tests.sim.checker.treasury import TreasuryJudge
from tests.sim.checker.truth import Truth

D = Decimal
ADDRESS = "0x" + "5e" * 20
ORDER = {"name": "trsim-c00001", "market": "usdtusd", "size": "20", "limit_price": "1", "fee": "0", "utc_us": 10}
REQUEST = {
    "name": "trsim-w00002", "currency": "usdt", "network": "ethereum", "address": ADDRESS, "size": "15", "fee": "5",
    "utc_us": 20,
}  # fmt: skip
TOLD = {"name": "trsim-w00002", "outcome": "refused", "filled": None}
NOW_US = 1_750_000_000_000_000
BODY = f"amount=15&address={ADDRESS}&network=ethereum".encode()
ORDERED = b"amount=20&price=1&client_order_id=trsim-c00001"


class Story:
    """One settlement as the judge hears of it, step by step."""

    def __init__(self) -> None:
        self.venue = Venue()
        chain = self.venue.networks["usdt", "ethereum"]
        self.venue.networks["usdt", "ethereum"] = replace(chain, fee=D(5), minimum=D(1))
        self.venue.house_limit("usdtusd", Side.SELL, D(1), D(1_000), NOW_US)
        balances = {"btc": D(1), "usd": D(1_020), "eur": D(500), "usdt": D(500)}
        self.account = self.venue.add_account("sim", balances, FeeRates(D(0), D(0)))
        self.report, self.fold = Report(), Fold()
        self.shown = Shown()
        truth = Truth(self.venue, self.account, "btc", None)
        self.judge = TreasuryJudge(self.fold, truth, self.shown, self.report)
        self.judge.begun(Caps(D(20), D(30), frozenset({ADDRESS}), D(0)), 0)
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
        self.judge.ordered(str(ORDER["name"]), ORDERED)
        order = OrderRequest("usdtusd", Side.BUY, Kind.LIMIT, D(20), D(1), str(ORDER["name"]))
        self.venue.place(self.account, order, NOW_US)
        self.theirs("conversion_moved", name=ORDER["name"], state="over")
        return self

    def intended(self, **changes: str) -> Story:
        self.converted().theirs("request_intended", **(REQUEST | changes))
        self.daemon("withdrawal_announced", **(REQUEST | changes))
        return self.moved("announced")

    def sent(self) -> Story:
        taken = self.taken(self.intended().judge.withdraws(BODY))
        self.moved("accepted", taken)
        return self

    def taken(self, sent: Sent, size: int = 15, address: str = ADDRESS) -> int:
        """The venue takes it; its id there."""
        to = Destination(address, "ethereum")
        request = self.venue.withdrawals.open_crypto(self.account, "usdt", D(size), to, NOW_US)
        self.judge.took(sent)
        self.judge.look()
        return request.request_id

    def moved(self, state: str, request_id: int | None = None) -> Story:
        self.theirs("request_moved", name=REQUEST["name"], state=state, request_id=request_id)
        return self

    def finished(self) -> Story:
        """The venue has sent it off."""
        self.venue.advance(NOW_US + 10**9)
        return self

    def broken(self) -> set[str]:
        return {violation.invariant for violation in self.report.violations}


def test_an_honest_settlement_breaks_nothing() -> None:
    """Announced, intended, sent once, ended, and the next one after it."""
    story = Story().sent().finished().moved("finished")
    story.daemon("settlement_told", name=ORDER["name"], outcome="over", filled="20")
    story.daemon("settlement_told", name=REQUEST["name"], outcome="finished", filled=None)
    story.daemon("lease_ended", cause="released")
    story.daemon("hedge_opened")
    story.judge.finish()
    assert story.report.violations == []


LIES: dict[str, tuple[str, Callable[[Story], object]]] = {
    "principal is spent": ("T1", lambda story: story.converted("20.5")),
    "dollars are withdrawn": (
        "T1", lambda story: story.converted().daemon("withdrawal_announced", **(REQUEST | {"currency": "usd"})),
    ),
    "a request above its cap": ("T2", lambda story: story.intended(size="15.01")),
    "an address that is not listed": ("T2", lambda story: story.intended(address="0x" + "00" * 20)),
    "more than a day may take": ("T2", lambda story: _second(story, "15")),
    "the order is sent again": ("T3", lambda story: story.converted().judge.ordered(str(ORDER["name"]), ORDERED)),
    "the withdrawal is sent again": ("T3", lambda story: story.sent().judge.withdraws(BODY)),
    "it is sent before it is written": ("T3", lambda story: story.converted().judge.withdraws(BODY)),
    "it is sent before it is written that it is announced": (
        "T3", lambda story: story.intended().moved("intended").judge.withdraws(BODY),
    ),
    "never sent, and open to the end": ("T3", lambda story: story.intended().judge.finish()),
    "never sent, and in doubt to the end": ("T3", lambda story: story.intended().moved("in_doubt").judge.finish()),
    "another amount is sent": (
        "T3", lambda story: story.intended().judge.withdraws(BODY.replace(b"=15", b"=16")),
    ),
    "one begins beside an open one": (
        "T3", lambda story: story.sent().theirs("conversion_intended", **(ORDER | {"name": "trsim-c00003"})),
    ),
    "a name is used again": ("T3", lambda story: story.converted().theirs("conversion_intended", **ORDER)),
    "another price is sent": (
        "T3", lambda story: story.converted().judge.ordered("trsim-c00001", ORDERED.replace(b"price=1", b"price=2")),
    ),
    "something else is withdrawn": ("T1", lambda story: _bitcoin(story)),
    "found, and nobody says which": ("T3", lambda story: _doubted(story).moved("accepted").judge.finish()),
    "more leaves than was bought": ("T1", lambda story: story.taken(story.intended().judge.withdraws(BODY), 16)),
    "a returned one leaves again as a deposit": ("T1", lambda story: _deposit(story)),
    "the venue is asked for more than a day may take": ("T2", lambda story: _again(story, 15, cap="30")),
    "the venue is asked for more than a request may": ("T2", lambda story: _again(story, 30, cap="90")),
    "it goes where nobody listed": ("T2", lambda story: _elsewhere(story)),
    "settings have just changed": ("T2", lambda story: _hasty(story)),
    "new settings wait for nothing": ("T2", lambda story: _hasty(story, "60", "0")),
    "two requests of one": ("T3", lambda story: _twice(story)),
    "a request that nobody sent": ("T3", lambda story: _stray(story)),
    "absent, and it is there": ("T3", lambda story: _doubted(story).moved("absent")),
    "refused, and it is there": ("T3", lambda story: _doubted(story).moved("refused")),
    "absent, and it comes": ("T3", lambda story: _comes_late(story)),
    "the daemon hears of a refusal, and it is there": (
        "T3", lambda story: story.sent().daemon("settlement_told", **TOLD),
    ),
    "the daemon hears of another size": (
        "T3", lambda story: story.converted().daemon("settlement_told", name=ORDER["name"], outcome="over", filled="0"),
    ),
    "another one is taken for it": ("T3", lambda story: _doubted(story).moved("accepted", 7)),
    "it is finished before the venue has": ("T3", lambda story: story.sent().moved("finished")),
    "it came back, and did not": ("T3", lambda story: story.sent().finished().moved("returned")),
    "found, and never there": ("T3", lambda story: _never_there(story)),
    "shown, and not known again": ("T3", lambda story: _shown(story)),
    "an older copy sends it again": ("T3", lambda story: _copied(story)),
    "the order is not announced": ("T4", lambda story: _unannounced(story)),
    "a hedge beside the lease": ("T4", lambda story: story.leased().daemon("hedge_opened")),
    "a lease beside a hedge": ("T4", lambda story: _busy(story).leased()),
}  # fmt: skip


def _second(story: Story, size: str) -> None:
    """Another withdrawal of the same day, after the first has ended."""
    story.sent().finished().moved("finished").theirs(
        "request_intended", **(REQUEST | {"name": "trsim-w00003", "size": size})
    )


def _unannounced(story: Story) -> None:
    story.leased().theirs("conversion_intended", **ORDER)
    story.judge.ordered(str(ORDER["name"]), ORDERED)


def _busy(story: Story) -> Story:
    story.fold.open_hedge = "sim-h00001"
    return story


def _doubted(story: Story) -> Story:
    """The venue has it, and the answer was lost."""
    story.taken(story.intended().judge.withdraws(BODY))
    return story.moved("in_doubt")


def _comes_late(story: Story) -> None:
    sent = story.intended().judge.withdraws(BODY)
    story.moved("in_doubt").moved("absent")
    story.taken(sent)


def _never_there(story: Story) -> None:
    story.intended().judge.withdraws(BODY)
    story.moved("accepted", 7)


def _shown(story: Story) -> None:
    sent = story.intended().judge.withdraws(BODY)
    story.judge.shown({story.taken(sent)})
    story.moved("in_doubt").judge.finish()


def _twice(story: Story) -> None:
    sent = story.intended().judge.withdraws(BODY)
    story.venue.withdrawals.open_crypto(story.account, "usdt", D(1), Destination(ADDRESS, "ethereum"), NOW_US)
    story.taken(sent, 1)


def _stray(story: Story) -> None:
    story.venue.withdrawals.open_crypto(story.account, "usdt", D(1), Destination(ADDRESS, "ethereum"), NOW_US)
    story.judge.look()


def _bitcoin(story: Story) -> None:
    """Of a withdrawal of coins the venue has made one of bitcoin."""
    sent = story.intended().judge.withdraws(BODY)
    chain = next(network for currency, network in story.venue.networks if currency == "btc")
    to = Destination("bc1q" + "5e" * 19, chain)
    story.venue.withdrawals.open_crypto(story.account, "btc", D("0.5"), to, NOW_US)
    story.judge.took(sent)
    story.judge.look()


def _elsewhere(story: Story) -> None:
    story.taken(story.intended().judge.withdraws(BODY), address="0x" + "00" * 20)


def _again(story: Story, size: int, cap: str) -> None:
    """The venue takes another one, whatever was written."""
    story.judge.begun(Caps(D(20), D(cap), frozenset({ADDRESS}), D(0)), 0)
    story.sent()
    story.taken(story.judge.withdraws(BODY), size)


def _deposit(story: Story) -> None:
    """What somebody pays in, of just the size, leaves as if it had come back."""
    story.sent().finished().moved("finished")
    story.venue.external(story.account, {"usdt": D(20)}, 0, NOW_US)
    story.theirs("request_intended", **(REQUEST | {"name": "trsim-w00003"}))
    story.taken(story.judge.withdraws(BODY))


def _hasty(story: Story, *cooling_off_s: str) -> None:
    """A second after the last change of settings."""
    for at_us, wait_s in enumerate(cooling_off_s or ("0", "60")):
        story.judge.begun(Caps(D(20), D(30), frozenset({ADDRESS, wait_s}), D(wait_s)), at_us)
    story.leased().theirs("conversion_intended", **(ORDER | {"utc_us": 1_000_000}))


def _copied(story: Story) -> None:
    """The journal is put back to before it; its name is minted again."""
    story.sent().judge.restored([])
    story.theirs("request_intended", **REQUEST)
    story.judge.withdraws(BODY)


@pytest.mark.parametrize(
    ("seen", "struck", "age_ns", "broken"),
    [("1.20", False, 0, False), ("1.20", False, 2, True), ("1.20", True, 0, True), ("1.21", False, 0, True)],
)
def test_what_restores_principal_is_priced_as_the_daemon_may_see_it(
    seen: str, struck: bool, age_ns: int, broken: bool
) -> None:
    """At the venue 10 eur cost 13 usd by now. A book of 1.20 that was shown of late, as the venue made it, lets 8 usd
    of 20 be spent; one that is too old, or that something struck on its way, does not, nor does one of 1.21.
    """
    story = Story()
    story.daemon("anchor_set", holdings=[{"currency": "usd", "total": "1000"}, {"currency": "eur", "total": "510"}])
    story.venue.house_limit("eurusd", Side.SELL, D("1.30"), D(1_000), NOW_US)
    told = {"microtimestamp": str(NOW_US), "bids": [["1.10", "1000"]], "asks": [[seen, "1000"]]}
    story.shown.frame("eurusd", SeenFrame(1, 5 - age_ns, NOW_US, json.dumps({"data": told}).encode(), struck))
    story.judge.daemon("settlement_order_announced", {"client_order_id": ORDER["name"], "worst_cost": "8"}, 4)
    assert [each.invariant for each in story.report.violations] == (["T1"] if broken else [])


def test_what_a_copy_forgot_is_no_lie() -> None:
    """The journal was put back to before a withdrawal: that it is under its name refused there, having never been sent,
    is true of the new one; that the daemon is told so of the old one is not.
    """
    story = Story().sent()
    story.judge.restored([])
    story.theirs("request_intended", **REQUEST)
    story.moved("refused").judge.finish()
    assert story.report.violations == []
    story.daemon("settlement_told", **TOLD)
    assert story.broken() == {"T3"}


@pytest.mark.parametrize("name", LIES)
def test_every_lie_is_named(name: str) -> None:
    """By the invariant that it breaks."""
    invariant, lie = LIES[name]
    story = Story()
    lie(story)
    assert invariant in story.broken()


def settlements_broken() -> set[tuple[str, int]]:
    """Every place in the judge at which one of the lies is named."""
    sites: set[tuple[str, int]] = set()
    for _, lie in LIES.values():
        story = Story()
        lie(story)
        sites |= {violation.site for violation in story.report.violations}
    return sites
