"""Promises of the venue about money and orders."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.exchange.accounts import AccountOrder, FeeRates, Status, tier
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.events import OrderEvent, OwnTrade, Trade, VenueEvent
from arbbot.exchange.matching import ZERO, Kind, Side
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.venue import Venue

NOW = 1_767_225_600_000_000
SECOND = 1_000_000
RICH = {"btc": Decimal(5), "usd": Decimal(50_000), "eur": Decimal(50_000)}
RATES = FeeRates(Decimal("0.30"), Decimal("0.40"))


def _venue(rules: VenueRules | None = None) -> Venue:
    venue = Venue(rules)
    for step in range(1, 6):
        venue.house_limit("btcusd", Side.BUY, Decimal(20_000 - step), Decimal(1), NOW)
        venue.house_limit("btcusd", Side.SELL, Decimal(20_000 + step), Decimal(1), NOW)
    return venue


def _order(side: Side, price: str, size: str, kind: Kind = Kind.LIMIT, **rest: object) -> OrderRequest:
    wanted = None if kind is Kind.MARKET else Decimal(price)
    expire = rest.get("expire_us")
    client = rest.get("client_order_id")
    return OrderRequest(
        "btcusd", side, kind, Decimal(size), wanted,
        client if isinstance(client, str) else None,
        expire_us=expire if isinstance(expire, int) else None,
    )  # fmt: skip


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ann", "bob", "house"]),
        st.sampled_from(Side),
        st.sampled_from([Kind.LIMIT, Kind.IOC, Kind.FOK, Kind.MOC, Kind.MARKET, Kind.DAILY]),
        st.integers(1_999_000, 2_001_000).map(lambda n: Decimal(n) / 100),
        st.integers(60_000, 90_000_001).map(lambda n: Decimal(n) / 100_000_000),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=120, deadline=None)
@given(ACTIONS)
def test_money_is_conserved_and_never_overdrawn(
    actions: list[tuple[str, Side, Kind, Decimal, Decimal, bool]],
) -> None:
    """Accounts, house and collected fees sum to zero per currency; nothing is negative or over-reserved."""
    venue = _venue()
    people = {name: venue.add_account(name, RICH, RATES) for name in ("ann", "bob")}
    for number, (who, side, kind, price, size, cancel) in enumerate(actions):
        now = NOW + number * SECOND
        if who == "house":
            venue.house_limit("btcusd", side, price, size, now)
        else:
            try:
                venue.place(
                    people[who], OrderRequest("btcusd", side, kind, size, None if kind is Kind.MARKET else price), now
                )
            except Refusal:
                continue
            if cancel:
                venue.cancel_all(people[who], None, now)
        for currency in ("btc", "usd"):
            held = sum((a.balance(currency).total for a in people.values()), ZERO)
            assert held + venue.house[currency] + venue.collected[currency] == 0
        for account in people.values():
            for currency, balance in account.balances.items():
                assert balance.total >= 0
                assert 0 <= balance.reserved <= balance.total
                backing = sum((o.reserved for o in account.open_orders.values() if _backed_in(o) == currency), ZERO)
                assert balance.reserved == backing
            for order in account.orders.values():
                filled = sum((abs(dict(row.amounts)["btc"]) for row in order.fills), ZERO)
                assert filled + order.remaining == order.created
                assert (order.status is Status.FINISHED) == (order.remaining == 0)


def _backed_in(order: AccountOrder) -> str:
    return "usd" if order.side is Side.BUY else "btc"


@settings(max_examples=60, deadline=None)
@given(ACTIONS)
def test_rows_explain_the_balances(actions: list[tuple[str, Side, Kind, Decimal, Decimal, bool]]) -> None:
    """Opening balances plus all rows, fees in, give the balances exactly; row ids ascend and match trades."""
    venue = _venue()
    trades: list[Trade] = []
    venue.subscribe(lambda event: trades.append(event) if isinstance(event, Trade) else None)
    ann, bob = (venue.add_account(name, RICH, RATES) for name in ("ann", "bob"))
    for number, (who, side, kind, price, size, _) in enumerate(actions):
        try:
            venue.place(
                ann if who == "ann" else bob,
                OrderRequest("btcusd", side, kind, size, None if kind is Kind.MARKET else price),
                NOW + number,
            )
        except Refusal:
            continue
    venue.external(ann, {"eur": Decimal(-7)}, 1, NOW, Decimal(2))
    assert (
        [t.trade_id for t in trades] == list(range(trades[0].trade_id, trades[0].trade_id + len(trades)))
        if trades
        else True
    )
    for account in (ann, bob):
        expected = dict(RICH)
        for row in account.rows:
            for currency, amount in row.amounts:
                expected[currency] = expected.get(currency, ZERO) + amount
            expected["eur" if row.market is None else "usd"] -= row.fee
        assert {c: account.balance(c).total for c in expected} == expected
        ids = [row.row_id for row in account.rows]
        assert ids == sorted(ids)


def test_a_fee_is_cut_to_five_decimals_of_the_counter_currency() -> None:
    """Both captured fills are charged exactly as the venue charged them."""
    assert FeeRates(ZERO, Decimal("0.4")).fee(Decimal("12.3402"), taking=True) == Decimal("0.04936")
    assert FeeRates(ZERO, Decimal("0.5")).fee(Decimal("22.25625"), taking=True) == Decimal("0.11128")


def test_the_fee_tier_follows_thirty_days_of_volume() -> None:
    """The ladder starts at 0.30/0.40 %, falls with volume and rises again when volume ages out."""
    assert (tier(ZERO).taker, tier(Decimal(1_500_000)).taker) == (Decimal("0.40"), Decimal("0.16"))
    venue = _venue()
    ann = venue.add_account("ann", RICH)
    venue.place(ann, _order(Side.BUY, "0", "0.6", Kind.MARKET), NOW)
    assert ann.rates(NOW).taker == Decimal("0.30")
    assert ann.rates(NOW + 31 * 86_400 * SECOND).taker == Decimal("0.40")


def test_good_till_date_and_daily_orders_expire_in_market_time() -> None:
    """An order past its time is Expired and its reserve is free again."""
    venue = _venue()
    ann = venue.add_account("ann", RICH)
    dated = venue.place(ann, _order(Side.BUY, "19000", "0.1", Kind.GTD, expire_us=NOW + 5 * SECOND), NOW)
    daily = venue.place(ann, _order(Side.SELL, "21000", "0.1", Kind.DAILY), NOW)
    venue.advance(NOW + 4 * SECOND)
    assert dated.status is Status.OPEN
    venue.advance(NOW + 5 * SECOND)
    assert (dated.status, daily.status) == (Status.EXPIRED, Status.OPEN)
    venue.advance(NOW + 86_400 * SECOND)
    assert daily.status is Status.EXPIRED
    assert all(b.reserved == 0 for b in ann.balances.values())


def test_order_events_tell_the_whole_life_of_an_order() -> None:
    """Created at the limit price, changed per fill with the part traded, deleted at the end, ids chained."""
    venue = _venue()
    events: list[VenueEvent] = []
    venue.subscribe(events.append)
    ann = venue.add_account("ann", RICH)
    order = venue.place(ann, _order(Side.BUY, "20002", "2.2"), NOW)
    venue.cancel(order, NOW + SECOND)
    steps = [e for e in events if isinstance(e, OrderEvent)]
    assert [(e.name, e.remaining, e.traded) for e in steps] == [
        ("order_created", Decimal("2.2"), ZERO),
        ("order_changed", Decimal("1.2"), Decimal(1)),
        ("order_changed", Decimal("0.2"), Decimal(1)),
        ("order_deleted", Decimal("0.2"), ZERO),
    ]
    assert [e.own_pre_event_id for e in steps[1:]] == [e.event_id for e in steps[:-1]]
    assert int(steps[0].event_id.replace("-", "")[:16], 16) == NOW
    assert [e.fee for e in events if isinstance(e, OwnTrade)] == [Decimal("80.004"), Decimal("80.008")]


def test_a_cancelled_order_can_still_fill_when_asked_to() -> None:
    """A fill after the acknowledged cancel is booked with its reserve intact."""
    venue = _venue()
    ann = venue.add_account("ann", {"usd": Decimal("1907.60")}, RATES)
    order = venue.place(ann, _order(Side.BUY, "19000", "0.1"), NOW)
    venue.cancel(order, NOW, late_fill=(SECOND, Decimal("0.5")))
    assert order.status is Status.CANCELED
    venue.advance(NOW + SECOND)
    assert (len(order.fills), order.remaining) == (1, Decimal("0.05"))
    assert ann.balance("usd").reserved == 0
    assert ann.balance("usd").total == Decimal("1907.60") - Decimal(950) - Decimal("2.85")


def test_replacing_keeps_the_old_order_when_the_new_one_is_refused() -> None:
    """A replace either swaps both reserve and order, or changes nothing."""
    venue = _venue()
    ann = venue.add_account("ann", {"usd": Decimal(1000)}, RATES)
    old = venue.place(ann, _order(Side.BUY, "19000", "0.05"), NOW)
    with pytest.raises(Refusal):
        venue.replace(old, Decimal("0.5"), Decimal(19_000), None, NOW)
    assert old.status is Status.OPEN
    new = venue.replace(old, Decimal("0.05"), Decimal(19_100), "again", NOW)
    assert (old.status, new.status, list(ann.open_orders)) == (Status.CANCELED, Status.OPEN, [new.order_id])


@pytest.mark.parametrize(
    ("request_", "code"),
    [
        (_order(Side.BUY, "20000.001", "1"), "400.041"),
        (_order(Side.BUY, "20000", "0.000000001"), "400.026"),
        (_order(Side.BUY, "20000", "0.0004"), "400.020"),
        (_order(Side.BUY, "3000", "1"), "400.021"),
        (_order(Side.BUY, "20000", "4"), "400.009"),
        (_order(Side.SELL, "20000", "6"), "400.009"),
        (_order(Side.BUY, "20000", "1", Kind.GTD, expire_us=NOW), "400.032"),
    ],
)
def test_bad_orders_are_refused_with_their_code(request_: OrderRequest, code: str) -> None:
    """Grid, minimum, band, balance and expiry are enforced, and nothing is left behind."""
    venue = _venue()
    ann = venue.add_account("ann", RICH)
    venue.house_take("btcusd", Side.BUY, Decimal("0.1"), NOW)
    with pytest.raises(Refusal) as refused:
        venue.place(ann, request_, NOW)
    assert refused.value.code == code
    assert not ann.orders


def test_a_market_order_beyond_the_book_is_cancelled_for_the_rest() -> None:
    """What the book cannot fill is cancelled; a halted market and a repeated client id refuse."""
    venue = _venue(VenueRules(unique_client_order_ids=True))
    ann = venue.add_account("ann", {"btc": Decimal(9), "usd": Decimal(100)})
    order = venue.place(ann, _order(Side.SELL, "0", "7", Kind.MARKET, client_order_id="x"), NOW)
    assert (order.status, order.remaining) == (Status.CANCELED, Decimal(2))
    with pytest.raises(Refusal, match="already exists"):
        venue.place(ann, _order(Side.SELL, "21000", "1", client_order_id="x"), NOW)
    venue.set_trading("btcusd", enabled=False, now_us=NOW)
    with pytest.raises(Refusal, match="could not be placed"):
        venue.place(ann, _order(Side.SELL, "21000", "1"), NOW)
    assert venue.house_take("btcusd", Side.BUY, Decimal(1), NOW) == 0
