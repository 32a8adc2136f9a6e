"""Why a hedge made what it made."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from arbbot.bootstrap.anatomy import Made, made, orders
from arbbot.bootstrap.chronicle import words
from arbbot.bootstrap.explained import Explained
from arbbot.bootstrap.journals import Told, about
from arbbot.bootstrap.opening import verdict
from arbbot.bootstrap.summary import dated, summary_lines
from arbbot.domain import events as ev
from arbbot.domain.market import FeeRate
from arbbot.domain.records import HedgeOpened, HedgeSettled, is_durable
from arbbot.engine.report import report
from arbbot.engine.rules import FxPolicy
from arbbot.journal.sqlite import Line
from arbbot.telemetry.lines import LINES, text_of
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, D, Rig, book, rules
from tests.engine.scenes import RESTS, RICH, hedge


def made_by(rig: Rig) -> Made:
    """What the rig's one hedge made."""
    told = made([record for record in rig.records if is_durable(record)], ROUTE)
    assert told is not None
    return told


def worse(ask: str) -> Rig:
    """A hedge whose purchase finds the dollar book gone dearer between decision and arrival."""
    rig = Rig().ready()
    rig.show(RICH)
    rig.venue.books["btcusd"] = book("btcusd", "59990", ask)
    rig.run(3)
    return rig


@pytest.mark.parametrize(
    ("buy", "sell"),
    [
        (None, None),
        (Play("refuse"), None),
        (None, Play("refuse")),
        (None, Play(fill=D("0.02"))),
        (Play(fill=D("0.01")), Play(fill=D("0.03"))),
    ],
)
def test_the_causes_sum_to_the_difference(buy: Play | None, sell: Play | None) -> None:
    """However a hedge ends, what it made less what was expected is split without remainder, and what the legs did as
    decided costs nothing.
    """
    told = made_by(_run(hedge(Rig(), buy=buy, sell=sell)))
    assert sum(cause.worth for cause in told.causes) == told.realised - told.expected
    by_name = {cause.name: cause.worth for cause in told.causes}
    assert by_name["buy_price"] == by_name["sell_price"] == 0
    assert abs(by_name["rounding"]) < D("0.02")


def test_a_loss_has_a_named_cause() -> None:
    """A purchase beyond its decided price is told by its leg: decided, average, slippage, its part of the loss."""
    rig = worse("60720")
    told = made_by(rig)
    assert told.realised < 0 < told.expected
    assert told.main is not None
    assert told.main.name == "buy_price"
    assert "bought on btcusd at 60720.00, 120.00 bp worse than the 60000.00 decided (market order)" in told.main.words
    assert told.main.worth == D("-0.05") * 720
    legs = orders([record for record in rig.records if is_durable(record)])
    assert [(leg.decided, leg.average, leg.slippage_bps) for leg in legs] == [
        (D(60000), D(60720), D(120)),
        (D(55100), D(55100), D(0)),
    ]


def test_an_exit_is_named_as_the_cause() -> None:
    """A leg that did not fill, and what was done instead, is the cause of what a one-sided hedge lost."""
    told = made_by(_run(hedge(Rig(), sell=RESTS)))
    assert told.main is not None
    assert told.main.name == "exit"
    assert "the sell leg filled 0 of 0.05" in told.main.words


def test_the_story_is_dated_and_says_what_led_to_it() -> None:
    """The first lines tell when, on books of when, what was declined in the same minute, and what it came to."""
    rig = worse("60720")
    rig.run(70)
    lines = [Line(seq, record.utc_us, record) for seq, record in enumerate(filter(is_durable, rig.records))]
    (opened,) = rig.all(HedgeOpened)
    own = about(Told(Path("journal.db"), "sandbox", ROUTE, tuple(lines)), opened.hedge_id)
    story = "\n".join(Explained.of(own, lines, ROUTE).lines())
    for piece in (
        "decided     20",
        "book        btcusd of ",
        "declined    ",
        "slippage +120.00 bp",
        "a LOSS",
        "cause       ",
    ):
        assert piece in story
    assert "threshold " in story
    answer = Explained.of(own, lines, ROUTE).answer()
    assert answer["made"]["main_cause"] == "buy_price"
    assert answer["declined_before"]["counts"]


def test_an_unconverted_fx_leg_is_shown_as_unpriced() -> None:
    """With `trade.fx_policy` never, no screen lets the FX leg look as if it were free: start, log line, story, report;
    with any other policy the word is nowhere.
    """
    for policy in FxPolicy:
        rig = Rig(rules(fx_policy=policy, band=D(10**9)))
        hedge(rig).run(30)
        (opened,) = rig.all(HedgeOpened)
        line = LINES[opened.kind]
        assert line is not None
        assert rig.all(HedgeSettled)
        fees = {symbol: FeeRate(Decimal("0.001"), Decimal("0.001")) for symbol in ROUTE.symbols}
        shown = {
            "start": "\n".join(verdict(ROUTE, fees, rig.rules.trade)),
            "log": text_of(opened, line),
            "story": "\n".join(words(opened, ROUTE)),
            "report": "\n".join(summary_lines(report(rig.state, ROUTE, "sandbox"))),
        }
        unpriced = policy is FxPolicy.NEVER
        assert {name: "unpriced" in text for name, text in shown.items()} == dict.fromkeys(shown, unpriced)


def test_after_a_rebase_every_figure_says_since_when() -> None:
    """Money is counted since the rebase, and hedges since it beside those of the journal's life, each named; who began
    anew and why stands above them.
    """
    rig = hedge(Rig())
    rig.run(3)
    before = report(rig.state, ROUTE, "sandbox")
    assert before["since"]["cause"] == "opening"
    assert before["hedges_since"]["completed"] == before["hedges"]["completed"] == 1
    rig.step(ev.OperatorRebased("ann", "moved to cold storage"))
    rig.run(30)
    told = report(rig.state, ROUTE, "sandbox")
    assert (told["since"]["cause"], told["since"]["who"]) == ("rebase", "ann")
    assert told["since"]["utc_us"] > before["since"]["utc_us"]
    assert told["hedges"]["completed"] == 1
    assert told["hedges_since"]["completed"] == 0
    assert told["pnl"]["hedge"] == 0
    shown = "\n".join(summary_lines(told))
    assert f"since       {dated(told)['since']['utc']}, a rebase by ann: moved to cold storage" in shown
    assert "hedges      0 completed" in shown
    assert "1 completed, 0 one-sided and resolved, 0 without a fill (over the journal's whole life)" in shown
    assert "(over the journal's whole life)" not in "\n".join(summary_lines(before))


def _run(rig: Rig) -> Rig:
    rig.run(30)
    return rig
