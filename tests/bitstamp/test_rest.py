"""The gateway against a real local HTTP server that misbehaves on demand."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from random import Random

import orjson
import pytest
import trustme

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.legs import WARM
from arbbot.bitstamp.limiter import Limiter, Window
from arbbot.bitstamp.replies import Reading, interpret
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import (
    AskFailed,
    BalancesFetched,
    CancelResult,
    Event,
    Moment,
    OrderAcked,
    OrderRefused,
    OrderUnanswered,
    TransactionsFetched,
    VenueClockSeen,
)
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from tests.bitstamp.clocks import FastClock
from tests.bitstamp.fake_rest import KEY, SECRET, FakeRest, Heard, Say, Script, fake_rest

TERMS = OrderTerms("h-1.a", "h-1", Purpose.LEG, "btcusd", Side.BUY, OrderKind.MARKET, Decimal("0.00100000"), None, None)
PLACE = PlaceOrder(TERMS)
TAKEN = orjson.dumps(
    {
        "id": "1458532827766784",
        "market": "BTC/USD",
        "type": "0",
        "amount": "0.00100000",
        "price": "0",
        "client_order_id": "h-1.a",
    }
)
BALANCES = b'[{"currency": "usd", "total": "100.00", "available": "90.00", "reserved": "10.00"}]'
Taped = list[tuple[object, Answer]]


def gateway_to(
    url: str,
    *,
    limiter: Limiter | None = None,
    order_timeout_s: float = 5.0,
    require_signed_errors: bool = False,
    credentials: bool = True,
    tape: Taped | None = None,
    told: list[Event] | None = None,
    ca_file: Path | None = None,
    max_reply_bytes: int = 1 << 20,
    speed: float = 100.0,
    question_timeout_s: float = 100.0,
) -> BitstampGateway:
    """A gateway on a local address."""

    def tap(command: object, answer: Answer, _: Moment) -> None:
        if tape is not None:
            tape.append((command, answer))

    def sink(event: Event, _: Moment) -> None:
        if told is not None:
            told.append(event)

    settings = RestSettings(
        url,
        ca_file=ca_file,
        order_timeout_s=order_timeout_s,
        ask_timeout_s=5.0,
        question_timeout_s=question_timeout_s,
        max_reply_bytes=max_reply_bytes,
    )
    return BitstampGateway(
        settings,
        FastClock(speed),
        limiter or Limiter(Random(1)),
        credentials=Credentials(KEY, SECRET) if credentials else None,
        reading=Reading(("btcusd",), require_signed_errors),
        names={"btcusd": "BTC/USD"},
        tap=tap,
        sink=sink,
    )


@asynccontextmanager
async def talking(script: Script) -> AsyncIterator[tuple[BitstampGateway, FakeRest]]:
    """A gateway with default settings, connected to a fake venue with this script."""
    async with fake_rest(script) as (venue, url), gateway_to(url) as gateway:
        yield gateway, venue


def always(say: Say) -> Script:
    """A venue that says one thing."""
    return lambda _: say


async def test_a_signed_order_is_acknowledged() -> None:
    """A well-signed reply about our order acknowledges it, and the request was signed and plainly written."""
    async with talking(always(Say(TAKEN))) as (gateway, venue):
        assert await gateway.perform(PLACE) == OrderAcked("h-1.a", 1458532827766784)
    [heard] = venue.heard
    assert (heard.method, heard.target) == ("POST", "/api/v2/buy/market/btcusd/")
    assert heard.body == b"amount=0.00100000&client_order_id=h-1.a"
    assert heard.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert len(heard.headers["X-Auth-Nonce"]) == 36


async def test_an_empty_body_has_no_content_type() -> None:
    """A private call without fields carries no Content-Type header, which the venue refuses with API0020."""
    async with talking(always(Say(BALANCES))) as (gateway, venue):
        event = await gateway.perform(Ask(7, Topic.BALANCES))
    assert isinstance(event, BalancesFetched)
    assert "Content-Type" not in venue.heard[0].headers
    assert venue.heard[0].body == b""


@pytest.mark.parametrize(
    "say",
    [
        Say(TAKEN, sign="no"),
        Say(TAKEN, sign="wrong"),
        Say(TAKEN, cut=5),
        Say(b"", sign="no"),
        Say(b"<html>busy</html>", content_type="text/html", sign="no"),
        Say(b"<html>gateway</html>", 502, content_type="text/html", sign="no"),
        Say(b"<html>blocked</html>", 403, content_type="text/html", sign="no"),
        Say(b"", 301, sign="no", headers=("Location: https://example.com/",)),
        Say(TAKEN, reset=True),
        Say(TAKEN, silent=True),
        Say(TAKEN.replace(b"BTC/USD", b"BTC/EUR")),
        Say(b"x" * (2 << 20)),
        Say(TAKEN, headers=("Content-Encoding: gzip",)),
    ],
    ids=["unsigned", "mis-signed", "truncated", "empty", "html 200", "502", "403 page", "redirect", "reset", "silent",
         "another order's", "huge", "bad gzip"],
)  # fmt: skip
async def test_anything_else_leaves_the_order_in_doubt(say: Say) -> None:
    """Whatever is not a clear word about our order is doubt, and the request went out exactly once."""
    async with fake_rest(always(say)) as (venue, url):
        async with gateway_to(url, order_timeout_s=0.2) as gateway:
            event = await gateway.perform(PLACE)
        assert isinstance(event, OrderUnanswered)
        assert len(venue.heard) == 1


async def test_a_reused_connection_that_died_is_not_written_to_twice() -> None:
    """A POST on a kept connection that the venue closes meanwhile is doubt; it is never sent again."""
    says = iter([Say(TAKEN), Say(TAKEN, reset=True), Say(TAKEN)])
    async with talking(lambda _: next(says)) as (gateway, venue):
        assert isinstance(await gateway.perform(PLACE), OrderAcked)
        assert isinstance(await gateway.perform(PLACE), OrderUnanswered)
    assert len(venue.heard) == 2
    assert venue.heard[0].connection == venue.heard[1].connection
    assert venue.heard[0].headers["X-Auth-Nonce"] != venue.heard[1].headers["X-Auth-Nonce"]


async def test_a_connection_never_made_refuses() -> None:
    """With nobody listening, and with a name that does not exist, no byte went out: the order is refused."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        for url in (f"http://127.0.0.1:{port}", "https://nowhere.invalid"):
            async with gateway_to(url) as gateway:
                event = await gateway.perform(PLACE)
                assert isinstance(event, OrderRefused)
                assert event.code == "not_sent"
                assert await gateway.perform(CancelOrder("h-1.a", 1, "btcusd")) == CancelResult(
                    "h-1.a", "refused", event.reason
                )


async def test_tls_is_verified_before_anything_is_sent(tmp_path: Path) -> None:
    """A certificate of an unknown authority refuses the order unsent; the right CA file makes it go through."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    venue = FakeRest(always(Say(TAKEN)))
    server = await asyncio.start_server(venue.serve, "127.0.0.1", 0, ssl=context)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with gateway_to(url) as gateway:
        event = await gateway.perform(PLACE)
    assert isinstance(event, OrderRefused)
    assert venue.heard == []
    async with gateway_to(url, ca_file=tmp_path / "ca.pem") as gateway:
        assert isinstance(await gateway.perform(PLACE), OrderAcked)
    server.close()


@pytest.mark.parametrize("url", ["http://www.bitstamp.net", "http://192.168.1.5", "ftp://127.0.0.1", "nonsense"])
def test_only_this_machine_is_spoken_to_in_plain_text(url: str) -> None:
    """Plain HTTP to anywhere but the loopback is refused before any network I/O."""
    with pytest.raises(ValueError, match="leaves this machine"):
        gateway_to(url)


async def test_error_replies_by_the_setting() -> None:
    """An unsigned explicit no refuses the order by default, and is doubt where errors must be signed."""
    error = b'{"status": "error", "reason": {"__all__": ["Minimum order size is 10.0 USD."]}}'
    async with fake_rest(always(Say(error, sign="no"))) as (_, url):
        async with gateway_to(url) as gateway:
            assert isinstance(await gateway.perform(PLACE), OrderRefused)
        async with gateway_to(url, require_signed_errors=True) as gateway:
            assert isinstance(await gateway.perform(PLACE), OrderUnanswered)
    async with fake_rest(always(Say(error))) as (_, url), gateway_to(url, require_signed_errors=True) as gateway:
        assert isinstance(await gateway.perform(PLACE), OrderRefused)


async def test_private_calls_without_a_key_stay_home() -> None:
    """Without credentials orders are refused and private questions fail, and nothing is sent."""
    async with fake_rest(always(Say(TAKEN))) as (venue, url):
        async with gateway_to(url, credentials=False) as gateway:
            assert isinstance(await gateway.perform(PLACE), OrderRefused)
            assert await gateway.perform(Ask(3, Topic.BALANCES)) == AskFailed(3, "no credentials")
        assert venue.heard == []


async def test_an_incomplete_question_fails_unsent() -> None:
    """A question that lacks its market is answered by a failure, not by an exception."""
    async with talking(always(Say(TAKEN))) as (gateway, venue):
        event = await gateway.perform(Ask(4, Topic.BOOK))
    assert isinstance(event, AskFailed)
    assert venue.heard == []


def rows(request: Heard) -> Say:
    """A venue with 2,500 transactions, ids 1 to 2500, that serves pages from `since_id` on."""
    fields = dict(part.split("=") for part in request.body.decode().split("&"))
    first = int(fields["since_id"])
    page = [
        {"id": number, "datetime": "2026-01-01 00:00:00", "type": "0", "fee": "0", "usd": "1.00"}
        for number in range(first, min(first + 1000, 2501))
    ]
    return Say(orjson.dumps(page))


async def test_transactions_are_paged_until_a_short_page() -> None:
    """All pages are read, rows where pages meet come once, and a recording of the answers gives the same event."""
    tape: Taped = []
    ask = Ask(9, Topic.TRANSACTIONS, since_id=1)
    async with fake_rest(rows) as (venue, url), gateway_to(url, tape=tape) as gateway:
        event = await gateway.perform(ask)
    assert isinstance(event, TransactionsFetched)
    assert [row.transaction_id for row in event.rows] == list(range(1, 2501))
    assert len(venue.heard) == 3
    assert interpret(ask, [answer for _, answer in tape], Reading()) == event


async def test_a_question_without_end_is_given_up() -> None:
    """Full pages for ever: when the question's time is over it fails, as a recording of its answers does."""
    tape: Taped = []
    full = orjson.dumps([{"id": 7, "datetime": "2026-01-01 00:00:00", "type": "0", "fee": "0", "usd": "1.00"}] * 1000)
    ask = Ask(9, Topic.TRANSACTIONS, since_id=1)
    async with fake_rest(always(Say(full))) as (_, url), gateway_to(url, tape=tape, question_timeout_s=0.05) as gateway:
        event = await gateway.perform(ask)
    assert event == AskFailed(9, "not read to its end within 0.05 s")
    assert interpret(ask, [answer for _, answer in tape], Reading()) == event


async def test_a_lost_page_fails_the_whole_question() -> None:
    """If a later page cannot be read, no partial list is passed off as complete."""
    says = iter([rows, always(Say(b"oops", 502, sign="no"))])
    async with talking(lambda request: next(says)(request)) as (gateway, _):
        assert isinstance(await gateway.perform(Ask(9, Topic.TRANSACTIONS, since_id=1)), AskFailed)


async def test_orders_are_given_up_when_the_budget_is_gone() -> None:
    """Over budget an order is refused locally at once, a cancel still goes out."""
    limiter = Limiter(Random(1), [Window(2, 1000.0)])
    async with fake_rest(always(Say(BALANCES))) as (venue, url), gateway_to(url, limiter=limiter) as gateway:
        await gateway.perform(Ask(1, Topic.BALANCES))
        await gateway.perform(CancelOrder("c", 5, "btcusd"))
        refused = await gateway.perform(PLACE)
        assert isinstance(refused, OrderRefused)
        assert refused.code == "local_rate_limit"
        assert len(venue.heard) == 2


async def test_a_question_waits_for_the_budget() -> None:
    """Over budget it is delayed until there is room, and then put."""
    limiter = Limiter(Random(1), [Window(1, 1.0)])
    async with fake_rest(always(Say(BALANCES))) as (venue, url), gateway_to(url, limiter=limiter) as gateway:
        for number in (1, 2, 3):
            assert isinstance(await gateway.perform(Ask(number, Topic.BALANCES)), BalancesFetched)
        assert len(venue.heard) == 3


async def test_a_question_over_budget_for_too_long_fails_as_rate_limited() -> None:
    """A question waits for the budget only so long, and says why it failed."""
    limiter = Limiter(Random(1), [Window(1, 1000.0)])
    async with fake_rest(always(Say(BALANCES))) as (_, url), gateway_to(url, limiter=limiter) as gateway:
        await gateway.perform(Ask(1, Topic.BALANCES))
        event = await gateway.perform(Ask(2, Topic.BALANCES))
    assert isinstance(event, AskFailed)
    assert event.rate_limited


@pytest.mark.parametrize(
    "say",
    [
        Say(b'{"status": "error", "reason": "limit", "response_code": "400.002"}', 400),
        Say(b'{"status": "error", "reason": "limit", "response_code": "400.067"}', 200),
        Say(b"<html>slow down</html>", 429, content_type="text/html", sign="no"),
        Say(b"<html>blocked</html>", 403, content_type="text/html", sign="no"),
    ],
)
async def test_rate_limit_answers_are_counted_and_slow_us_down(say: Say) -> None:
    """Each form of "too often" is told to the asker, counted, and followed by a pause before the next question."""
    says = iter([say, Say(BALANCES)])
    clock_limiter = Limiter(Random(1))
    async with (
        fake_rest(lambda _: next(says)) as (_, url),
        gateway_to(
            url, limiter=clock_limiter, speed=5.0
        ) as gateway,  # the pause is longer than a busy machine's hiccup
    ):
        event = await gateway.perform(Ask(1, Topic.BALANCES))
        assert isinstance(event, AskFailed)
        assert event.rate_limited
        assert isinstance(await gateway.perform(PLACE), OrderRefused)
        assert isinstance(await gateway.perform(Ask(2, Topic.BALANCES)), BalancesFetched)
    assert clock_limiter.hits == 1
    assert clock_limiter.hit_ratio == 0.5


async def test_warm_legs_have_their_own_connections() -> None:
    """After warming, two orders at once go out on connections already open, and questions use another."""
    async with talking(always(Say(TAKEN))) as (gateway, venue):
        await gateway.warm()
        assert venue.connections == WARM
        await asyncio.gather(gateway.perform(PLACE), gateway.perform(PLACE))
        assert venue.connections == WARM
        await gateway.perform(Ask(1, Topic.BALANCES))
        assert venue.connections == WARM + 1


async def test_cancelling_the_task_cancels_the_call() -> None:
    """A cancelled placement raises CancelledError to its owner, who turns it into doubt."""
    async with talking(always(Say(TAKEN, silent=True))) as (gateway, venue):
        task = asyncio.create_task(gateway.perform(PLACE))
        await venue.hears.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_the_venue_clock_is_told() -> None:
    """The `Date` header's offset from our clock is told once in a while, not with every reply."""
    told: list[Event] = []
    say = Say(BALANCES, headers=("Date: Tue, 15 Sep 2026 07:33:40 GMT",))
    async with fake_rest(always(say)) as (_, url), gateway_to(url, told=told, speed=0.001) as gateway:
        for number in range(3):
            await gateway.perform(Ask(number, Topic.BALANCES))
        [seen] = told
        assert isinstance(seen, VenueClockSeen)
        assert seen.offset_ms == gateway.venue_offset_ms == 3500


async def test_stream_tokens_and_books() -> None:
    """Tokens and books are fetched beside the port; without a believable token it says why."""
    token = b'{"token": "siPaT4m6VGQCdsDCVbLBemiphHQs552e", "valid_sec": 60, "user_id": 4848701}'
    book = b'{"timestamp": "1", "microtimestamp": "1000000", "bids": [["1.0", "2"]], "asks": [["1.1", "2"]]}'
    says = {"websockets_token": Say(token), "order_book": Say(book, sign="no")}
    async with talking(lambda heard: says[heard.target.split("/")[3]]) as (gateway, venue):
        found = await gateway.stream_token()
        assert not isinstance(found, str)
        assert (found.user_id, found.valid_s) == (4848701, 60)
        assert found.token not in repr(found)
        fetched = await gateway.fetch_book("btcusd")
        assert fetched is not None
        assert fetched.bid == Decimal("1.0")
        assert "_=" in venue.heard[-1].target
        says["websockets_token"] = Say(token, sign="wrong")
        says["order_book"] = Say(b'{"status": "error", "reason": "no"}', 404, sign="no")
        assert await gateway.stream_token() == "wrong signature"
        assert await gateway.fetch_book("btcusd") is None


def test_answers_hold_no_secret() -> None:
    """What a recorder stores shows neither key nor secret."""
    shown = repr(Reply(200, b"{}", "application/json", Seal.VALID)) + repr(NoReply(True, "TimeoutError"))
    assert KEY not in shown
    assert SECRET not in shown
