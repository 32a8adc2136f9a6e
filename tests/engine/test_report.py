"""The operator's numbers."""

from __future__ import annotations

from decimal import Decimal

from arbbot.domain import events as ev
from arbbot.domain.life import Started
from arbbot.domain.mode import Mode
from arbbot.domain.records import AnchorSet, Holding, MarkSet, Price
from arbbot.engine.report import report
from arbbot.engine.state import State
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, D, Rig, fx_book
from tests.engine.scenes import hedge


def test_an_empty_journal_reports_nothing_invented() -> None:
    """Unknown figures are None, counts are zero."""
    empty = report(State(), ROUTE, "sandbox")
    assert empty["hedges"] == dict.fromkeys(["completed", "one_sided", "nothing", "abandoned", "halted", "open"], 0)
    assert empty["ledger"]["USD"]["venue"] is None
    assert empty["ledger"]["USD"]["difference"] is None
    assert empty["edge_bps"] == {"expected": None, "realised": None}
    assert empty["turnover_per_day"] is None
    assert empty["span_s"] is None
    assert empty["pnl"]["fx_drift"] is None
    assert empty["exposure"] == {"BTC": {"low": 0, "high": 0}}


def test_every_ledger_line_adds_up(rig: Rig) -> None:
    """opening + booked + external + rounding = venue in each currency, after a hedge and a deposit."""
    rig.venue.row_decimals = 2
    hedge(rig).run(3)
    rig.venue.at = rig.at
    rig.venue.external(0, "XRP", D(7))
    rig.run(35)
    told = report(rig.state, ROUTE, "live")
    assert list(told["ledger"]) == ["BTC", "USD", "EUR", "XRP"]
    for currency, line in told["ledger"].items():
        assert line["difference"] == 0, currency
        assert line["venue"] == rig.venue.totals[currency]
        assert sum(line[part] for part in ("opening", "booked", "external", "rounding")) == line["venue"]
    assert told["reconciled"]
    assert told["state"] == "paused"
    assert told["hedges"]["completed"] == 1


def test_pnl_lines_are_their_own(rig: Rig) -> None:
    """Hedge P&L at the decision's FX; drift, float and foreign revaluation apart, at the last marks."""
    hedge(rig).run(3)
    rig.step(ev.OperatorPaused("ann", "no more hedges"))
    rig.show(fx_book("1.10990", "1.11010"))
    rig.run(62)
    told = report(rig.state, ROUTE, "live")
    pnl = told["pnl"]
    assert pnl["hedge"] == D("-3001.2") + D("2753.898") * D("1.1")
    assert pnl["fx_drift"] == D("2753.898") * (D("1.11") - D("1.1"))
    assert pnl["foreign_revaluation"] == 100_000 * (D("1.11") - D("1.10005"))
    assert pnl["float_revaluation"] == 0
    assert told["fx_drift"] == {"EUR": D("2753.898")}
    assert told["fees"] == {"EUR": D("1.102"), "USD": D("1.2")}
    assert told["edge_bps"]["expected"] == told["edge_bps"]["realised"]
    capital = D(59995) + 100_000 + 100_000 * D("1.10005")
    assert told["turnover_per_day"] == (D(3000) / capital * 86_400 / told["span_s"]).quantize(D("1e-6"))
    assert told["net_return_annualised"] is None


def test_doubt_and_a_halted_open_hedge_are_shown(rig: Rig) -> None:
    """What is in doubt is named with what may still fill; an open hedge under a halt is counted as halted."""
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", taken=False)).run(1)
    rig.step(ev.OperatorHalted("ann", "unsure"))
    told = report(rig.state, ROUTE, "live")
    assert told["in_doubt"] == [
        {"client_order_id": "q7-000001", "market": "btcusd", "side": "buy", "may_fill": D("0.05")}
    ]
    assert told["hedges"]["halted"] == told["hedges"]["open"] == 1
    assert told["state"] == Mode.HALTED.value
    assert told["state_reason"] == "unsure"


def test_a_span_without_time_or_capital_has_no_rates() -> None:
    """A single moment, or an account worth nothing, is divided by nowhere."""
    state = State()
    state.apply(Started("test", ROUTE.instruments, 5))
    assert report(state, ROUTE, "x")["span_s"] is None
    state.apply(Started("test", ROUTE.instruments, 1_000_005))
    assert report(state, ROUTE, "x")["span_s"] == Decimal(1)
    assert report(state, ROUTE, "x")["turnover_per_day"] is None
    state.apply(AnchorSet((Holding("USD", D(0)),), 0, "opening", "arbbot", "", 2_000_005))
    state.apply(MarkSet((Price("BTC", D(1)), Price("EUR", D(1))), 2_000_005))
    told = report(state, ROUTE, "x")
    assert told["span_s"] is None
    state.apply(Started("test", ROUTE.instruments, 4_000_005))
    told = report(state, ROUTE, "x")
    assert (told["turnover_per_day"], told["span_s"]) == (None, D(2))
