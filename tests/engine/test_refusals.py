"""Each rule that binds refuses by its own name, and refusals are counted."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Direction, FeeRate
from arbbot.domain.records import HedgeOpened, RefusalsCounted, StatementAgreed
from arbbot.domain.signals import Pulse
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.rules import FxPolicy, LimitReference, ThresholdMode
from tests.engine.conftest import MakeRig
from tests.engine.rig import FEE, ROUTE, D, Rig, book, rules

RICH = ("btceur", "55100", "55110")
"""About 1 % above the domestic market."""


def asked(rig: Rig, topic: Topic) -> list[Ask]:
    """Questions put on one topic."""
    return [command for command in rig.sent if isinstance(command, Ask) and command.topic is topic]


def refused(rig: Rig, name: str) -> bool:
    """The last evaluation gave this refusal, and no order went out."""
    assert rig.placed() == []
    return name in rig.last()


def test_every_refusal_is_explained() -> None:
    """The operator is told in words what each refusal means."""
    assert set(EXPLANATIONS) == set(Refusal)
    assert all(len(text) > 10 for text in EXPLANATIONS.values())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"gross_threshold": D("0.02")}, "below_threshold"),
        ({"net_floor": D("0.015"), "limit_markup": D(0)}, "below_net_floor"),
        ({"target_size": D("0.0001")}, "target"),
        ({"weight": D("0.00001"), "target_size": D(1000)}, "capital"),
        ({"max_notional": D(5)}, "notional_cap"),
        ({"collar": D("-0.001")}, "collar"),
        ({"max_slippage": D("-0.001")}, "slippage"),
        ({"limit_markup": D("0.015")}, "sell_below_limit"),
        ({"cost_reserve": D(100_000)}, "quote_balance"),
        ({"dust_cap": D(-1)}, "unhedged"),
    ],
)
def test_each_rule_refuses_by_its_own_name(make_rig: MakeRig, changes: dict[str, Decimal], name: str) -> None:
    """On a 1 % edge, the one rule that is set out of reach is the one that is named."""
    rig = make_rig(rules(**changes))
    rig.ready()
    rig.show(book(*RICH))
    assert refused(rig, name), rig.last()


def test_nothing_to_sell_is_base_balance(rig: Rig) -> None:
    """BTC to sell must already be there; capital counts totals, the balance what is available."""
    rig.venue.reserved["BTC"] = D("0.9999")
    rig.ready()
    rig.show(book(*RICH))
    assert refused(rig, "base_balance")


def test_shallow_books_are_refused_by_the_book_they_lack(make_rig: MakeRig) -> None:
    """A base book thinner than the minimum is book_depth; an FX book thinner than the notional fx_depth."""
    rig = make_rig()
    rig.ready()
    rig.show(book(*RICH, amount="0.0000000001"))
    assert refused(rig, "book_depth")
    rig = make_rig()
    rig.ready()
    rig.show(book("eurusd", "1.10000", "1.10010", amount="0.01", step="0.0001"))
    rig.show(book(*RICH))
    assert refused(rig, "fx_depth")


def test_both_directions_are_found(make_rig: MakeRig) -> None:
    """Foreign rich: buy domestic; foreign poor: buy foreign. Each at the size the target allows."""
    for quote, direction in ((RICH, "buy_domestic"), (("btceur", "53900", "53910"), "buy_foreign")):
        rig = make_rig()
        rig.ready()
        rig.show(book(*quote))
        ((opened),) = rig.all(HedgeOpened)
        assert opened.direction == direction
        assert opened.size == D("0.05")
        assert opened.bound_by == "target"


def test_cost_plus_asks_for_break_even_and_a_margin(make_rig: MakeRig) -> None:
    """The threshold follows the fees: 12.0072 bp break-even at 4 bp a leg, plus the margin."""
    rig = make_rig(rules(threshold_mode=ThresholdMode.COST_PLUS, cost_margin=D("0.0005"), limit_markup=D(0)))
    rig.ready()
    even = (1 + FEE) / ((1 - FEE) * (1 - FEE)) - 1
    assert rig.engine.entry.threshold(Direction.BUY_DOMESTIC) == even + D("0.0005")


@pytest.mark.parametrize(("policy", "fee"), [(FxPolicy.EACH, FEE), (FxPolicy.BAND, FEE), (FxPolicy.NEVER, D(0))])
def test_the_fx_policy_prices_the_first_hedge(make_rig: MakeRig, policy: FxPolicy, fee: Decimal) -> None:
    """Each and band charge a hedge that moves the drift away from zero; never charges none."""
    rig = make_rig(rules(fx_policy=policy))
    rig.ready()
    rig.show(book(*RICH))
    assert rig.all(HedgeOpened)[0].fx_fee == fee


def test_the_band_policy_spares_hedges_that_bring_the_drift_back(make_rig: MakeRig) -> None:
    """After a hedge brought euros in, buying foreign is free of FX fee and buying domestic is not; and mirrored."""
    for first, second in ((RICH, ("btceur", "53900", "53910")), (("btceur", "53900", "53910"), RICH)):
        rig = make_rig(rules(fx_policy=FxPolicy.BAND, cooldown_s=D(3)))
        rig.ready()
        rig.show(book(*first))
        rig.run(2)
        rig.show(book(*second))
        rig.run(8)
        fees = [opened.fx_fee for opened in rig.all(HedgeOpened)]
        assert fees[:2] == [FEE, D(0)]


def test_a_resting_sale_is_charged_the_maker_fee(make_rig: MakeRig) -> None:
    """With the sell market's ask as reference the sale is priced as a maker and rests above the touch."""
    rig = make_rig(rules(limit_reference=LimitReference.SELL_ASK))
    rig.venue.fees["btceur"] = FeeRate(D("0.0001"), D("0.0004"))
    rig.ready()
    rig.show(book(*RICH))
    ((opened),) = rig.all(HedgeOpened)
    assert opened.sell_fee == D("0.0001")
    assert opened.limit_price == D("55275.33")


def test_refusals_are_made_durable_once_a_minute(rig: Rig) -> None:
    """The counts reach the journal, and none is lost or counted twice."""
    rig.ready().run(130)
    written = rig.all(RefusalsCounted)
    assert 2 <= len(written) <= 3
    assert rig.state.refusals["below_threshold"] == sum(dict(each.counts).get("below_threshold", 0) for each in written)


def test_the_pulse_answers_the_operators_questions(rig: Rig) -> None:
    """Once a second: exposure, doubt, drift, blockers, book ages and both directions' edges at the touch."""
    rig.ready()
    rig.records.clear()
    rig.run(8)
    pulses = rig.all(Pulse)
    assert 7 <= len(pulses) <= 9
    pulse = pulses[-1]
    assert pulse.exposure_low == pulse.exposure_high == D(0)
    assert pulse.open_orders == pulse.in_doubt == 0
    assert pulse.blockers == ("below_threshold", "below_threshold")
    assert dict(pulse.book_age_ms).keys() == set(ROUTE.symbols)
    edges = dict(pulse.gross_bps)
    assert abs(edges["buy_domestic"] - (D(54536) * D("1.1") / D(60000) - 1) * 10_000) < D("0.001")
    assert abs(edges["buy_foreign"] - (D(59990) / (D(54546) * D("1.1001")) - 1) * 10_000) < D("0.001")
    rig.show(book("btcusd", "60000", "59990"))
    rig.run(2)
    assert rig.all(Pulse)[-1].gross_bps == ()


def test_a_statement_without_news_is_not_repeated(rig: Rig) -> None:
    """Quiet polls every 30 s agree silently: the journal of an idle day stays small."""
    rig.ready().run(120)
    assert rig.all(StatementAgreed) == []
    assert 8 <= len(asked(rig, Topic.TRANSACTIONS)) <= 12
