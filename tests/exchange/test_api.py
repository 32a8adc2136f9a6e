"""Behaviour of the REST API that clients must cope with: errors, caches, lags, spellings, limits."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from arbbot.exchange.rules import VenueRules
from arbbot.exchange.server.limiter import Limiter

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

Maker = Callable[..., "Bench"]
SECOND = 1_000_000
MALFORMED = "'x': Enter a number. Use \".\" as a decimal point."


def test_replies_use_spaced_json_and_are_signed(bench: Maker) -> None:
    """REST bodies have ", " and ": " separators; private replies carry the signature, public ones none."""
    desk = bench()
    desk.call("account_balances/usd/")
    assert desk.last.body.startswith(b'{"currency": "usd", "total": "100000.00", ')
    assert "X-Server-Auth-Signature" in desk.last.headers
    desk.call("eur_usd/", "GET")
    assert desk.last.headers == {}


@pytest.mark.parametrize(
    ("path", "form", "reason"),
    [
        ("buy/btcusd/", {"amount": "1"}, "Missing amount and/or price POST parameters"),
        ("buy/btcusd/", {"amount": "x", "price": "1"}, {"amount": [MALFORMED]}),
        ("buy/btcusd/", {"amount": "1", "price": "\u0661"}, {"price": [MALFORMED.replace("x", "\u0661")]}),
        ("buy/btcusd/", {"amount": "0.0004", "price": "20000"}, {"__all__": ["Minimum order size is 10.0 USD."]}),
        (
            "buy/btcusd/",
            {"amount": "0.1", "price": "20000.001"},
            {"price": ["Ensure that there are no more than 2 decimal places."], "__all__": [""]},
        ),
        ("buy/market/btceur/", {"amount": "0.1"}, {"__all__": ["No sell orders for currency pair 'BTC/EUR'"]}),
        ("order_status/", {}, "Missing id POST param"),
        ("order_status/", {"id": "abc"}, "Invalid order id"),
        ("order_status/", {"id": "123"}, "Order not found."),
        ("cancel_order/", {"id": "123"}, "Order not found."),
        ("user_transactions/", {"offset": ""}, "Invalid offset."),
        ("user_transactions/", {"limit": "1001"}, "Invalid limit."),
        ("user_transactions/", {"sort": "up"}, "Invalid sort parameter."),
        ("user_transactions/", {"since_timestamp": "1767225600000"}, "Failed to convert since_timestamp parameter."),
        ("user_transactions/", {"since_timestamp": "1"}, "since_timestamp parameter must be higher than 1764633600"),
        (
            "buy/btcusd/",
            {"amount": "0.1", "price": "20000", "ioc_order": "True", "fok_order": "true"},
            {"__all__": ["Only one of the optional order parameters can be set."]},
        ),
    ],
)  # fmt: skip
def test_refusals_come_as_text_with_status_200(bench: Maker, path: str, form: dict[str, str], reason: object) -> None:
    """Order and parameter errors answer HTTP 200 with the documented reason and, by default, few codes."""
    desk = bench()
    code = {"response_code": "404.002"} if reason == "Order not found." else {}
    assert desk.call(path, **form) == {"status": "error", "reason": reason} | code
    assert desk.last.status == 200


def test_refusals_can_carry_codes_status_400_and_no_signature(bench: Maker) -> None:
    """The coded variant adds response_code and explanation; status and signature follow the rules."""
    desk = bench(VenueRules(coded_errors=True, error_status=400, sign_errors=False))
    answer = desk.call("sell/btcusd/", amount="3", price="20000")
    assert answer["response_code"] == "400.009"
    assert answer["response_explanation"] == "Insufficient balance for provided user."
    assert desk.last.status == 400
    assert desk.last.headers == {}


def test_the_insufficient_funds_text_names_both_amounts(bench: Maker) -> None:
    """A purchase tells what it needs and what there is, fee included in the need."""
    desk = bench(usd="100")
    answer = desk.call("buy/btcusd/", amount="0.01", price="20000")
    assert answer["reason"]["__all__"] == [
        "You need 200.8 USD to open that order. You have only 100 USD available. "
        "Check your account balance for details."
    ]


def test_unknown_markets_answer_as_seen_live(bench: Maker) -> None:
    """The ticker of an unknown market is the list of all; its book is an HTML 404; order entry refuses."""
    desk = bench()
    assert len(desk.call("ticker/dogeusd/", "GET")) == 5
    assert desk.call("ticker/BTCUSD/", "GET")["market_type"] == "SPOT"
    desk.call("order_book/dogeusd/", "GET")
    assert (desk.last.status, desk.last.content_type) == (404, "text/html")
    assert desk.call("buy/dogeusd/", amount="1", price="1")["reason"] == "Market not found."


def test_a_key_without_the_right_is_refused_with_403(bench: Maker) -> None:
    """A read-only key reads but does not trade."""
    desk = bench()
    assert desk.call("account_balances/", key="Reader")
    answer = desk.call("buy/btcusd/", key="Reader", amount="0.1", price="19000")
    assert answer == {"status": "error", "reason": "No permission found", "code": "API0003"}
    assert desk.last.status == 403


def test_a_key_for_orders_sees_and_cancels_them_and_nothing_else(bench: Maker) -> None:
    """As a panic key needs it: open orders and their end, but no balances."""
    desk = bench()
    desk.call("buy/btcusd/", amount="0.1", price="19000")
    assert len(desk.call("open_orders/all/", key="Orders")) == 1
    assert len(desk.call("cancel_all_orders/", key="Orders")["canceled"]) == 1
    assert desk.call("account_balances/", key="Orders")["code"] == "API0003"


def test_paths_work_with_and_without_the_last_slash_and_by_get_or_post(bench: Maker) -> None:
    """Clients disagree on slashes and on the method of my_trading_pairs; a dummy body does no harm."""
    desk = bench()
    assert desk.call("fees/trading/btcusd")["market"] == "btcusd"
    assert desk.call("my_trading_pairs/", "GET") == desk.call("my_markets/", foo="bar")
    assert desk.call("balance/")["btcusd_fee"] == "0.400"
    assert desk.call("balance/btcusd/")["fee"] == "0.400"
    assert desk.call("status/", "GET") == {"server_time": desk.now_us // 1000}
    desk.call("buy/btcusd/", "GET")
    assert desk.last.status == 405


def test_open_orders_are_up_to_ten_seconds_old(bench: Maker) -> None:
    """The list is cached for 10 s of market time, per market form."""
    desk = bench()
    assert desk.call("open_orders/all/") == []
    desk.call("buy/btcusd/", amount="0.1", price="19000")
    desk.now_us += 9 * SECOND
    assert desk.call("open_orders/all/") == []
    assert len(desk.call("open_orders/btcusd/")) == 1
    desk.now_us += SECOND
    assert len(desk.call("open_orders/")) == 1


def test_rows_and_fresh_orders_can_lag(bench: Maker) -> None:
    """With the lags set, an accepted order is not found at first and its row comes later."""
    desk = bench(VenueRules(row_lag_us=3 * SECOND, status_lag_us=2 * SECOND))
    placed = desk.call("buy/market/btcusd/", amount="0.1")
    assert desk.call("order_status/", id=placed["id"])["reason"] == "Order not found."
    assert desk.call("user_transactions/") == []
    desk.now_us += 2 * SECOND
    assert desk.call("order_status/", id=placed["id"])["status"] == "Finished"
    desk.now_us += SECOND
    assert len(desk.call("user_transactions/btcusd/")) == 1


@pytest.mark.parametrize(("decimals", "spelled"), [(2, "-24.69"), (5, "-24.69203"), (8, "-24.69203454")])
def test_rows_are_rounded_as_the_rules_say(bench: Maker, decimals: int, spelled: str) -> None:
    """A purchase worth 24.69203454 shows two, five or eight decimals while the balance is exact."""
    desk = bench(VenueRules(row_decimals=decimals))
    desk.call("buy/market/btcusd/", amount="0.00123454")
    assert desk.call("user_transactions/")[0]["usd"] == spelled


def test_balances_can_be_cut(bench: Maker) -> None:
    """In full a balance shows every digit, cut it shows so many decimals, never rounded up."""
    form = {"amount": "0.00123454"}
    full, cut = bench(), bench(VenueRules(balance_decimals=2))
    for desk in (full, cut):
        desk.call("buy/market/btcusd/", **form)
    exact = full.account.balance("usd").total
    assert Decimal(full.call("account_balances/usd/")["total"]) == exact
    shown = Decimal(cut.call("account_balances/usd/")["total"])
    assert 0 < exact - shown < Decimal("0.01")


def test_paging_by_offset_and_since_id_covers_every_row(bench: Maker) -> None:
    """Pages of any size, either way round, and since_id (inclusive) return each row exactly once."""
    desk = bench()
    for _ in range(5):
        desk.call("buy/market/btcusd/", amount="0.001")
        desk.now_us += SECOND
    everything = [row["id"] for row in desk.call("user_transactions/", sort="asc")]
    pages = [desk.call("user_transactions/", sort="asc", limit="2", offset=str(o)) for o in (0, 2, 4)]
    assert [row["id"] for page in pages for row in page] == everything == sorted(everything)
    tail = desk.call("user_transactions/", sort="asc", since_id=str(everything[2]))
    assert [row["id"] for row in tail] == everything[2:]
    stamp = str(desk.now_us // SECOND - 2)
    assert len(desk.call("user_transactions/", since_timestamp=stamp)) == 2


def test_account_events_resume_at_an_event_id(bench: Maker) -> None:
    """since_id is inclusive, until_id exclusive, in the order the events happened."""
    desk = bench()
    desk.call("buy/btcusd/", amount="1.5", price="20001")
    desk.call("cancel_all_orders/btcusd/")
    ids = [row["event_id"] for row in desk.call("account_order_data/", market="BTC/USD")]
    names = [row["event"] for row in desk.call("account_order_data/", market="BTC/USD", since_id=ids[1])]
    assert names == ["order_changed", "order_deleted"]
    assert len(desk.call("account_order_data/", market="BTC/USD", since_id=ids[0], until_id=ids[2])) == 2


@pytest.mark.parametrize("status", [400, 429])
def test_the_limiter_answers_with_its_code(bench: Maker, status: int) -> None:
    """Beyond the limit the reply is 400.002 under the configured status, until the window has passed."""
    desk = bench(VenueRules(limiter_status=status), Limiter(2, 10))
    desk.call("account_balances/")
    desk.call("account_balances/")
    answer = desk.call("account_balances/")
    assert answer["response_code"] == "400.002"
    assert desk.last.status == status
    desk.now_us += SECOND
    assert isinstance(desk.call("account_balances/"), list)


def test_candles_fill_idle_intervals_and_end_wins(bench: Maker) -> None:
    """Idle minutes repeat the close with no volume; with both bounds the candles lead up to end."""
    desk = bench()
    desk.call("buy/market/btcusd/", amount="0.1")
    desk.now_us += 180 * SECOND
    rows = desk.call("ohlc/btcusd/", "GET", step="60", limit="3")["data"]["ohlc"]
    assert [(row["close"], row["volume"]) for row in rows] == [("20001.00", "0.00000000")] * 3
    start = str(desk.now_us // SECOND - 240)
    rows = desk.call("ohlc/btcusd/", "GET", step="60", limit="2", start=start, end=start)["data"]["ohlc"]
    assert rows == []
    assert desk.call("ohlc/btcusd/", "GET", step="61", limit="2")["reason"] == {"step": ["Not a valid choice."]}


def test_orders_take_their_flags(bench: Maker) -> None:
    """Post-only orders that would trade, and unfillable ones, get a normal reply and show Canceled."""
    desk = bench()
    crossing = desk.call("buy/btcusd/", amount="0.1", price="20002", moc_order="True")
    assert desk.call("order_status/", id=crossing["id"])["status"] == "Canceled"
    killed = desk.call("buy/btcusd/", amount="1.5", price="20001", fok_order="true")
    assert desk.call("order_status/", id=killed["id"])["transactions"] == []
    part = desk.call("buy/btcusd/", amount="1.5", price="20001", ioc_order="true")
    status = desk.call("order_status/", id=part["id"])
    assert (status["status"], status["amount_remaining"], status["subtype"]) == ("Canceled", "0.50000000", "IOC")
    spent = desk.call("buy/instant/btcusd/", amount="100.00")
    assert spent["amount"] == "0.00499950"
    expire = str(desk.now_us // 1000 + 5000)
    dated = desk.call("buy/btcusd/", amount="0.1", price="19000", gtd_order="True", expire_time=expire)
    desk.venue.advance(desk.now_us + 5 * SECOND)
    assert desk.call("order_status/", id=dated["id"])["status"] == "Expired"


def test_the_largest_order_is_one_the_venue_takes(bench: Maker) -> None:
    """What get_max_order_amount names can be placed at that price; one lot more cannot."""
    here = bench()
    most = here.call("get_max_order_amount/", market="BTC/USD", side="buy", price="15000")
    assert (most["maximum_order_amount_currency"], most["maximum_order_value_currency"]) == ("BTC", "USD")
    size = Decimal(most["maximum_order_amount"])
    more = here.call("buy/btcusd/", amount=f"{size + Decimal('0.00000010'):f}", price="15000")
    assert "available" in str(more["reason"])
    assert "id" in here.call("buy/btcusd/", amount=f"{size:f}", price="15000")
    assert here.call("get_max_order_amount/", market="BTC/USD", side="sell")["maximum_order_amount"] == "2.00000000"
