"""The operator's answers say what the engine does, on an engine that really trades against a played venue."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.mode import Mode
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.runtime.answers import Run, edges, health, status, why
from arbbot.runtime.control import Refused
from arbbot.runtime.operator_verbs import operator_event, outcome
from tests.engine.rig import Rig, book

WHO = {"who": "ann", "reason": "look at it"}


def begin(rig: Rig) -> Run:
    """This process, as of now."""
    return Run.begin(rig.engine, "sandbox", "1.2.3", rig.at)


def command(rig: Rig, **request: Any) -> dict[str, Any]:
    """A person's verb, carried out."""
    output = rig.step(operator_event({**WHO, **request}))
    return outcome(rig.state, output.records, str(request["verb"]))


def hedged() -> Rig:
    """An engine that has just completed a hedge and settled it."""
    rig = Rig().ready()
    rig.show(book("btceur", "55000", "55010"))
    rig.run("0.5")
    rig.show(book("btceur", "54536", "54546"))
    rig.run(45)
    return rig


def test_before_recovery_nothing_is_claimed() -> None:
    """A process that has read nothing says so, with absent figures as None."""
    rig = Rig()
    run = begin(rig)
    rig.step(ev.Tick())
    told = status(rig.engine, run, rig.at)
    assert not told["armed"]
    assert [blocker["name"] for blocker in told["blockers"]] == ["anchoring"]
    assert EXPLANATIONS[Refusal.ANCHORING] in told["problems"]
    assert {line["venue"] for line in told["balances"].values()} == {None}
    assert {line["age_ms"] for line in told["books"].values()} == {None}
    assert not health(rig.engine, rig.at)["healthy"]
    assert edges(rig.engine)["directions"]["buy_domestic"]["break_even_bps"] is None


def test_a_quiet_engine_is_flat_healthy_and_says_why_it_waits() -> None:
    """No edge: flat, ledger equal, healthy, and the refusal is the threshold, in words."""
    rig = Rig()
    run = begin(rig)
    rig.ready()
    told = status(rig.engine, run, rig.at)
    assert (told["flat"], told["reconciled"], told["problems"], told["state"]) == (True, True, [], "active")
    assert (told["mode"], told["version"], told["uptime_s"]) == ("sandbox", "1.2.3", Decimal(8))
    assert {line["difference"] for line in told["balances"].values()} == {Decimal(0)}
    assert all(line["ledger"] == line["venue"] for line in told["balances"].values())
    assert all(line["fresh"] and line["from_feed"] for line in told["books"].values())
    assert health(rig.engine, rig.at) == {"healthy": True, "problems": []}
    reasons = why(rig.engine, run, rig.at)
    assert reasons["refusals"] == [{"name": "below_threshold", "meaning": EXPLANATIONS[Refusal.BELOW_THRESHOLD]}]
    assert reasons["counts"]["below_threshold"] > 0


def test_the_edges_are_those_of_the_books() -> None:
    """Gross at the touch, threshold and break-even of both ways round follow from books, rules and fees."""
    rig = Rig().ready()
    buy_domestic = edges(rig.engine)["directions"]["buy_domestic"]
    assert (buy_domestic["buy_market"], buy_domestic["sell_market"]) == ("btcusd", "btceur")
    gross = Decimal(54536) * Decimal("1.1") / 60000 - 1
    assert abs(buy_domestic["touch_gross_bps"] - gross * 10_000) < Decimal("0.0001")
    fee = Decimal("0.0004")
    break_even = (1 + fee) / ((1 - fee) * (1 - fee)) - 1
    assert abs(buy_domestic["break_even_bps"] - break_even * 10_000) < Decimal("0.0001")
    assert buy_domestic["threshold_bps"] == 35
    assert buy_domestic["net_bps"] < buy_domestic["gross_bps"] <= buy_domestic["touch_gross_bps"]
    assert edges(rig.engine)["directions"]["buy_foreign"]["touch_gross_bps"] < 0


def test_an_open_hedge_is_shown_with_its_orders() -> None:
    """While legs are out they count in full, and health does not suffer from it."""
    rig = Rig()
    run = begin(rig)
    rig.ready()
    rig.show(book("btceur", "55000", "55010"))
    told = status(rig.engine, run, rig.at)
    size = told["open_orders"][0]["size"]
    assert told["open_hedge"] is not None
    assert {order["side"]: order["may_fill"] for order in told["open_orders"]} == {"buy": size, "sell": size}
    assert told["exposure"]["BTC"] == {"low": -size, "high": size}
    assert not told["flat"]
    assert told["carried_dust"] is None
    assert [blocker["name"] for blocker in told["blockers"]] == ["hedge_open"]
    assert health(rig.engine, rig.at)["healthy"]


def test_a_finished_hedge_is_told_with_what_it_made() -> None:
    """The last hedges show expected and realised edge; FX drift is a line of its own."""
    rig = hedged()
    told = status(rig.engine, begin(rig), rig.at)
    (hedge,) = told["hedges"]
    assert hedge["outcome"] == "completed"
    assert hedge["realised_pnl"] == told["hedge_pnl"]["USD"]
    assert hedge["realised_bps"] is not None
    assert told["fx_drift"]["EUR"] > 0
    assert (told["flat"], told["reconciled"]) == (True, True)


def test_counts_are_those_of_this_process() -> None:
    """What an earlier process counted into the journal is left out."""
    rig = Rig().ready()
    rig.run(61)
    assert rig.state.refusals
    assert why(rig.engine, begin(rig), rig.at)["counts"] == rig.engine.entry.counts


def test_a_lost_feed_and_a_halt_are_problems() -> None:
    """Each thing that makes the daemon unfit is named; a pause is not one of them."""
    rig = Rig().ready()
    command(rig, verb="pause")
    assert health(rig.engine, rig.at)["healthy"]
    command(rig, verb="halt")
    rig.step(ev.FeedDown(rig.epoch, "gone"))
    found = health(rig.engine, rig.at)["problems"]
    assert found == ["halted: look at it", EXPLANATIONS[Refusal.FEED_DOWN]]


def test_verbs_become_events_and_tell_what_came_of_them() -> None:
    """Pause, resume, halt and panic move the mode; who and why are journaled by the engine."""
    rig = Rig().ready()
    assert command(rig, verb="pause")["state"] == "paused"
    assert command(rig, verb="resume")["state"] == "active"
    assert command(rig, verb="halt")["said"] == ["halted by ann: look at it"]
    assert command(rig, verb="halt", panic=True)["state"] == "panic"
    assert rig.state.mode is Mode.PANIC
    assert operator_event({"verb": "rebase", **WHO}) == ev.OperatorRebased("ann", "look at it")


def test_a_pause_that_changes_nothing_says_why() -> None:
    """Silence would look like success: paused already, or something stricter stands."""
    rig = Rig().ready()
    assert command(rig, verb="pause")["said"] == ["paused by ann: look at it"]
    assert command(rig, verb="pause")["said"] == ["paused already: nothing has changed"]
    command(rig, verb="halt")
    assert command(rig, verb="pause")["said"] == ["halted already, which is stricter than a pause: nothing has changed"]


@pytest.mark.parametrize(("word", "order_id"), [("absent", None), (17, 17), ("17", 17)])
def test_resolve_names_an_order_or_its_absence(word: object, order_id: int | None) -> None:
    """The venue's id as number or text, or the word absent."""
    event = operator_event({"verb": "resolve", "client_order_id": "q7-000001", "as": word, **WHO})
    assert event == ev.OperatorResolved("q7-000001", order_id, "ann", "look at it")


def test_what_the_engine_declines_is_refused() -> None:
    """Resolving an order that is in no doubt is told to the person who asked."""
    rig = Rig().ready()
    with pytest.raises(Refused, match="no such order"):
        command(rig, verb="resolve", client_order_id="q7-000009", **{"as": "absent"})


@pytest.mark.parametrize(
    "request_",
    [
        {"verb": "pause"},
        {"verb": "pause", "who": "ann"},
        {"verb": "pause", "who": "ann", "reason": "  "},
        {"verb": "pause", "who": "ann", "reason": 5},
        {"verb": "pause", "who": "ann", "reason": "x" * 501},
        {"verb": "pause", "who": "ann", "reason": "two\nlines"},
        {"verb": "fire", **WHO},
        {"verb": "halt", "panic": "yes", **WHO},
        {"verb": "resolve", "as": "absent", **WHO},
        {"verb": "resolve", "client_order_id": "x", **WHO},
        {"verb": "resolve", "client_order_id": "x", "as": "gone", **WHO},
        {"verb": "resolve", "client_order_id": "x", "as": True, **WHO},
        {"verb": "resolve", "client_order_id": "x", "as": 0, **WHO},
        {"verb": "resolve", "client_order_id": "x", "as": -5, **WHO},
        {"verb": "resolve", "client_order_id": "x", "as": [1], **WHO},
    ],
)
def test_a_verb_without_who_why_or_sense_is_refused(request_: dict[str, Any]) -> None:
    """Nothing changes on a request that is incomplete."""
    with pytest.raises(Refused):
        operator_event(request_)


def test_answers_can_be_written_as_json() -> None:
    """Only plain values and money in them, money without binary floats."""
    rig = hedged()
    run = begin(rig)
    for told in (status(rig.engine, run, rig.at), why(rig.engine, run, rig.at), health(rig.engine, rig.at)):
        text = json.dumps(told, default=str)
        assert json.loads(text, parse_float=lambda number: pytest.fail(f"a float: {number}"))


def later(rig: Rig, seconds: int) -> ev.Moment:
    """So many seconds from the rig's present."""
    return ev.Moment(rig.at.mono_ns + seconds * 1_000_000_000, rig.at.utc_us + seconds * 1_000_000)


def ailments(rig: Rig, seconds: int = 0) -> str:
    """What health finds, now or later."""
    return "; ".join(health(rig.engine, later(rig, seconds))["problems"])


def test_health_names_books_that_nobody_confirms() -> None:
    """Each stale book by its market, and the premium that the tickers no longer vouch for."""
    rig = Rig().ready()
    assert ailments(rig) == ""
    found = ailments(rig, 100)
    for symbol in ("btcusd", "btceur", "eurusd"):
        assert f"{symbol}: {EXPLANATIONS[Refusal.STALE_BOOK]}" in found
    assert EXPLANATIONS[Refusal.PREMIUM_UNCHECKED] in found
    rig.step(ev.FeedUp(99))
    assert f"btcusd: {EXPLANATIONS[Refusal.NO_BOOK]}" in ailments(rig)


def test_health_names_tickers_that_disagree() -> None:
    """The difference of the premiums, in percent."""
    rig = Rig().ready()
    for symbol, bid, ask in (("btcusd", "59990", "60000"), ("btceur", "55000", "55010"), ("eurusd", "1.1", "1.1001")):
        rig.step(ev.TickerFetched(0, symbol, Decimal(bid), Decimal(ask), Decimal(bid)))
    assert ailments(rig) == f"{EXPLANATIONS[Refusal.PREMIUM_DISAGREES]} (+0.851%)"


def test_health_names_unknown_fees_and_silence() -> None:
    """Fees that were never told, and questions that hang."""
    rig = Rig()
    rig.step(ev.Tick())
    rig.step(ev.Tick())
    assert EXPLANATIONS[Refusal.NO_FEES] in ailments(rig)
    assert "unanswered" not in ailments(rig, 59)
    assert "questions unanswered for over 60 s: " in ailments(rig, 61)


def test_health_names_a_ledger_that_stays_unreconciled() -> None:
    """Ten minutes after the last fill without a statement; while it is fresh, that is the ordinary course."""
    rig = Rig().ready()
    rig.venue.failing = {Topic.BALANCES}
    rig.show(book("btceur", "55000", "55010"))
    rig.run("0.5")
    rig.show(book("btceur", "54536", "54546"))
    rig.run(20)
    assert rig.state.open_hedge_id is None
    assert EXPLANATIONS[Refusal.RECONCILING] not in ailments(rig, 500)
    assert f"{EXPLANATIONS[Refusal.RECONCILING]}, for 6" in ailments(rig, 650)


def test_a_difference_is_shown_as_the_venue_says() -> None:
    """What the last reading found: the venue's own balance, the ledger's, and how far they are apart."""
    rig = hedged()
    run = begin(rig)
    before = status(rig.engine, run, rig.at)["balances"]["USD"]
    rig.venue.totals["USD"] += Decimal("0.01")
    rig.run(60)
    line = status(rig.engine, run, rig.at)["balances"]["USD"]
    assert line["difference"] == Decimal("0.01")
    assert (line["venue"], line["ledger"]) == (before["venue"] + Decimal("0.01"), before["ledger"])
