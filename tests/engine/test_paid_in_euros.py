"""A settlement of profit that two opposite hedges have left in euros."""

from __future__ import annotations

import pytest

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.mode import Mode
from tests.engine.conftest import MakeRig
from tests.engine.rig import D, book, rules
from tests.engine.scenes import hedge
from tests.engine.treasurer import Treasurer

EURO_IN_DOLLARS = D("1.1001")
CHEAP = book("btceur", "54000", "54010", stamp=2**55 + 10)
EVEN = book("btceur", "54600", "54610", stamp=2**55 + 20)


@pytest.fixture
def treasurer(make_rig: MakeRig) -> Treasurer:
    """Sold for euros and bought back for fewer: they are netted, nothing is converted, and some fifty are left."""
    rig = hedge(make_rig(rules(band=D(100_000), retry_s=D(1))))
    rig.run(12)
    rig.show(CHEAP)
    rig.run("0.03")
    rig.show(EVEN)
    rig.run(30)
    assert rig.state.agreed
    return Treasurer(rig, pays="EUR")


def test_euros_are_spent_booked_and_counted_in_the_numeraire(treasurer: Treasurer) -> None:
    """Announced on usdteur, no more than may leave; its rows are the settlement's, and profit falls by what it cost."""
    rig = treasurer.rig
    before = rig.engine.lease.figures("EUR")
    assert 40 < before.size < before.surplus
    assert treasurer.ask()
    assert not treasurer.order(name="t-c0", size="60", price="0.91")
    assert "EUR, of which" in treasurer.denials()[-1]
    assert treasurer.order(size="40", price="0.91")
    worst = rig.state.settlements.spent
    assert worst == D(40) * D("0.91") * D("1.0004") * EURO_IN_DOLLARS
    treasurer.trade(size="40", price="0.9091")
    treasurer.over(filled="40")
    rig.run(5)
    cost = D(40) * D("0.9091") + D("0.01455")
    assert treasurer.on(LedgerAccount.TREASURY, "EUR") == cost
    assert rig.own("USDT") == 40
    assert rig.state.settlements.spent.quantize(D("1e-6")) == (cost * EURO_IN_DOLLARS).quantize(D("1e-6"))
    assert rig.engine.lease.figures("EUR").size < before.size - cost + D("0.01")
    assert treasurer.request(size="35", fee="5")
    treasurer.leave(size="35", fee="5")
    treasurer.told("finished")
    treasurer.release()
    rig.run(10)
    assert rig.own("USDT") == 0
    assert rig.state.external_rows == 0
    assert rig.mode() is Mode.ACTIVE
    assert rig.state.agreed
    assert rig.alerts() == []
