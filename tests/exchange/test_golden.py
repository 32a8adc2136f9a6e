"""Payloads of the exchange have the shapes of captured ones: same keys, same JSON types."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from arbbot.exchange.events import OrderEvent, OwnTrade, Trade, VenueEvent
from arbbot.exchange.ids import SNOWFLAKE_EPOCH_MS, OrderIds, event_id, event_time_us
from arbbot.exchange.server import shapes
from arbbot.exchange.server.wire import stream_json

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

SAMPLES = [
    json.loads(line, parse_float=Decimal)
    for line in (Path(__file__).parents[1] / "golden" / "bitstamp_samples.jsonl").read_text().splitlines()
]


def sample(kind: str, source: str = "") -> Any:
    """The first captured payload of a kind, from a given source if it matters."""
    return next(s["payload"] for s in SAMPLES if s["kind"] == kind and source in s["source"])


def assert_same_shape(ours: Any, theirs: Any, optional: frozenset[str] = frozenset(), path: str = "") -> None:
    """Same keys but for optional ones, same JSON types; whole and broken numbers are one type."""
    numbers = (int, Decimal)
    if isinstance(theirs, dict):
        assert isinstance(ours, dict), path
        assert set(ours) ^ set(theirs) <= optional, (path, set(ours) ^ set(theirs))
        for key in ours.keys() & theirs.keys():
            assert_same_shape(ours[key], theirs[key], optional, f"{path}.{key}")
    elif isinstance(theirs, list):
        assert isinstance(ours, list), path
        if ours and theirs:
            assert_same_shape(ours[0], theirs[0], optional, path + "[0]")
    elif isinstance(theirs, numbers) and not isinstance(theirs, bool):
        assert isinstance(ours, numbers), path
        assert not isinstance(ours, bool), path
    else:
        assert type(ours) is type(theirs), path


def _traded(make: Callable[..., Bench]) -> Bench:
    """A bench that bought at market, has one open order, and is past the caches."""
    bench = make()
    bench.call("buy/market/btcusd/", amount="0.00500000")
    bench.call("sell/btcusd/", amount="0.50000000", price="21000.00", client_order_id="mine")
    return bench


OPTIONAL = frozenset(
    {"index_price", "mark_price", "open_interest", "open_interest_value"}  # of perpetuals only
    | {"limit_price", "instant_order_counter_decimals"}
    | {"market", "datetime", "type", "subtype"}  # added to replies over the years
    | {"microtimestamp", "amount", "price", "is_liquidation", "trade_account_id", "client_order_id"}  # cut in a sample
)
TRADE_ROW = {"date": "1", "tid": "1", "price": "1", "type": "1", "amount": "1"}
CANCELED = {"id": 1, "amount": Decimal("0.1"), "price": 1, "type": 1, "currency_pair": "B", "market": "B"}
FILL_ROW = {  # the captured fill, told of another market
    {"eth": "btc", "btc": "eth", "usdt": "usd", "usd": "usdt", "eth_usdt": "btc_usd"}.get(name, name): value
    for name, value in sample("rest.user_transactions.row", "ccxt").items()
    if name not in {"usd", "btc"}
}
DOCUMENTED = "doc_example.POST /api/v2/"
PRICED = {"amount": "0.1", "price": "21000"}
CASES: list[tuple[str, str, dict[str, str], Any]] = [
    ("ticker/btcusd/", "GET", {}, sample("rest.ticker")),
    ("ticker/", "GET", {}, [sample("rest.ticker.all.row")]),
    ("order_book/btcusd/", "GET", {"group": "2"}, sample("rest.order_book.group2")),
    ("order_book/btcusd/", "GET", {}, sample("rest.order_book")),
    ("ohlc/btcusd/", "GET", {"step": "3600", "limit": "2"}, sample("rest.ohlc")),
    ("transactions/btcusd/", "GET", {}, [TRADE_ROW]),
    ("markets/", "GET", {}, [sample("rest.markets.row")]),
    ("trading-pairs-info/", "GET", {}, [sample("rest.trading_pairs_info.row")]),
    ("currencies/", "GET", {}, sample("rest.currencies")),
    ("eur_usd/", "GET", {}, {"sell": "1.1287", "buy": "1.1377"}),
    ("account_balances/", "POST", {}, sample(DOCUMENTED + "account_balances/")),
    ("account_balances/usd/", "POST", {}, sample(DOCUMENTED + "account_balances/{currency}/")),
    ("fees/trading/", "POST", {}, sample("rest.fees_trading")),
    ("fees/withdrawal/", "POST", {}, sample("rest.fees_withdrawal")),
    ("my_markets/", "POST", {}, sample("rest.my_markets")),
    ("user_transactions/", "POST", {}, [FILL_ROW]),
    ("open_orders/all/", "POST", {}, sample(DOCUMENTED + "open_orders/all/")),
    ("open_orders/btcusd/", "POST", {}, sample(DOCUMENTED + "open_orders/{market_symbol}/")),
    ("order_status/", "POST", {"client_order_id": "mine"}, sample(DOCUMENTED + "order_status/")),
    ("sell/btcusd/", "POST", PRICED | {"client_order_id": "x"}, sample(DOCUMENTED + "sell/{market_symbol}/")),
    ("replace_order/", "POST", PRICED | {"orig_client_order_id": "mine"}, sample("rest.replace_order")),
    ("account_order_data/", "POST", {"market": "BTC/USD"}, sample("rest.account_order_data")),
    ("cancel_all_orders/", "POST", {}, {"canceled": [CANCELED], "success": True}),
    ("websockets_token/", "POST", {}, sample(DOCUMENTED + "websockets_token/")),
]


@pytest.mark.parametrize(("path", "method", "form", "theirs"), CASES, ids=[c[0] for c in CASES])
def test_replies_have_the_captured_shape(
    bench: Callable[..., Bench], path: str, method: str, form: dict[str, str], theirs: Any
) -> None:
    """Keys and the mix of numbers and strings are those of the captured or documented reply."""
    desk = _traded(bench)
    ours = desk.call(path, method, **form)
    assert ours, "an empty reply proves nothing"
    assert_same_shape(ours, theirs, OPTIONAL)


def test_a_fill_is_spelled_differently_in_status_and_row(bench: Callable[..., Bench]) -> None:
    """order_status shows the unrounded value, the row two decimals: 40.002 there, -40.00 here."""
    desk = bench()
    placed = desk.call("buy/market/btcusd/", amount="0.00200000")
    fill = desk.call("order_status/", id=placed["id"])["transactions"][0]
    row = desk.call("user_transactions/")[0]
    theirs = sample("rest.order_status", "ccxt")["transactions"][0]
    assert_same_shape(fill, theirs, frozenset({"usdt", "eth", "usd", "btc"}))
    assert (fill["usd"], fill["btc"], row["usd"], row["btc"]) == ("40.00200000", "0.00200000", "-40.00", "0.00200000")
    assert (fill["tid"], fill["fee"]) == (row["id"], row["fee"]) == (row["id"], "0.16000")
    assert b'"btc_usd": 20001' in desk.last.body


def test_cancel_shows_numbers_by_default_and_strings_on_request(bench: Callable[..., Bench]) -> None:
    """Captured cancel replies have numbers, documented ones strings; both variants exist."""
    desk = bench()
    placed = desk.call("buy/btcusd/", amount="0.10000000", price="19000.50")
    assert desk.call("cancel_order/", id=placed["id"]) == {
        "id": int(placed["id"]),
        "amount": Decimal("0.1"),
        "price": Decimal("19000.5"),
        "type": 0,
        "market": "BTC/USD",
        "status": "Canceled",
    }


def test_stream_frames_have_the_captured_shape(bench: Callable[..., Bench]) -> None:
    """Trades, order events and own fills carry the captured keys and types, prices also as text."""
    desk, events = bench(), list[VenueEvent]()
    desk.venue.subscribe(events.append)
    desk.call("buy/market/btcusd/", amount="0.005")
    spec = desk.venue.spec("btcusd")
    trade = next(e for e in events if isinstance(e, Trade))
    own = next(e for e in events if isinstance(e, OwnTrade))
    created, *_, deleted = (e for e in events if isinstance(e, OrderEvent))

    def parsed(shape: Any) -> Any:
        return json.loads(stream_json(shape), parse_float=Decimal)

    assert_same_shape(parsed(shapes.stream_trade(trade, spec)), sample("ws.live_trades", "LOB")["data"])
    assert_same_shape(parsed(shapes.order_event(created, spec, own=False)), sample("ws.live_orders", "LOB")["data"])
    assert_same_shape(parsed(shapes.own_trade(own, spec)), sample("ws.private_my_trades")["data"])
    mine = parsed(shapes.order_event(created, spec, own=True))
    theirs = sample("ws.private_my_orders")["data"] | {"id": 1}
    assert_same_shape(mine, theirs)
    assert (mine["price"], mine["amount_traded"]) == (999_999_999, "0")
    gone = parsed(shapes.order_event(deleted, spec, own=True))
    assert (gone["amount"], gone["amount_str"], gone["amount_traded"]) == (0, "0", "0.00500000")


def test_ids_follow_the_observed_laws() -> None:
    """Captured order and event ids give back their times, to a few milliseconds, by the exchange's laws."""
    frame = sample("ws.live_orders", "LOB")
    micros = int(frame["data"]["microtimestamp"])
    assert event_time_us(frame["event_id"]) == micros
    assert event_id(micros, 0x102) == frame["event_id"]
    assert 0 <= micros // 1000 - ((frame["data"]["id"] >> 12) + SNOWFLAKE_EPOCH_MS) <= 5
    ids = OrderIds()
    minted = [ids.mint(micros) for _ in range(5000)]
    assert minted == sorted(set(minted))
    assert (minted[0] >> 12) + SNOWFLAKE_EPOCH_MS == micros // 1000
