"""Whatever market, means and mishaps: after the dust has settled the drift is what the policy allows, or it is named
why not; and the FX market never moves the base.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, Purpose
from arbbot.domain.records import ConversionOpened, HedgeOpened, OrderIntended
from arbbot.engine.report import fx_exposure
from arbbot.engine.rules import FxPolicy, FxRules
from tests.engine.played_venue import Play
from tests.engine.rig import RULES, D, Rig, book, fx_book
from tests.engine.scenes import conversions, ended, waits

RICH, CALM, CHEAP = (
    book("btceur", bid, ask) for bid, ask in (("55100", "55110"), ("54600", "54610"), ("53900", "53910"))
)
PLAYS = st.sampled_from(
    [
        Play(), Play(fill=D(0)), Play(fill=D(700)), Play("refuse"), Play("lost"), Play("lost", taken=False),
        Play("named"), Play("named", fill=D(300)), Play("lost", hidden_s=D(3)),
    ]
)  # fmt: skip
FX = st.builds(
    FxRules,
    band=st.sampled_from([D(1), D(500), D(3000), D(5000)]),
    max_conversion=st.sampled_from([D(9), D(1500), D(25_000)]),
    reach=st.sampled_from([D("0.0005"), D("0.001")]),
    slack=st.sampled_from([D(0), D("0.0002")]),
    retry_s=st.just(D(2)),
    max_failures=st.integers(1, 4),
)
MINIMUM = D(10)


def largest_left(rig: Rig) -> Decimal:
    """What the policy lets stand: less than an order at the limit of a conversion is no order."""
    fx = rig.rules.fx
    too_small = MINIMUM / (D("1.09") * (1 - fx.slack))
    return max(fx.band, too_small) if rig.rules.trade.fx_policy is FxPolicy.BAND else too_small


@settings(max_examples=60, deadline=None)
@given(
    policy=st.sampled_from([FxPolicy.EACH, FxPolicy.BAND]),
    fx=FX,
    ways=st.lists(st.booleans(), min_size=1, max_size=4),
    plays=st.lists(PLAYS, max_size=5),
    depth=st.sampled_from(["100000", "800", "20"]),
    held=st.sampled_from([D(0), D(99_000)]),
    row_decimals=st.sampled_from([2, 5, 8]),
)
def test_the_drift_is_within_the_policy_or_it_is_named_why_not(
    policy: FxPolicy, fx: FxRules, ways: list[bool], plays: list[Play], depth: str, held: Decimal, row_decimals: int
) -> None:
    """Hedges both ways, orders lost, refused and filled in part, thin books, short means: at rest the drift is within
    the band (each: below the venue's minimum), or a refusal says why; every order lessened the drift, was limited and
    could not rest; the base's interval is the hedges' alone.
    """
    rules = replace(
        RULES,
        fx=fx,
        trade=replace(RULES.trade, fx_policy=policy),
        account=replace(RULES.account, doubt_bound_s=D(15)),
        hedge=replace(RULES.hedge, cooldown_s=D("0.5")),
    )
    rig = Rig(rules)
    rig.venue.row_decimals = row_decimals
    rig.venue.channel = False
    rig.venue.reserved = {"EUR": held, "USD": held}
    rig.ready()
    rig.venue.plays = {(Purpose.CONVERT, side): list(plays) for side in Side}
    for way in ways:
        rig.show(RICH if way else CHEAP, book("eurusd", "1.10000", "1.10010", amount=depth, step="0.0001"))
        rig.run("0.1")
        rig.show(CALM)
        rig.run(4)
        assert rig.state.exposure() == (rig.state.position, rig.state.position) or rig.state.open_hedge_id
    rig.run(60 * (len(plays) + 1))
    rig.check()
    drift = rig.state.drift("EUR")
    assert abs(drift) <= largest_left(rig) or waits(rig) is not None
    assert fx_exposure(rig.state, "EUR") == (drift, drift)
    assert rig.state.position == 0
    assert len({order.terms.client_order_id for order in conversions(rig)}) == len(conversions(rig))
    assert len(ended(rig)) == len(conversions(rig)) == len(rig.all(ConversionOpened))
    for opened, order in zip(rig.all(ConversionOpened), conversions(rig), strict=True):
        terms = order.terms
        assert terms.kind is OrderKind.IOC
        assert terms.price is not None
        assert terms.size <= abs(opened.drift)
        assert terms.side.sign * opened.drift < 0
        assert terms.size * terms.price >= MINIMUM
        assert abs(terms.price / opened.vwap - 1) <= fx.reach + fx.slack
        assert terms.size % D("1e-8") == 0
        assert terms.price % D("0.00001") == 0
    one_at_a_time(rig)


def one_at_a_time(rig: Rig) -> None:
    """No conversion opened beside a hedge or another, and no hedge beside a conversion."""
    open_ones = 0
    for record in rig.journal:
        if record.kind in ("hedge_opened", "conversion_opened"):
            assert open_ones == 0
            open_ones += 1
        elif record.kind in ("hedge_closed", "conversion_closed"):
            open_ones -= 1
    assert open_ones == 0


@settings(max_examples=15, deadline=None)
@given(ways=st.lists(st.booleans(), min_size=1, max_size=4), band=st.sampled_from([D(1), D(5000)]))
def test_never_means_never(ways: list[bool], band: Decimal) -> None:
    """With the policy `never` no order is ever intended on the FX market."""
    rig = Rig(replace(RULES, trade=replace(RULES.trade, fx_policy=FxPolicy.NEVER), fx=replace(RULES.fx, band=band)))
    rig.ready()
    for way in ways:
        rig.show(RICH if way else CHEAP)
        rig.run("0.1")
        rig.show(CALM)
        rig.run(3)
    rig.show(fx_book("1.10150", "1.10160"))
    rig.run(20)
    rig.check()
    markets = {record.terms.market for record in rig.journal if isinstance(record, OrderIntended)}
    assert markets == {"btcusd", "btceur"}
    assert len(rig.all(HedgeOpened)) == len(ways)
    assert waits(rig) is None
