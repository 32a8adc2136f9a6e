"""What conversions make and cost, told apart from the hedges' edge, and adding up to what the account gained."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import Fill, OrderKind, OrderState, OrderTerms, Purpose
from arbbot.domain.records import (
    ConversionClosed,
    ConversionOpened,
    FillBooked,
    HedgeOpened,
    HedgeSettled,
    OrderIntended,
    OrderMoved,
)
from arbbot.engine.foreign import KEPT_CONVERSIONS, Foreign
from arbbot.engine.report import report
from arbbot.engine.rules import FxPolicy
from arbbot.engine.state import State, StateError
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import FEE, KEY, ROUTE, D, Rig, book, fx_book, rules
from tests.engine.scenes import conversions, ended, hedge

LEFT = D("2753.898")
RICH, CALM, CHEAP = (
    book("btceur", bid, ask) for bid, ask in (("55100", "55110"), ("54600", "54610"), ("53900", "53910"))
)


def equity(rig: Rig, held: dict[str, Decimal], prices: dict[str, Decimal]) -> Decimal:
    """An account in the numeraire."""
    return sum((held[currency] * price for currency, price in prices.items()), D(0))


def gain(rig: Rig) -> Decimal:
    """What the venue's own balances gained from the first marks to the last, in the numeraire."""
    assert rig.state.anchor is not None
    first, last = ({"USD": D(1), **marks} for marks in (rig.state.first_marks, rig.state.last_marks))
    return equity(rig, rig.venue.totals, last) - equity(rig, rig.state.anchor.holdings, first)


def lines_sum(rig: Rig) -> Decimal:
    """The report's lines that may be added up."""
    pnl = report(rig.state, ROUTE, "live")["pnl"]
    total: Decimal = (
        pnl["hedge"] + pnl["fx_drift"] - pnl["fx_fees"] + pnl["float_revaluation"] + pnl["foreign_revaluation"]
    )
    return total


def test_a_conversion_at_another_price_is_fx_profit_not_edge(make_rig: MakeRig) -> None:
    """Hedge P&L stays at the decision's FX; the conversion's price makes FX P&L, its fee a line of its own."""
    rig = make_rig(rules(fx_policy=FxPolicy.EACH, cooldown_s=D(600)))
    hedge(rig, wait="0.01")
    rig.show(fx_book("1.10500", "1.10510"))
    rig.run(70)
    told = report(rig.state, ROUTE, "live")
    pnl, fee = told["pnl"], (LEFT * D("1.105") * FEE).quantize(D("0.00001"))
    assert pnl["hedge"] == D("-3001.2") + LEFT * D("1.1")
    assert pnl["fx_realised"] == pnl["fx_drift"] == LEFT * D("0.005")
    assert pnl["fx_unrealised"] == 0
    assert abs(pnl["fx_fees"] - fee) <= D("0.00001")
    assert pnl["converted"] == pnl["hedge"] + pnl["fx_realised"] - pnl["fx_fees"]
    assert pnl["converted"] == D("-3001.2") + LEFT * D("1.105") - pnl["fx_fees"], "at the FX order's price, fee off"
    assert told["conversions"] == {"converted": 1, "partial": 0, "nothing": 0, "open": 0}
    assert told["last_conversions"] == [
        {
            "conversion_id": f"{KEY}-c00001",
            "utc_us": rig.state.foreign.conversions[f"{KEY}-c00001"].opened.utc_us,
            "side": "sell",
            "size": LEFT,
            "outcome": "converted",
            "filled": LEFT,
            "price": D("1.105"),
            "fee": pnl["fx_fees"],
            "realised_pnl": pnl["fx_realised"],
            "bound_by": "drift",
        }
    ]
    assert told["fees"] == {"EUR": D("1.102"), "USD": D("1.2")}, "the legs' only"


@pytest.mark.parametrize("row_decimals", [8, 5, 2])
@pytest.mark.parametrize("balance_decimals", [8, 5, 2])
def test_the_ledger_equals_the_venue_to_the_last_digit_shown(
    make_rig: MakeRig, row_decimals: int, balance_decimals: int
) -> None:
    """S4 with rows rounded and balances cut at any digit, over hedges and conversions both ways at crooked prices."""
    rig = make_rig(rules(fx_policy=FxPolicy.EACH, cooldown_s=D(3)))
    rig.venue.row_decimals, rig.venue.balance_decimals = row_decimals, balance_decimals
    rig.ready()
    for step in range(6):
        rig.show(CHEAP if step % 2 else RICH, fx_book(f"1.100{step}7", f"1.101{step}3"))
        rig.run("0.03")
        rig.show(CALM)
        rig.run(6)
        assert rig.state.agreed, rig.alerts()
        for balance in rig.venue.balances():
            assert rig.own(balance.currency) == balance.total
    assert [end.outcome for end in ended(rig)] == ["converted"] * 6
    assert rig.alerts() == []


@pytest.mark.parametrize("row_first", [False, True])
@pytest.mark.parametrize("balance_decimals", [8, 2])
def test_money_shown_with_fewer_digits_than_traded_is_no_contradiction(
    make_rig: MakeRig, row_first: bool, balance_decimals: int
) -> None:
    """Where rows cut euros to cents, a fill of 2753.898 is the row of 2753.90, whichever is told first: the drift goes
    to less than the least order, the hidden part is display rounding, and nobody is called.
    """
    rig = make_rig(rules(fx_policy=FxPolicy.EACH))
    rig.venue.foreign_decimals, rig.venue.balance_decimals = 2, balance_decimals
    rig.venue.channel = not row_first
    hedge(rig)
    while not conversions(rig):
        rig.run("0.01")
    if row_first:
        rig.slow_ms = {Topic.ORDER_STATUS: 700}
        rig.run("0.03")
        rig.engine.books.hurry()
    rig.run(40)
    ((end),) = ended(rig)
    ((told),) = [each for each in rig.all(FillBooked) if each.fill.market == "eurusd"]
    assert (told.source, told.fill.size) == ("status" if row_first else "channel", LEFT)
    assert (end.outcome, end.foreign_delta) == ("converted", D("-2753.90"))
    assert rig.state.agreed
    assert rig.alerts() == []
    assert abs(rig.state.drift("EUR")) < D("0.01")
    for balance in rig.venue.balances():
        assert rig.own(balance.currency) == balance.total


def test_another_size_in_the_row_is_still_a_contradiction(make_rig: MakeRig) -> None:
    """What no rounding explains halts, on the FX market as elsewhere."""
    rig = make_rig(rules(fx_policy=FxPolicy.EACH))
    hedge(rig)
    rig.venue.row_lag_s = D(2)
    while not conversions(rig):
        rig.run("0.01")
    rig.run(1)
    shown_from, row = rig.venue.rows[-1]
    assert row.market == "eurusd"
    amounts = tuple((name, D("-2753.88") if name == "EUR" else delta) for name, delta in row.amounts)
    rig.venue.rows[-1] = (shown_from, replace(row, amounts=amounts))
    rig.run(5)
    assert "row_contradiction" in rig.alerts()
    assert rig.mode() is Mode.HALTED


def test_the_lines_add_up_to_what_the_account_gained(make_rig: MakeRig) -> None:
    """Over hedges both ways, partial conversions, moving prices and a drift left over, every cent has its line."""
    rig = make_rig(
        rules(fx_policy=FxPolicy.BAND, band=D(3000), cooldown_s=D(1), target_size=D("0.1"), retry_s=D("0.1"))
    )
    rig.ready()
    rig.venue.plays[Purpose.CONVERT, Side.SELL] = [Play(fill=D(1234)), Play(fill=D(999))]
    for step, way in enumerate((RICH, RICH, CHEAP, RICH, CHEAP, CHEAP, CHEAP, RICH)):
        rig.show(way, fx_book(f"1.10{step}00", f"1.10{step}10"))
        rig.run("0.03")
        rig.show(CALM)
        rig.run(7)
    rig.show(fx_book("1.11400", "1.11420"))
    rig.run(70)
    assert len(ended(rig)) >= 3
    pnl = report(rig.state, ROUTE, "live")["pnl"]
    assert abs(lines_sum(rig) - gain(rig)) < D("1e-8"), "each hedge's P&L is told to ten decimals"
    assert pnl["fx_drift"] == pnl["fx_realised"] + pnl["fx_unrealised"]
    assert rig.state.foreign.outstanding == rig.state.drift("EUR") != 0


def test_a_new_opening_starts_the_sums_anew(make_rig: MakeRig) -> None:
    """After a rebase the report knows no FX P&L and no fees of before; the conversions stay in the list."""
    rig = make_rig(rules(fx_policy=FxPolicy.EACH))
    hedge(rig).run(5)
    rig.step(ev.OperatorRebased("ann", "a new month"))
    rig.run(40)
    told = report(rig.state, ROUTE, "live")
    assert told["pnl"]["fx_fees"] == told["pnl"]["fx_realised"] == told["pnl"]["hedge"] == 0
    assert told["fx_drift"] == {"EUR": D(0)}
    assert len(told["last_conversions"]) == 1


AMOUNT = st.decimals(min_value=-10_000, max_value=10_000, places=8, allow_nan=False, allow_infinity=False)
PRICE = st.decimals(min_value="0.5", max_value=2, places=5, allow_nan=False, allow_infinity=False)


@given(changes=st.lists(st.tuples(AMOUNT, PRICE), max_size=12), mark=PRICE)
def test_realised_and_unrealised_are_what_the_changes_made(
    changes: list[tuple[Decimal, Decimal]], mark: Decimal
) -> None:
    """However a position is built, netted and turned over: realised plus unrealised is its worth minus what was paid,
    exactly; a flat one has no value left; nothing is realised while it only grows.
    """
    kept = Foreign()
    for change, price in changes:
        before = kept.outstanding
        realised = kept.take(change, change * price)
        assert kept.outstanding == before + change
        if before * change >= 0:
            assert realised == 0
        if kept.outstanding == 0:
            assert kept.value == 0
    paid = sum((change * price for change, price in changes), D(0))
    worth = sum((change for change, _ in changes), D(0)) * mark
    assert kept.realised + kept.outstanding * mark - kept.value == worth - paid


def test_a_position_is_carried_at_its_average() -> None:
    """100 at 1.10 and 100 at 1.20 are 200 at 1.15; selling half at 1.25 makes 10."""
    kept = Foreign()
    kept.take(D(100), D(110))
    kept.take(D(100), D(120))
    assert kept.take(D(-100), D(-125)) == 10
    assert (kept.outstanding, kept.value) == (D(100), D(115))
    assert kept.take(D(-300), D(-360)) == 5
    assert (kept.outstanding, kept.value) == (D(-200), D(-240))


@pytest.mark.parametrize("leg", [0, 1], ids=["domestic", "foreign"])
def test_a_late_fill_of_a_settled_hedge_is_outstanding_too(make_rig: MakeRig, leg: int) -> None:
    """What a leg trades after its hedge was settled counts in the FX figures, at the decision's FX, as what it left
    before: outstanding is the ledger's drift.
    """
    rig = make_rig(rules(fx_policy=FxPolicy.NEVER))
    hedge(rig).run(10)
    assert len(rig.all(HedgeSettled)) == 1
    before, late = rig.state.foreign.outstanding, rig.venue.orders[leg]
    assert before == rig.state.drift("EUR") > 0
    fill = rig.venue.fill(late, D("0.01"), D(55000))
    rig.run(40)
    assert fill.fee is not None
    change = fill.size * fill.price - fill.fee if leg == 1 else D(0)
    assert rig.state.foreign.outstanding == rig.state.drift("EUR") == before + change
    assert rig.state.foreign.value == (before + change) * rig.all(HedgeOpened)[0].fx_vwap


def test_old_conversions_are_forgotten_with_their_orders() -> None:
    """Memory is bounded: of many conversions the newest stay, with their orders and fills, and no others."""
    state, beyond = State(), 3
    for number in range(1, KEPT_CONVERSIONS + beyond + 1):
        conversion_id, order_id, fill = f"c{number}", f"o{number}", Fill(number, "eurusd", Side.SELL, D(9), D(1), D(0))
        decision = ConversionOpened(
            conversion_id, "eurusd", "EUR", "USD", Side.SELL, D(9), D(1), D(1), D(0), D(9), "each", "drift", 1, number
        )
        terms = OrderTerms(
            order_id, conversion_id, Purpose.CONVERT, "eurusd", Side.SELL, OrderKind.IOC, D(9), D(1), None
        )
        state.apply(decision)
        state.apply(OrderIntended(terms, number))
        state.apply(OrderMoved(order_id, OrderState.LIVE, number if number > 1 else None, "", number))
        state.apply(FillBooked(order_id, fill, "status", False, number))
        state.apply(OrderMoved(order_id, OrderState.FILLED, None, "", number))
        state.apply(ConversionClosed(conversion_id, "converted", D(-9), D(9), D(0), D(0), D(0), "", number))
    kept = range(beyond + 1, KEPT_CONVERSIONS + beyond + 1)
    assert list(state.foreign.conversions) == [f"c{number}" for number in kept]
    assert list(state.orders) == [f"o{number}" for number in kept]
    assert list(state.fills) == [(number, f"o{number}") for number in kept]
    assert list(state.order_by_venue_id) == list(kept)
    assert state.foreign.totals == {"converted": KEPT_CONVERSIONS + beyond}


def test_a_decision_without_an_order_is_forgotten_too() -> None:
    """Conversions that a cut journal left without an intent take no place for ever."""
    kept = Foreign()
    for number in range(KEPT_CONVERSIONS + 1):
        decision = ConversionOpened(
            f"c{number}", "eurusd", "EUR", "USD", Side.SELL, D(9), D(1), D(1), D(0), D(9), "each", "drift", 1, 1
        )
        kept.opened(decision)
        assert kept.closed(ConversionClosed(f"c{number}", "nothing", D(0), D(0), D(0), D(0), D(0), "", 1)) == []
    assert len(kept.conversions) == KEPT_CONVERSIONS
    assert kept.empty_in_row == KEPT_CONVERSIONS + 1


def test_records_that_cannot_follow_are_refused() -> None:
    """A second conversion beside one, one beside a hedge, and the end of one that is not open are a damaged journal."""
    decision = ConversionOpened(
        "c1", "eurusd", "EUR", "USD", Side.SELL, D(9), D(1), D(1), D(0), D(9), "each", "drift", 1, 1
    )
    end = ConversionClosed("c1", "nothing", D(0), D(0), D(0), D(0), D(0), "", 1)
    state = State()
    with pytest.raises(StateError, match="not open"):
        state.apply(end)
    state.apply(decision)
    with pytest.raises(StateError, match="beside another"):
        state.apply(replace(decision, conversion_id="c2"))
