"""Hedges from decision to settlement, figures exact to the cent."""

from __future__ import annotations

from decimal import ROUND_DOWN, Decimal

import pytest

from arbbot.domain import events as ev
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import FeeRate, Side
from arbbot.domain.mode import Mode
from arbbot.domain.order import OrderKind
from arbbot.domain.records import (
    HedgeClosed,
    HedgeOpened,
    HedgeSettled,
    Holding,
    StatementAgreed,
)
from arbbot.engine.rules import BuyAs
from tests.engine.conftest import MakeRig
from tests.engine.rig import D, Rig, book, rules
from tests.engine.scenes import RESTS, RICH, closed, hedge


def test_a_hedge_goes_out_as_a_market_buy_and_a_dated_limit_sale(rig: Rig) -> None:
    """Both legs leave in one step, of one size; the sale carries a good-till-date at the one-leg deadline."""
    rig.engine.step(ev.VenueClockSeen(1500), rig.at)
    hedge(rig)
    buy, sell = (command.terms for command in rig.placed())
    assert (buy.market, buy.side, buy.kind, buy.price) == ("btcusd", Side.BUY, OrderKind.MARKET, None)
    assert (sell.market, sell.side, sell.kind) == ("btceur", Side.SELL, OrderKind.LIMIT)
    assert buy.size == sell.size == D("0.05")
    ((opened),) = rig.all(HedgeOpened)
    assert sell.price == opened.limit_price
    assert sell.expire_utc_ms == opened.utc_us // 1000 + 15_000 + 1500


def test_a_hedge_end_to_end_is_settled_to_the_cent(rig: Rig) -> None:
    """Both legs filled: closed at once, rows booked, statement agreed, realised P&L is what the balances moved by."""
    rig.ready()
    before = dict(rig.venue.totals)
    rig.show(RICH)
    rig.run(1)
    assert closed(rig).outcome == "completed"
    assert closed(rig).cause == "buy filled, sell filled"
    ((settled),) = rig.all(HedgeSettled)
    moved = {currency: rig.venue.totals[currency] - before[currency] for currency in before}
    assert settled.domestic_delta == moved["USD"] == D("-3001.2")
    assert settled.foreign_delta == moved["EUR"] == D("2753.898")
    assert moved["BTC"] == 0
    assert settled.realised_pnl == D("-3001.2") + D("2753.898") * D("1.1")
    assert settled.turnover == D("3000")
    assert settled.fees == (Holding("EUR", D("1.102")), Holding("USD", D("1.2")))
    assert settled.realised_bps == (settled.realised_pnl / settled.turnover * 10_000).quantize(D("0.0001"))
    assert rig.all(HedgeOpened)[0].expected_pnl == settled.realised_pnl
    assert rig.state.expected_pnl == rig.state.realised_pnl
    assert rig.state.agreed
    assert rig.state.position == 0
    assert rig.own("EUR") == rig.venue.totals["EUR"]


def test_one_hedge_at_a_time_and_a_pause_between(rig: Rig) -> None:
    """While a hedge is open, unreconciled or cooling down, the next one waits, each under its own name."""
    rig.venue.row_lag_s = D(2)
    hedge(rig, gone=False).run(8)
    refusals = rig.refusals()
    assert refusals["reconciling"] > 0
    assert len(rig.all(HedgeOpened)) >= 2
    opened = rig.all(HedgeOpened)
    assert opened[1].utc_us - opened[0].utc_us > 2_000_000


def test_an_open_hedge_and_a_cooldown_refuse_by_name(rig: Rig) -> None:
    """Resting: hedge_open; in doubt: in_doubt; just closed: cooldown."""
    hedge(rig, sell=RESTS)
    assert rig.engine.entry.blocked() == "hedge_open"
    rig.run(30)
    rig.engine.entry.cooldown_until_ns = rig.at.mono_ns + 1
    assert rig.engine.entry.blocked() == "cooldown"


def test_late_rows_settle_late(rig: Rig) -> None:
    """Fills told by the channel move the position at once; money and P&L wait for the rows."""
    rig.venue.row_lag_s = D(4)
    hedge(rig).run(3)
    assert closed(rig).outcome == "completed"
    assert rig.all(HedgeSettled) == []
    assert rig.engine.entry.blocked() == "reconciling"
    rig.run(5)
    assert len(rig.all(HedgeSettled)) == 1
    assert rig.state.agreed


def test_without_a_private_channel_status_and_rows_tell_the_fills(rig: Rig) -> None:
    """The private channel is a short cut, not a need."""
    rig.venue.channel = False
    hedge(rig).run(3)
    assert closed(rig).outcome == "completed"
    assert rig.state.agreed


def test_rows_rounded_to_cents_go_to_the_rounding_account(rig: Rig) -> None:
    """Rows show two decimals, balances keep all: the difference is named, within its cap, and nothing halts."""
    rig.venue.row_decimals = 2
    rig.venue.books["btcusd"] = book("btcusd", "59990.13", "60000.13")
    hedge(rig, rich=book("btceur", "55100.37", "55110.37", stamp=2**55)).run(3)
    ((agreed),) = rig.all(StatementAgreed)
    rounding = {line.currency: line.rounding for line in agreed.currencies}
    booked = rig.state.ledger.balance
    assert rounding["USD"] == -booked(LedgerAccount.ROUNDING, "USD") != 0
    assert abs(rounding["USD"]) <= D("0.005")
    assert rounding["BTC"] == 0
    assert rig.own("USD") == rig.venue.totals["USD"]
    assert rig.mode() is Mode.ACTIVE


@pytest.mark.parametrize("decimals", [2, 5])
def test_truncated_balances_agree(rig: Rig, decimals: int) -> None:
    """Balances shown shorter than they are kept agree after every hedge, for many hedges."""
    rig.venue.balance_decimals = decimals
    rig.venue.totals["BTC"] = D(1)
    rig.ready()
    rig.show(book("btceur", "55100.37", "55110.37", stamp=2**55))
    rig.run(20)
    assert len(rig.all(HedgeClosed)) >= 5
    assert rig.mode() is Mode.ACTIVE
    assert len(rig.all(StatementAgreed)) >= 5


def test_an_ioc_buy_at_the_collar(make_rig: MakeRig) -> None:
    """The setting sends the buy leg as a limit at the collar that never rests."""
    rig = hedge(make_rig(rules(buy_as=BuyAs.IOC)))
    buy = rig.placed()[0].terms
    assert (buy.kind, buy.price) == (OrderKind.IOC, D("60180.00"))
    rig.run(2)
    assert closed(rig).outcome == "completed"


def test_a_free_tier_hedge_has_no_fees(rig: Rig) -> None:
    """At zero fees rows carry none, and realised P&L is proceeds minus cost."""
    rig.venue.fees = dict.fromkeys(rig.venue.fees, FeeRate(D(0), D(0)))
    hedge(rig).run(2)
    ((settled),) = rig.all(HedgeSettled)
    assert settled.fees == ()
    assert settled.realised_pnl == D(2755) * D("1.1") - 3000


@pytest.mark.parametrize(
    ("currency", "total", "bound", "size"),
    [
        ("USD", "1000", "quote_balance", D(1000) / (60000 * D("1.0004") * D("1.005"))),
        ("BTC", "0.01", "capital", D("0.01")),
    ],
)
def test_a_hedge_takes_what_the_account_can_pay(rig: Rig, currency: str, total: str, bound: str, size: Decimal) -> None:
    """Shrunk before refused: to the money that covers worst price, fee and reserve; to the BTC that is there."""
    rig.venue.totals[currency] = D(total)
    hedge(rig)
    ((opened),) = rig.all(HedgeOpened)
    assert opened.bound_by == bound
    assert opened.size == size.quantize(D("1e-8"), ROUND_DOWN)
