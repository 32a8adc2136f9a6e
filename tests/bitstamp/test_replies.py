"""Golden replies decode; garbage fails as an event, never as an exception."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp import codec_account, codec_market, codec_order
from arbbot.bitstamp.replies import Reading, clock_seen, follow_up, interpret
from arbbot.bitstamp.reply import NoReply, Reply, Seal
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import (
    AskFailed,
    BalancesFetched,
    BookFetched,
    ConversionRateFetched,
    FeesFetched,
    MarketsFetched,
    Moment,
    OpenOrdersFetched,
    OrderEventsFetched,
    OrderReported,
    TickerFetched,
    TransactionsFetched,
    VenueClockSeen,
)
from arbbot.domain.market import FeeRate, Instrument, Side
from arbbot.domain.order import Balance, Fill, OrderKind, OrderTerms, Purpose, VenueOrderStatus
from tests.bitstamp.samples import Sample, of_kind, samples

READING = Reading()
ASKS = {
    Topic.ORDER_STATUS: Ask(1, Topic.ORDER_STATUS, venue_order_id=5),
    Topic.OPEN_ORDERS: Ask(1, Topic.OPEN_ORDERS),
    Topic.ORDER_EVENTS: Ask(1, Topic.ORDER_EVENTS, "btcusd"),
    Topic.TRANSACTIONS: Ask(1, Topic.TRANSACTIONS, since_id=1),
    Topic.BALANCES: Ask(1, Topic.BALANCES),
    Topic.FEES: Ask(1, Topic.FEES),
    Topic.MARKETS: Ask(1, Topic.MARKETS),
    Topic.BOOK: Ask(1, Topic.BOOK, "btcusd"),
    Topic.TICKER: Ask(1, Topic.TICKER, "btcusd"),
    Topic.CONVERSION_RATE: Ask(1, Topic.CONVERSION_RATE, "eurusd"),
}


def listed(payload: Any) -> list[Any]:
    """The list a row came from."""
    return payload if isinstance(payload, list) else [payload]


DECODERS: list[tuple[tuple[str, ...], Any]] = [
    (("rest.ticker.all.row", "doc_example.GET /api/v2/ticker/"), lambda p: codec_market.tickers(listed(p))),
    (("rest.ohlc", "doc_example.GET /api/v2/ohlc"), codec_market.ohlc),
    (("rest.markets.row", "rest.trading_pairs_info.row", "doc_example.GET /api/v2/trading-pairs"),
     codec_market.instrument),
    (("rest.order_book", "doc_example.GET /api/v2/order_book"), lambda p: codec_market.book(p, "btcusd")),
    (("doc_example.GET /api/v2/eur_usd",), codec_market.eur_usd),
    (("rest.user_transactions", "doc_example.POST /api/v2/user_transactions"),
     lambda p: codec_account.transactions(listed(p))),
    (("rest.fees_trading", "doc_example.POST /api/v2/fees/trading"), codec_account.fees),
    (("doc_example.POST /api/v2/account_balances",), codec_account.balances),
    (("doc_example.POST /api/v2/websockets_token",), codec_account.stream_token),
    (("rest.account_order_data",), lambda p: codec_order.order_events(p, "btcusd")),
    (("rest.order_status",), lambda p: codec_order.order_report(p, Side.BUY)),
    (("doc_example.POST /api/v2/buy", "doc_example.POST /api/v2/sell"), codec_order.placed),
    (("doc_example.POST /api/v2/cancel_order",), codec_order.cancelled),
    (("doc_example.POST /api/v2/open_orders/all",), codec_order.open_orders),
]  # fmt: skip
CASES = [
    pytest.param(sample, decode, id=f"{sample.number}-{sample.kind}")
    for starts, decode in DECODERS
    for sample in of_kind(*starts)
    if sample.kind != "doc_example.GET /api/v2/ticker/{market_symbol}/"
]


def good(payload: Any, status: int = 200) -> Reply:
    """A signed JSON reply."""
    return Reply(status, orjson.dumps(payload), "application/json", Seal.VALID)


@pytest.mark.parametrize(("sample", "decode"), CASES)
def test_golden_replies_decode(sample: Sample, decode: Any) -> None:
    """Every reply seen on the wire or shown in the documentation is read, old forms and new."""
    assert decode(sample.payload) is not None


@pytest.mark.parametrize("sample", of_kind("rest.error"), ids=lambda sample: f"{sample.number}-{sample.kind}")
def test_golden_errors_are_failures(sample: Sample) -> None:
    """Every error shape fails every question; authentication and permission are told apart."""
    for topic, ask in ASKS.items():
        if topic is Topic.ORDER_STATUS and sample.payload.get("reason") == "Order not found.":
            continue
        event = interpret(ask, [good(sample.payload, 404 if "404" in sample.kind else 200)], READING)
        assert isinstance(event, AskFailed)
        auth = sample.kind == "rest.error.auth" or sample.payload.get("error") == "No permission found"
        private = topic not in (Topic.MARKETS, Topic.BOOK, Topic.TICKER, Topic.CONVERSION_RATE)
        assert event.auth_lost == (auth and private)


@pytest.mark.parametrize(("seal", "reading"), [(Seal.WRONG, READING), (Seal.NONE, Reading(require_signed_errors=True))])
def test_an_unproven_refusal_of_the_key_is_told_apart(seal: Seal, reading: Reading) -> None:
    """A refusal of our key whose signature does not fit proves nothing, but the claim and its words are passed on; no
    other error, page or public reply makes such a claim.
    """
    refused = Reply(403, b'{"status": "error", "code": "API0005", "reason": "Invalid signature"}', None, seal)
    event = interpret(ASKS[Topic.BALANCES], [refused], reading)
    assert isinstance(event, AskFailed)
    assert (event.auth_lost, event.auth_claimed) == (False, True)
    assert "API0005: Invalid signature" in event.reason
    assert "secret" in event.reason
    others = (
        (ASKS[Topic.BALANCES], 403, b'{"status": "error", "code": "400.009", "reason": "no"}'),
        (ASKS[Topic.BALANCES], 403, b"<html>API0005</html>"),
        (ASKS[Topic.BALANCES], 503, refused.body),
        (ASKS[Topic.MARKETS], 403, refused.body),
    )
    for ask, status, body in others:
        event = interpret(ask, [Reply(status, body, None, seal)], reading)
        assert isinstance(event, AskFailed)
        assert not event.auth_claimed


def test_an_order_status_with_its_fill() -> None:
    """A full reply gives side, market and exact fills; amounts are the wire's."""
    [payload] = [s.payload for s in of_kind("rest.order_status") if s.payload["id"] == 1429545880227846]
    full = {**payload, "type": "1", "market": "ETH/USDT", "client_order_id": "mine"}
    event = interpret(Ask(4, Topic.ORDER_STATUS, venue_order_id=1429545880227846), [good(full)], READING)
    assert isinstance(event, OrderReported)
    assert event.report is not None
    assert event.report.status is VenueOrderStatus.FINISHED
    assert event.report.fills == (
        Fill(209895701, "ethusdt", Side.SELL, Decimal("0.005"), Decimal("4451.25"), Decimal("0.11128")),
    )


def test_old_order_statuses_name_their_market_by_arithmetic() -> None:
    """Replies of 2017 and 2018 tell neither market nor side: base times price is the counter amount, exactly."""
    reports = [codec_order.order_report(sample.payload, Side.BUY) for sample in of_kind("rest.order_status")]
    assert [report.fills[0].market for report in reports] == ["ethusdt", "xrpbtc", "ethusd"]
    assert reports[1].client_order_id is None
    with pytest.raises(Malformed, match="side"):
        codec_order.order_report(of_kind("rest.order_status")[0].payload)


@pytest.mark.parametrize("reason", ["Order not found", "Order not found."])
def test_an_unknown_order_is_reported_as_such(reason: str) -> None:
    """ "Order not found" is an answer, with and without its dot; of a failing server it is none."""
    ask = Ask(4, Topic.ORDER_STATUS, client_order_id="mine")
    error = {"status": "error", "reason": reason}
    assert interpret(ask, [good(error)], READING) == OrderReported(4, "mine", None, None)
    assert isinstance(interpret(ask, [good(error, 503)], READING), AskFailed)
    unsigned = Reply(200, orjson.dumps(error))
    assert isinstance(interpret(ask, [unsigned], READING), OrderReported)
    assert isinstance(interpret(ask, [unsigned], Reading((), require_signed_errors=True)), AskFailed)
    coded = {"status": "error", "reason": "gone", "response_code": "404.002"}
    assert interpret(ask, [good(coded, 404)], READING) == OrderReported(4, "mine", None, None)


def test_somebody_else_s_status_is_no_answer() -> None:
    """A status of another order, by either id, fails the question."""
    payload = {"id": 9, "status": "Open", "client_order_id": "theirs", "transactions": []}
    assert isinstance(interpret(Ask(1, Topic.ORDER_STATUS, venue_order_id=8), [good(payload)], READING), AskFailed)
    assert isinstance(interpret(Ask(1, Topic.ORDER_STATUS, client_order_id="m"), [good(payload)], READING), AskFailed)


def test_private_successes_must_be_signed() -> None:
    """An unsigned or mis-signed success to a private question is no answer; public ones are never signed."""
    balances = orjson.dumps([{"currency": "USD", "total": "3", "available": "2", "reserved": "1"}])
    for seal in (Seal.NONE, Seal.WRONG):
        assert isinstance(interpret(ASKS[Topic.BALANCES], [Reply(200, balances, None, seal)], READING), AskFailed)
    event = interpret(ASKS[Topic.BALANCES], [Reply(200, balances, None, Seal.VALID)], READING)
    assert event == BalancesFetched(1, (Balance("usd", Decimal(3), Decimal(2), Decimal(1)),))
    ticker = orjson.dumps({"bid": "1", "ask": "2", "last": "1.5"})
    assert interpret(ASKS[Topic.TICKER], [Reply(200, ticker)], READING) == TickerFetched(
        1, "btcusd", Decimal(1), Decimal(2), Decimal("1.5")
    )


def test_fees_are_fractions_of_percent_texts() -> None:
    """0.400 on the wire is 0.4 %, a fraction of 0.004; the documented list form reads the same."""
    [live] = of_kind("rest.fees_trading")
    event = interpret(ASKS[Topic.FEES], [good(live.payload)], READING)
    assert event == FeesFetched(1, (("btcusd", FeeRate(Decimal("0.003"), Decimal("0.004"))),))
    [documented, _] = of_kind("doc_example.POST /api/v2/fees/trading")
    assert codec_account.fees(documented.payload) == (("btcusd", FeeRate(Decimal("0.0015"), Decimal("0.0016"))),)


def test_markets_are_cut_to_the_wanted_and_tell_halts() -> None:
    """Only wanted markets are read, so a strange row elsewhere does no harm; a disabled one is told as halted."""
    [row] = [sample.payload for sample in of_kind("rest.markets.row") if sample.payload["counter_decimals"] == 0]
    rows = [row, {"market_symbol": "oddity"}, {**row, "market_symbol": "btceur", "trading": "Disabled"}]
    event = interpret(ASKS[Topic.MARKETS], [Reply(200, orjson.dumps(rows))], Reading(("btcusd", "btceur")))
    assert isinstance(event, MarketsFetched)
    assert event.instruments[0] == Instrument("btcusd", "btc", "usd", 8, 0, Decimal(10))
    assert event.halted == ("btceur",)
    assert isinstance(interpret(ASKS[Topic.MARKETS], [Reply(200, orjson.dumps(rows))], READING), AskFailed)


def test_transaction_rows() -> None:
    """Trade, withdrawal and simple buy: involved amounts with their written decimals, market and price by the rate."""
    by_id = {s.payload["id"]: codec_account.transaction(s.payload) for s in of_kind("rest.user_transactions.row")}
    trade, withdrawal, simple = by_id[209895701], by_id[1234567894], by_id[458254264]
    assert trade.amounts == (("eth", Decimal("0.00500000")), ("usdt", Decimal("-22.26")))
    assert (trade.market, trade.price, trade.fee, trade.fee_currency) == (
        "ethusdt", Decimal("4451.25"), Decimal("0.11128"), "usdt",
    )  # fmt: skip
    assert trade.is_trade
    assert trade.utc_us == 1637845199322000
    assert (withdrawal.amounts, withdrawal.market, withdrawal.is_trade) == ((("xrp", Decimal(-20)),), None, False)
    assert (simple.kind, simple.market, simple.is_trade) == (36, "usdceur", False)


def test_a_dust_trade_keeps_its_zero_amount() -> None:
    """A trade so small that its counter amount is displayed as zero is still a trade of its market."""
    row = {"id": 5, "datetime": "2026-01-01 00:00:00", "type": "2", "fee": "0.00", "order_id": 7,
           "btc": "0.00000001", "usd": "0.00", "btc_usd": 85000.5, "eur": 0}  # fmt: skip
    dust = codec_account.transaction(row)
    assert dust.is_trade
    assert dust.amounts == (("btc", Decimal("0.00000001")), ("usd", Decimal("0.00")))


@pytest.mark.parametrize("spoilt", [{"usd": "1e400"}, {"btc": "0.1.2"}, {"id": "x"}, {"datetime": 5}, {"type": None}])
def test_a_garbled_row_fails_the_page(spoilt: dict[str, Any]) -> None:
    """A row that cannot be vouched for is never half booked; a new text field is no reason to fail."""
    row = {"id": 5, "datetime": "2026-01-01 00:00:00", "type": "2", "fee": "0.1", "order_id": 7, "btc": "0.1",
           "usd": "-1.00", "btc_usd": 10, "note": "new"}  # fmt: skip
    assert isinstance(interpret(ASKS[Topic.TRANSACTIONS], [good([row])], READING), TransactionsFetched)
    assert isinstance(interpret(ASKS[Topic.TRANSACTIONS], [good([{**row, **spoilt}])], READING), AskFailed)


def test_rows_join_across_pages() -> None:
    """Overlapping pages give each row once, by ascending id; one row in two versions fails."""

    def page(*ids: int, usd: str = "1.00") -> Reply:
        return good([{"id": n, "datetime": "2026-01-01 00:00:00", "type": 0, "fee": 0, "usd": usd} for n in ids])

    ask = ASKS[Topic.TRANSACTIONS]
    event = interpret(ask, [page(3, 1, 2), page(3, 5, 4)], READING)
    assert isinstance(event, TransactionsFetched)
    assert [row.transaction_id for row in event.rows] == [1, 2, 3, 4, 5]
    assert isinstance(interpret(ask, [page(1), page(1, usd="2.00")], READING), AskFailed)


def test_both_rows_of_a_self_trade_are_read() -> None:
    """They share the trade's id and differ by their orders. Pages may part them or show them twice, in any order; the
    next page begins with the id on which the last one ended, so that neither is missed.
    """

    def row(order_id: int, btc: str, number: int = 1000) -> dict[str, Any]:
        return {"id": number, "datetime": "2026-01-01 00:00:00", "type": 2, "fee": "0.1", "order_id": order_id,
                "btc": btc, "usd": "1.00", "btc_usd": 10}  # fmt: skip

    ask, ours, theirs = ASKS[Topic.TRANSACTIONS], row(7, "0.1"), row(8, "-0.1")
    full = good([row(number, "0.1", number) for number in range(1, 1000)] + [ours])
    following = follow_up(ask, full, {})
    assert following is not None
    assert following.body.startswith(b"since_id=1000&")
    event = interpret(ask, [full, good([theirs, ours, row(9, "0.1", 1001)])], READING)
    assert isinstance(event, TransactionsFetched)
    assert [each.key for each in event.rows[-3:]] == [(1000, 7), (1000, 8), (1001, 9)]
    assert isinstance(interpret(ask, [good([ours, theirs]), good([row(7, "0.2")])], READING), AskFailed)
    same = interpret(ask, [good([ours]), good([{**ours, "btc": 0.1, "usd": "1.000", "fee": 0.1}])], READING)
    assert isinstance(same, TransactionsFetched), "other digits of the same numbers are the same row"


def test_paging_goes_on_after_full_pages_only() -> None:
    """A full page asks for the next from its last id on; a bound on pages leaves the question unanswered, not short."""
    full = good([{"id": n, "datetime": "2026-01-01 00:00:00", "type": 0, "fee": 0, "usd": 1} for n in range(1, 1001)])
    ask = ASKS[Topic.TRANSACTIONS]
    following = follow_up(ask, full, {})
    assert following is not None
    assert following.body == b"since_id=1000&sort=asc&limit=1000"
    assert isinstance(interpret(ask, [full], READING), AskFailed)
    newest = Ask(1, Topic.TRANSACTIONS)
    assert follow_up(newest, full, {}) is None
    assert isinstance(interpret(newest, [full], READING), TransactionsFetched)
    assert follow_up(ask, good([]), {}) is None
    assert follow_up(ask, NoReply(True, "x"), {}) is None


def test_order_events_page_by_event_id() -> None:
    """The next page of order events starts at the last event's id; the shared row comes once."""
    [sample] = of_kind("rest.account_order_data")
    row = sample.payload[0]
    full = [{**row, "event_id": f"{n:032x}", "data": {**row["data"], "id": n + 1}} for n in range(1000)]
    ask = ASKS[Topic.ORDER_EVENTS]
    for rows in (full,):
        for one in rows:
            one["data"].pop("id_str", None)
    following = follow_up(ask, good(full), {"btcusd": "BTC/USD"})
    assert following is not None
    assert following.body == f"market=BTC%2FUSD&since_id={999:032x}".encode()
    event = interpret(ask, [good(full), good(full[-1:])], READING)
    assert isinstance(event, OrderEventsFetched)
    assert len(event.events) == 1000


def test_the_answers_of_the_other_topics() -> None:
    """Open orders and books arrive as the domain's own values."""
    [sample] = of_kind("doc_example.POST /api/v2/open_orders/all/")
    event = interpret(ASKS[Topic.OPEN_ORDERS], [good(sample.payload)], READING)
    assert isinstance(event, OpenOrdersFetched)
    assert (event.orders[0].market, event.orders[0].remaining) == ("btcusd", Decimal("0.5"))
    [row] = [s.payload for s in of_kind("rest.order_book") if s.payload["bids"][0][0] == "0.99948"]
    fetched = interpret(ASKS[Topic.BOOK], [Reply(200, orjson.dumps(row))], READING)
    assert isinstance(fetched, BookFetched)
    assert (fetched.book.bid, fetched.book.ask) == (Decimal("0.99948"), Decimal("0.99992"))
    assert fetched.book.microtimestamp == 1641343696039184


def test_the_list_of_all_tickers_does_not_answer_for_one() -> None:
    """The venue answers an unknown market with all tickers: that is no answer."""
    assert isinstance(interpret(ASKS[Topic.TICKER], [Reply(200, b"[]")], READING), AskFailed)


def test_public_extras() -> None:
    """Trades, candles and the conversion rate are read with their types."""
    [trade] = codec_market.public_trades(
        [{"date": "1560481868", "tid": "90574283", "price": "8194.79", "type": "1", "amount": "0.00288599"}]
    )
    assert (trade.side, trade.trade_id) == (Side.SELL, 90574283)
    [rate] = [codec_market.eur_usd(sample.payload) for sample in of_kind("doc_example.GET /api/v2/eur_usd")]
    assert rate.buy == Decimal("16.52234567")
    told = interpret(ASKS[Topic.CONVERSION_RATE], [Reply(200, b'{"sell": "1.1287", "buy": "1.1377"}')], READING)
    assert told == ConversionRateFetched(1, "eurusd", Decimal("1.1377"), Decimal("1.1287"))
    candles = codec_market.ohlc(of_kind("rest.ohlc")[0].payload)
    assert [candle.start_s for candle in candles] == [1790506800, 1790510400]


def test_the_clock_is_read_from_the_date_header() -> None:
    """The offset is the header plus half a second minus our time of receipt."""
    sent, received = Moment(10**9, 4_300_000), Moment(12 * 10**8, 4_500_000)
    assert clock_seen(Reply(200, b"", date_utc_ms=5_000), sent, received) == VenueClockSeen(1_000)
    assert clock_seen(Reply(200, b""), sent, received) is None


@pytest.mark.parametrize(("mono_s", "wall_s"), [(30, 30), (0, 600), (0, -3600), (0, 3600), (3, 0)])
def test_a_reply_that_waited_says_nothing_of_the_clock(mono_s: int, wall_s: int) -> None:
    """The loop stood still, the machine slept, or our clock was set in between: the header's time is another one's, and
    believing it would make frames of the past look fresh (as a simulated life found).
    """
    sent, received = Moment(10**9, 10**12), Moment((1 + mono_s) * 10**9, 10**12 + wall_s * 1_000_000)
    assert clock_seen(Reply(200, b"", date_utc_ms=10**9), sent, received) is None


TERMS = OrderTerms("own", "h", Purpose.LEG, "btcusd", Side.BUY, OrderKind.MARKET, Decimal(1), None, None)
COMMANDS: list[Ask | PlaceOrder | CancelOrder] = [*ASKS.values(), PlaceOrder(TERMS), CancelOrder("own", 5, "btcusd")]


@given(st.binary(max_size=80), st.sampled_from(COMMANDS), st.sampled_from([200, 400, 500]), st.sampled_from(Seal))
def test_no_bytes_raise(body: bytes, command: Ask | PlaceOrder | CancelOrder, status: int, seal: Seal) -> None:
    """Any bytes to any command are one event."""
    reply = Reply(status, body, None, seal)
    assert interpret(command, [reply], READING) is not None
    assert follow_up(command, reply, {}) is None


WRONG: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, -1, 0, 1e308, 10**18, "", "NaN", "1e400", "-Infinity", "x", [], {}, [[]], [{}]]
)


def mutate(value: Any, choices: st.DataObject) -> Any:
    """The same JSON with one part replaced by something wrong, dropped, or repeated."""
    if isinstance(value, dict) and value and choices.draw(st.integers(0, 3)):
        key = choices.draw(st.sampled_from(sorted(value)))
        if choices.draw(st.booleans()):
            return {**value, key: mutate(value[key], choices)}
        return {name: part for name, part in value.items() if name != key}
    if isinstance(value, list) and value and choices.draw(st.integers(0, 3)):
        at = choices.draw(st.integers(0, len(value) - 1))
        return [*value[:at], mutate(value[at], choices), *value[at:]]
    return choices.draw(WRONG)


@given(st.sampled_from([sample for sample in samples() if "ws." not in sample.kind]), st.data())
def test_no_spoilt_sample_raises(sample: Sample, choices: st.DataObject) -> None:
    """Golden payloads with a part wrong, missing or repeated are one event, whichever command they answer."""
    payload = mutate(sample.payload, choices)
    wrapped = payload if isinstance(payload, list) or choices.draw(st.booleans()) else [payload]
    for command in COMMANDS:
        assert interpret(command, [good(wrapped)], READING) is not None
