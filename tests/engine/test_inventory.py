"""Which balance runs out first, and what to move, by sums of our own."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain import events as ev
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.money import ZERO
from arbbot.engine import inventory as module
from arbbot.engine.inventory import DAY_US, Stock, inventory, moves
from arbbot.engine.rules import FxPolicy
from arbbot.engine.state import State
from tests.engine.conftest import MakeRig
from tests.engine.rig import ROUTE, D, Rig, rules
from tests.engine.scenes import hedge

DAY = int(DAY_US)
USD = st.decimals(min_value=0, max_value=10**7, places=2)


def told(rig: Rig, window_us: int = DAY) -> dict[str, Any]:
    """The advice of this moment."""
    return inventory(rig.state, ROUTE, rig.at.utc_us, window_us)


def test_an_empty_journal_advises_nothing() -> None:
    """Nothing known, nothing invented."""
    empty = inventory(State(), ROUTE, 0, 0)
    assert (empty["first"], empty["moves"], empty["hedges"]) == (None, [], 0)
    assert empty["balances"]["USD"] == {
        "held": 0, "principal": 0, "change": 0, "change_per_day": None, "spent_per_hedge": None,
        "hedges_left": None, "days_left": None,
    }  # fmt: skip


def test_what_a_hedge_spends_runs_out_and_is_converted_back(rig: Rig) -> None:
    """One hedge bought with dollars and sold for euros: dollars end first, after as many such hedges as they pay for,
    and the euros it left are to be sold for them.
    """
    hedge(rig).run(3)
    advice = told(rig)
    spent = D("3001.2")
    dollars, euros, coins = (advice["balances"][name] for name in ("USD", "EUR", "BTC"))
    assert dollars["principal"] - dollars["held"] == spent == dollars["spent_per_hedge"] == -dollars["change"]
    assert dollars["hedges_left"] == int(dollars["held"] / spent)
    assert euros["change"] == D("2753.898")
    assert (euros["days_left"], coins["days_left"], coins["change"]) == (None, None, 0)
    span_days = advice["window_s"] / 86_400
    assert abs(dollars["change_per_day"] * span_days + spent) < D("0.001")
    assert dollars["days_left"] == (dollars["held"] / spent * span_days).quantize(D("0.1"), "ROUND_DOWN")
    assert advice["first"] == "USD"
    [convert] = advice["moves"]
    price = rig.state.last_marks["EUR"]
    assert (convert["move"], convert["market"], convert["side"]) == ("convert", "eurusd", "sell")
    assert D(0) <= spent / price - convert["size"] < ROUTE.fx.lot


def test_deposits_are_principal_and_no_drift(rig: Rig) -> None:
    """What people move changes what there should be, not how fast it goes."""
    hedge(rig).run(3)
    before = told(rig)["balances"]["USD"]
    rig.venue.at = rig.at
    rig.venue.external(0, "USD", D(500))
    rig.run(35)
    after = told(rig)["balances"]["USD"]
    assert (after["principal"], after["held"]) == (before["principal"] + 500, before["held"] + 500)
    assert after["change"] == before["change"]


def test_only_the_window_counts_and_only_what_came_since_the_opening(rig: Rig) -> None:
    """A hedge of before the window is no drift of late; after a rebase there is none at all."""
    hedge(rig).run(3)
    rig.run(600)
    assert told(rig, 60_000_000)["hedges"] == 0
    assert told(rig, 60_000_000)["window_s"] == 60
    assert told(rig)["hedges"] == 1
    rig.step(ev.OperatorRebased("ann", "a new beginning"))
    rig.run(60)
    assert rig.state.anchor is not None
    assert rig.state.anchor.cause == "rebase"
    assert told(rig)["hedges"] == 0
    assert told(rig)["first"] is None


def test_the_window_begins_with_what_is_still_in_memory(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where older hedges are forgotten, their time does not count either, or the drift would look too small."""
    hedge(rig).run(3)
    rig.run(100)
    [only] = rig.state.hedges.values()
    monkeypatch.setattr(module, "KEPT_HEDGES", 1)
    assert told(rig)["window_s"] == D(rig.at.utc_us - only.opened.utc_us) / 1_000_000


def test_conversions_count_and_their_memory_ends_too(make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a conversion brought back is no drift any more: what is left of the change is what the hedge made."""
    rig = make_rig(rules(fx_policy=FxPolicy.EACH))
    hedge(rig).run(3)
    advice = told(rig)
    assert (advice["hedges"], advice["conversions"], advice["balances"]["EUR"]["change"]) == (1, 1, 0)
    for currency, line in advice["balances"].items():
        assert line["change"] == line["held"] - line["principal"] == rig.state.drift(currency)
    [only] = rig.state.foreign.conversions.values()
    monkeypatch.setattr(module, "KEPT_CONVERSIONS", 1)
    assert told(rig)["window_s"] == D(rig.at.utc_us - only.opened.utc_us) / 1_000_000


def test_held_is_the_ledgers(rig: Rig) -> None:
    """To the unit, in every currency."""
    hedge(rig).run(3)
    for currency, line in told(rig)["balances"].items():
        assert line["held"] == rig.state.ledger.balance(LedgerAccount.VENUE, currency)


def stocks(usd: Decimal, eur: Decimal, btc: Decimal = ZERO) -> dict[str, Stock]:
    """What is held above a principal of 1000 each, all of them falling."""
    over = {"USD": usd, "EUR": eur, "BTC": btc}
    return {name: Stock(1000 + each, D(1000), D(-1), (D(1),)) for name, each in over.items()}


@pytest.mark.parametrize(
    ("first", "usd", "eur", "price", "wanted"),
    [
        ("USD", "-110", "200", "1.1", [("convert", "sell", "100")]),
        ("USD", "-110", "50", "1.1", [("convert", "sell", "50"), ("send_in", "USD", "55")]),
        ("USD", "-110", "-50", "1.1", [("send_in", "USD", "110")]),
        ("USD", "-110", "200", None, [("send_in", "USD", "110")]),
        ("EUR", "220", "-100", "1.1", [("convert", "buy", "100")]),
        ("EUR", "55", "-100", "1.1", [("convert", "buy", "50"), ("send_in", "EUR", "50")]),
        ("USD", "10", "200", "1.1", []),
        ("USD", "0", "200", "1.1", []),
    ],
)
def test_what_to_move(first: str, usd: str, eur: str, price: str | None, wanted: list[tuple[str, ...]]) -> None:
    """First what the other currency has too much of, then money from outside; nothing while it is above principal."""
    found = moves(first, stocks(D(usd), D(eur)), ROUTE, None if price is None else D(price))
    assert [
        ("convert", each["side"], f"{each['size'].normalize():f}")
        if each["move"] == "convert"
        else ("send_in", each["currency"], f"{each['size'].normalize():f}")
        for each in found
    ] == wanted


def test_coins_come_from_outside_alone() -> None:
    """The base asset is no currency of the FX market."""
    [move] = moves("BTC", stocks(D(10**6), D(10**6), D("-0.5")), ROUTE, D("1.1"))
    assert move == {"move": "send_in", "currency": "BTC", "size": D("0.5")}


@given(short=USD, over=USD, price=st.decimals(min_value="0.5", max_value=2, places=5))
def test_what_is_moved_restores_and_takes_no_more_than_is_over(short: Decimal, over: Decimal, price: Decimal) -> None:
    """In either direction: converted and sent in together make up what lacks, and the other keeps its principal."""
    for first, held in (("USD", stocks(-short, over)), ("EUR", stocks(over, -short))):
        found = moves(first, held, ROUTE, price)
        converted = sum((each["size"] for each in found if each["move"] == "convert"), D(0))
        came = converted * price if first == "USD" else converted
        taken = converted if first == "USD" else converted * price
        sent = sum((each["size"] for each in found if each["move"] == "send_in"), D(0))
        assert taken <= over
        assert abs(came + sent - short) < max(ROUTE.fx.lot * max(price, D(1)) * 2, D("0.02"))
        assert came <= short
