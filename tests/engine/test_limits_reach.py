"""What limits count besides hedges, what a rebase forgives, and that nothing trades by an unseen clock."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.mode import Mode
from arbbot.domain.records import AnchorSet, Holding, OrderIntended
from arbbot.engine.limit_memory import DAY_US, MINUTE_US
from arbbot.engine.rules import FxPolicy
from tests.engine.rig import D, Rig, book, fx_book, rules
from tests.engine.scenes import RESTS, RICH, closed, conversions, hedge, waits
from tests.engine.test_limits import Desk, held, statement

THIN_FX = book("eurusd", "1.10000", "1.10010", levels=1, amount="12")


# --- conversions --------------------------------------------------------------------------------------------------


def test_conversions_count_and_obey_the_order_rate() -> None:
    """A drift that a thin book takes in crumbs: hedge and conversions together never pass the orders of a minute."""
    rig = Rig(rules(fx_policy=FxPolicy.EACH, orders_per_minute=4, retry_s=D("0.1")))
    hedge(rig)
    rig.venue.books["eurusd"] = THIN_FX
    rig.run(30)
    assert len(conversions(rig)) == 2
    assert waits(rig) == "order_rate"
    rig.run(120)
    times_us = [record.utc_us for record in rig.all(OrderIntended)]
    assert all(sum(first <= each < first + MINUTE_US for each in times_us) <= 4 for first in times_us)
    assert len(times_us) > 4
    rig.check()


def test_what_conversions_lose_is_lost_that_day() -> None:
    """FX that moved before it was converted, and the fee, make the day's loss, and trip it."""
    rig = Rig(rules(fx_policy=FxPolicy.EACH, daily_loss=D(100), cooldown_s=D(600)))
    hedge(rig)
    rig.venue.books["eurusd"] = fx_book("1.05000", "1.05010")
    rig.show()
    rig.run(60)
    foreign = rig.state.foreign
    assert foreign.realised < -100
    made = rig.state.realised_pnl + foreign.realised - foreign.fees
    assert rig.state.limits.pnl_today(rig.at.utc_us) == made < -100
    assert (rig.mode(), list(rig.state.limits.open_trips)) == (Mode.HALTED, ["daily_loss"])
    rig.check()


# --- rebase -------------------------------------------------------------------------------------------------------


def rebase(desk: Desk, holdings: tuple[Holding, ...]) -> None:
    """A person takes the venue's balances as they are."""
    desk.emit(AnchorSet(holdings, 0, "rebase", "ann", "a new month", desk.now_us))
    desk.mark()


@pytest.mark.parametrize("usd", ["99910", "200000", "50"], ids=["nothing moved", "paid in", "paid out"])
def test_a_rebase_forgives_no_loss_of_equity(usd: str) -> None:
    """What was lost before a rebase adds to what is lost after it; what it swallows is neither loss nor gain."""
    desk = Desk(rules(equity_loss=D(100)))
    statement(desk, "10", "100000", "99910")
    assert desk.limits.equity_loss() == 90
    rebase(desk, held("10", "100000", usd))
    for each in (desk, desk.reopened()):
        assert each.limits.equity_loss() == 90
        assert each.limits.blocked() is None
    statement(desk, "10", "100000", str(D(usd) - 10))
    assert desk.limits.equity_loss() == 100
    desk.limits.watch()
    assert desk.trips() == ["equity_loss"]


def test_a_rebase_on_another_day_begins_it_with_nothing_lost() -> None:
    """Yesterday's loss is yesterday's, and a currency that nobody held before is no gain."""
    desk = Desk(rules(equity_loss=D(100)))
    statement(desk, "10", "100000", "99910")
    desk.wait(DAY_US // 1_000_000)
    rebase(desk, (*held("10", "100000", "99910"), Holding("ETH", D(5))))
    assert desk.limits.equity_loss() == 0
    assert desk.state.limits.changed_today(desk.now_us - DAY_US) == {"USD": D(-90)}


def test_what_a_hedge_lost_before_any_statement_survives_a_rebase() -> None:
    """Money goes missing while a hedge is undone at a loss: the ledger halts, a person takes the balances as they are.
    The hedge's loss is still the day's, the missing money is not.
    """
    rig = Rig(rules(forced_exit_loss=D("0.5"), exit_loss=D("0.5"), max_slippage=D("0.1")))
    hedge(rig, sell=RESTS, gone=False)
    rig.venue.books["btcusd"] = book("btcusd", "58990", "59000")
    rig.venue.books["btceur"] = book("btceur", "53536", "53546")
    rig.show()
    rig.venue.totals["USD"] -= 500
    rig.run(60)
    assert closed(rig).outcome == "one_sided"
    assert (rig.mode(), rig.state.agreed) == (Mode.HALTED, False)
    lost = -rig.state.realised_pnl
    rig.step(ev.OperatorRebased("ann", "found where it went"))
    rig.run(20)
    assert rig.state.agreed
    left = rig.engine.limits.equity_loss()
    assert isinstance(left, type(lost))
    assert lost > 20
    assert abs(left - lost) < 2, "at other marks"
    rig.check()


# --- clock --------------------------------------------------------------------------------------------------------


def test_nothing_trades_before_the_venues_clock_was_seen() -> None:
    """No reply told the time: every other condition is met, and no hedge opens; the first that does opens the gate."""
    rig = Rig()
    rig.engine.core.clock_base_us = 0
    rig.ready()
    rig.engine.core.clock_base_us = None
    rig.show(RICH)
    assert rig.placed() == []
    assert rig.last() == ("clock_unseen",)
    rig.step(ev.VenueClockSeen(0))
    rig.show(book("btceur", "55100", "55110", stamp=2**55 + 5))
    assert len(rig.placed()) == 2


def test_a_new_process_does_not_trust_the_clock_of_the_last() -> None:
    """What the process before has seen proves nothing: the machine may have started anew since."""
    rig = Rig().ready()
    after = Rig(venue=rig.venue, journal=rig.journal, at=rig.at)
    after.engine.start(after.at, "test")
    assert after.engine.core.clock_base_us is None
