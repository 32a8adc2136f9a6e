"""The treasury's requests at the control socket: understood, or refused in words; and what it is told."""

from __future__ import annotations

from typing import Any

import pytest

from arbbot.domain import lease_words as words
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.runtime.control import Refused
from arbbot.runtime.lease_verbs import lease_event, lease_outcome, settlement
from tests.engine.rig import D, Rig
from tests.engine.treasurer import CONVERTING, Treasurer

WHO = {"who": "treasury", "reason": "settle"}
ORDER = {"verb": "announce", "what": "order", "lease": "q7-l00001", "name": "t-c1", "base": "usdt", "counter": "usd",
         "size": "20", "price": "1.001", "fee": "0.0004", **WHO}  # fmt: skip
WITHDRAWAL = {"verb": "announce", "what": "withdrawal", "lease": "q7-l00001", "name": "t-w1", "currency": "usdt",
              "size": "15", "fee": "5", "network": "ethereum", **WHO}  # fmt: skip
WORD = {"verb": "announce", "what": "word", "name": "t-w1", "outcome": "accepted", "venue_id": 7, **WHO}


def test_every_request_becomes_its_event() -> None:
    """Numbers are text, exactly; ids are numbers."""
    assert lease_event({"verb": "lease", **WHO}) == words.LeaseAsked("treasury", "settle")
    assert lease_event({"verb": "release", "lease": "l1", **WHO}) == words.LeaseReleased("l1", "treasury", "settle")
    order = lease_event(ORDER)
    assert isinstance(order, words.OrderAnnounced)
    assert (order.market, order.worst_cost) == ("usdtusd", D("20.028008"))
    request = words.RequestAnnounced("q7-l00001", "t-w1", "usdt", D(15), D(5), "ethereum")
    assert lease_event(WITHDRAWAL) == request
    assert lease_event(WORD) == words.SettlementWord("t-w1", "accepted", 7, None, "settle")


@pytest.mark.parametrize(
    "request_",
    [
        {"verb": "lease", "who": "treasury"},
        {"verb": "lease", "who": "", "reason": "x"},
        {**ORDER, "what": "else"},
        {**ORDER, "size": 20},
        {**ORDER, "size": "NaN"},
        {**ORDER, "price": "-1"},
        {**ORDER, "price": "1" * 50},
        {**ORDER, "name": "a name"},
        {**WITHDRAWAL, "network": "a\nb"},
        {**WORD, "venue_id": "7"},
        {**WORD, "venue_id": True},
        {**WORD, "filled": "many"},
    ],
)
def test_what_is_not_understood_is_refused(request_: dict[str, Any]) -> None:
    """In words, before anything is decided."""
    with pytest.raises(Refused):
        lease_event(request_)


def test_a_denial_goes_back_in_the_engine_s_words() -> None:
    """And a grant tells the lease and until when it holds."""
    rig = Rig(CONVERTING).ready()
    granted = lease_outcome(rig.engine, rig.step(words.LeaseAsked("treasury", "settle")).records)
    assert granted["lease"] == "q7-l00001"
    assert granted["until_utc_us"] > rig.at.utc_us
    with pytest.raises(Refused, match="has not ended"):
        lease_outcome(rig.engine, rig.step(words.LeaseAsked("another", "me too")).records)
    with pytest.raises(Refused, match="leaving"):
        lease_outcome(rig.engine, ())


def test_a_settlement_is_told_all_it_goes_by() -> None:
    """What may be spent and why, what is at hand, each announcement and what became of it."""
    treasurer = Treasurer(Rig(CONVERTING)).converted()
    rig = treasurer.rig
    assert treasurer.request()
    told = settlement(rig.engine, {"pays": "USD", "buys": "USDT"}, rig.at)
    assert told["waiting"] == EXPLANATIONS[Refusal.LEASED]
    assert told["agreed"]
    assert told["withdrawable"]["size"] > 0
    assert told["orders"]["t-c1"] == {
        "venue_id": told["orders"]["t-c1"]["venue_id"], "filled": 20, "rowed": 20, "paid": D("20.008"),
        "complete": True,
    }  # fmt: skip
    assert told["withdrawals"]["t-w1"]["outcome"] == "announced"
    assert told["at_hand"] == 0
    with pytest.raises(Refused):
        settlement(rig.engine, {"pays": "BTC"}, rig.at)
