"""Every way an answer to an order can fail to be one, on either leg: nothing is sent twice, nothing is forgotten.

Time runs twenty times as fast, so that the venue's own bound of 150 s, after which alone an order may be called
absent, passes within seconds.
"""

from __future__ import annotations

from decimal import Decimal as D
from functools import partial
from pathlib import Path

import pytest

from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, Stage, staged

TAKEN, NEVER_TAKEN = "taken", "never taken"

SILENT = "stall_channel:private-*,delay_s=600"
"""The private channels say nothing: what is known must come from REST."""

CASES: dict[str, tuple[tuple[str, ...], str]] = {
    "buy: reply lost after acceptance": (("reply_lost:buy:1",), TAKEN),
    "buy: request lost": (("request_lost:buy:1",), NEVER_TAKEN),
    "buy: connection reset": (("refuse:buy:1",), NEVER_TAKEN),
    "buy: 500.016 with the order alive": (("timed_out:buy:1",), TAKEN),
    "buy: mis-signed": (("mis_signed:buy:1",), TAKEN),
    "buy: unsigned success": (("unsigned:buy:1",), TAKEN),
    "buy: truncated": (("truncated:buy:1",), TAKEN),
    "buy: HTML under 200, taken": (("html_200:buy:1,accepted=1",), TAKEN),
    "buy: HTML under 200, not taken": (("html_200:buy:1",), NEVER_TAKEN),
    "buy: 502, taken": (("http_502:buy:1,accepted=1",), TAKEN),
    "buy: 502, not taken": (("http_502:buy:1",), NEVER_TAKEN),
    "buy: 503, taken": (("http_503:buy:1,accepted=1",), TAKEN),
    "buy: 504, taken": (("http_504:buy:1,accepted=1",), TAKEN),
    "buy: empty 200, taken": (("empty_200:buy:1,accepted=1",), TAKEN),
    "buy: maintenance notice, not taken": (("maintenance:buy:1",), NEVER_TAKEN),
    "buy: block page": (("block_403:buy:1",), NEVER_TAKEN),
    "buy: somebody else's reply": (("other_reply:buy:1",), TAKEN),
    "buy: refused by the matching engine": (
        ("reject:buy:1,reason=Order could not be placed.,code=500.017",),
        NEVER_TAKEN,
    ),
    "buy: reply lost, then not found for 90 s": (("reply_lost:buy:1", "not_found:buy:1,delay_s=90"), TAKEN),
    "buy: answer after the timeout": (("delay_after:buy:1,delay_s=3",), TAKEN),
    "buy: taken after the timeout": (("delay_before:buy:1,delay_s=2",), TAKEN),
    "sell: reply lost after acceptance": (("reply_lost:sell:1",), TAKEN),
    "sell: request lost": (("request_lost:sell:1",), NEVER_TAKEN),
    "sell: 500.016 with the order alive": (("timed_out:sell:1",), TAKEN),
    "sell: reply lost, then not found for 90 s": (("reply_lost:sell:1", "not_found:sell:1,delay_s=90"), TAKEN),
    "both: replies lost": (("reply_lost:buy:1", "reply_lost:sell:1"), TAKEN),
    "buy: reply lost, told by the private channel": (("reply_lost:buy:1",), TAKEN),
    "both: replies lost, told by the private channel": (("reply_lost:buy:1", "reply_lost:sell:1"), TAKEN),
    "both: requests lost": (("request_lost:buy:1", "request_lost:sell:1"), NEVER_TAKEN),
}
"""Faults, and whether the venue took the order they strike."""


async def play(directory: Path, name: str) -> str:
    """One hedge with a doubt in it, to its end."""
    faults, truth = CASES[name]
    spoken = name.endswith("told by the private channel")
    told_early = spoken or name == "buy: answer after the timeout"
    async with staged(directory, FAST, over={"rest": {"order_timeout_s": 1, "connect_timeout_s": 1}}) as stage:
        await stage.start()
        await stage.armed()
        await stage.fault(*faults, *(() if spoken else (SILENT,)))
        await stage.rich()
        if not told_early:  # a channel or a row may tell of the order before its answer fails: then there is no doubt
            await stage.until(lambda: stage.journal.all("order_moved", state="in_doubt"), "a doubt")
        await stage.until(lambda: stage.journal.all("order_intended"), "the legs")
        legs = [line["terms"]["client_order_id"] for line in stage.journal.all("order_intended")]
        if truth is NEVER_TAKEN:
            await counts_in_full(stage)
        await stage.until(lambda: stage.journal.all("hedge_closed"), "the doubt to be resolved")
        await stage.show(EUR, CALM[EUR])
        await stage.quiet(1)
        assert await stage.stop() == 0
        await stage.verdict()
        states = stage.journal.states()
        doubtful = {line["client_order_id"] for line in stage.journal.all("order_moved", state="in_doubt")}
        assert {states[each] == "absent" for each in doubtful} <= {truth is NEVER_TAKEN}
        taken = [order["client_order_id"] for order in await stage.orders()]
        assert sorted(taken) == sorted(each for each in states if states[each] not in ("absent", "rejected"))
        assert [each for each in states if each in doubtful] == [each for each in legs if each in doubtful]
        return stage.ended()


async def counts_in_full(stage: Stage) -> None:
    """While it lasts, the doubtful order is inside the exposure in full, and no new order goes out."""
    told = await stage.tell("status")
    assert told["in_doubt"]
    (interval,) = told["exposure"].values()
    doubtful = sum(D(order["may_fill"]) for order in told["open_orders"])
    assert D(interval["high"]) - D(interval["low"]) == doubtful >= D("0.05")
    assert len(stage.journal.all("order_intended")) == 2


SCENES = {name: partial(play, name=name) for name in CASES}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_doubt_ends_by_evidence_and_nothing_is_sent_twice(played: Played, scene: str) -> None:
    """The doubt is resolved to the truth, the venue saw exactly the intents it took, the hedge ends flat."""
    played.outcome(scene)
