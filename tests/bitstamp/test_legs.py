"""Orders on connections of their own, on every installed event loop, against a venue played byte by byte."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random

import orjson
import pytest
import trustme

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.legs import MOST, WARM
from arbbot.bitstamp.limiter import Limiter, Window
from arbbot.bitstamp.replies import Reading
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.domain.commands import CancelOrder, PlaceOrder
from arbbot.domain.events import CancelResult, Event, OrderAcked, OrderRefused, OrderUnanswered
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose
from arbbot.ports import Clock
from tests.bitstamp.clocks import FastClock, ManualClock
from tests.bitstamp.fake_rest import KEY, SECRET, FakeRest, Say
from tests.bitstamp.raw_venue import LOOPS, QUIET, RawVenue, on, raw_venue, sealed

NewLoop = Callable[[], asyncio.AbstractEventLoop]
every_loop = pytest.mark.parametrize("loop", LOOPS, ids=[loop.__module__ for loop in LOOPS])
TERMS = OrderTerms("h-1.a", "h-1", Purpose.LEG, "btcusd", Side.BUY, OrderKind.MARKET, Decimal("0.00100000"), None, None)
BUY = PlaceOrder(TERMS)
SELL = PlaceOrder(replace(TERMS, client_order_id="h-1.b", side=Side.SELL))
TAKEN = orjson.dumps({"id": "77", "market": "BTC/USD", "amount": "0.00100000", "price": "0"})
EXIT = PlaceOrder(replace(TERMS, purpose=Purpose.UNWIND))
ACKED = OrderAcked("h-1.a", 77)


def gateway_to(
    url: str,
    *,
    ca_file: Path | None = None,
    order_timeout_s: float = 5.0,
    leg_patience_s: float = 5.0,
    keep_alive_s: float = 60.0,
    max_reply_bytes: int = 1 << 20,
    clock: Clock | None = None,
    window: Window = Window(1000, 1.0),  # noqa: B008 - frozen
) -> BitstampGateway:
    """A gateway on a local address."""
    return BitstampGateway(
        RestSettings(
            url,
            ca_file=ca_file,
            order_timeout_s=order_timeout_s,
            leg_patience_s=leg_patience_s,
            keep_alive_s=keep_alive_s,
            max_reply_bytes=max_reply_bytes,
        ),
        clock or FastClock(1.0),
        Limiter(Random(1), [window]),
        credentials=Credentials(KEY, SECRET),
        reading=Reading(("btcusd",)),
    )


async def answer(venue: RawVenue, connection: socket.socket) -> bytes:
    """Take the order that comes next on a connection."""
    request = await venue.heard(connection)
    await venue.say(connection, sealed(request, TAKEN))
    return request


@every_loop
def test_both_orders_are_on_the_wire_before_anything_is_awaited(loop: NewLoop) -> None:
    """Two calls of `perform`, and the venue's sockets hold both whole requests, each on a warm connection."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                connections = (await venue.warmed(gateway.warm()))[:2]
                performing = [gateway.perform(BUY), gateway.perform(SELL)]
                requests = [connection.recv(1 << 16) for connection in connections]  # at once: nothing ran between
                assert {request[:24] for request in requests} == {
                    b"POST /api/v2/buy/market/",
                    b"POST /api/v2/sell/market",
                }
                assert all(request.endswith(b"client_order_id=h-1.a") or b"h-1.b" in request for request in requests)
                for connection, request in zip(connections, requests, strict=True):
                    await venue.say(connection, sealed(request, TAKEN))
                assert await asyncio.gather(*performing) == [ACKED, OrderAcked("h-1.b", 77)]

    on(loop, promise)


@every_loop
def test_a_connection_closed_while_idle_is_not_written_to(loop: NewLoop) -> None:
    """The venue hangs up, and before the event loop could notice an order comes: it goes out on a new connection."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                for connection in await venue.warmed(gateway.warm()):
                    connection.shutdown(socket.SHUT_WR)
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                await answer(venue, await venue.accept())
                assert await ordering == ACKED
                assert [await venue.heard(connection) for connection in venue.sockets[:WARM]] == [b""] * WARM

    on(loop, promise)


@every_loop
def test_a_closed_connection_and_nobody_listening_refuse_the_order(loop: NewLoop) -> None:
    """With the warm connections gone and no new one to be had, no byte went out, and that is what is said."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                await venue.warmed(gateway.warm())
                venue.close()
                event = await gateway.perform(BUY)
                assert isinstance(event, OrderRefused)
                assert event.code == "not_sent"
                cancel = await gateway.perform(CancelOrder("h-1.a", 77, "btcusd"))
                assert isinstance(cancel, CancelResult)
                assert cancel.outcome == "refused"

    on(loop, promise)


@every_loop
@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Le"], ids=["nothing", "half a head"])
def test_closed_between_order_and_answer_is_doubt(loop: NewLoop, reset: bool, said: bytes) -> None:
    """The order was written, the answer did not come: doubt, and it is not sent again."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                connections = await venue.warmed(gateway.warm())
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                heard = [asyncio.ensure_future(venue.heard(connection)) for connection in connections]
                [first], _ = await asyncio.wait(heard, return_when=asyncio.FIRST_COMPLETED)
                connection = connections[heard.index(first)]
                await venue.say(connection, said)
                if reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()
                assert isinstance(await ordering, OrderUnanswered)
                with pytest.raises(BlockingIOError):
                    venue.listener.accept()
            assert [await each for each in heard if each is not first] == [b""] * (WARM - 1)

    on(loop, promise)


@every_loop
def test_a_leg_that_finds_no_connection_in_time_is_not_sent_and_an_exit_waits(loop: NewLoop) -> None:
    """No connection is warm and TLS is not agreed: the leg is refused unsent when its patience ends, an exit is not."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url.replace("http", "https"), leg_patience_s=0.1) as gateway:
                exiting = asyncio.ensure_future(gateway.perform(EXIT))
                event = await gateway.perform(BUY)
                assert isinstance(event, OrderRefused)
                assert (event.code, event.reason) == ("not_sent", "no connection in time")
                assert not exiting.done()
                exiting.cancel()
                await asyncio.wait([exiting])

    on(loop, promise)


@every_loop
def test_a_leg_whose_time_is_over_is_not_written_although_a_connection_has_come(loop: NewLoop) -> None:
    """The loop stood still after the decision: the leg is refused unsent, and the connection serves the exit."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url, leg_patience_s=0.02) as gateway:
                ordering, exiting = gateway.perform(BUY), gateway.perform(EXIT)
                connections = await venue.warmed(gateway.warm())
                await asyncio.sleep(0.05)
                event = await ordering
                assert isinstance(event, OrderRefused)
                assert event.code == "not_sent"
                waiting = asyncio.ensure_future(exiting)
                await answer(venue, connections[1])
                assert await waiting == ACKED

    on(loop, promise)


@every_loop
def test_keeping_warm_leaves_a_connection_for_each_leg(loop: NewLoop) -> None:
    """While the call that keeps connections open is unanswered, both orders of a hedge are written at once."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                connections = await venue.warmed(gateway.warm())
                warming = asyncio.ensure_future(gateway.warm())
                assert b"GET /api/v2/eur_usd/" in await venue.heard(connections[0])
                performing = [gateway.perform(BUY), gateway.perform(SELL)]
                requests = [connection.recv(1 << 16) for connection in connections[1:]]
                assert all(request.startswith(b"POST") for request in requests)
                warming.cancel()
                for connection, request in zip(connections[1:], requests, strict=True):
                    await venue.say(connection, sealed(request, TAKEN))
                assert await asyncio.gather(*performing) == [ACKED, OrderAcked("h-1.b", 77)]

    on(loop, promise)


@every_loop
def test_an_order_kept_back_by_the_budget_does_not_make_its_connection_young(loop: NewLoop) -> None:
    """Idle is counted from the last reply: what was lent and not written to is not trusted for longer."""

    async def promise() -> None:
        clock = ManualClock()
        with raw_venue() as venue:
            async with gateway_to(venue.url, keep_alive_s=0.1, clock=clock, window=Window(4, 1.0)) as gateway:
                await venue.warmed(gateway.warm())
                await asyncio.sleep(0.06)
                assert isinstance(await gateway.perform(BUY), OrderRefused)
                await asyncio.sleep(0.06)
                clock.advance(2.0)
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                await answer(venue, await venue.accept())
                assert await ordering == ACKED

    on(loop, promise)


Parts = Callable[[bytes], list[bytes]]
WHOLE: dict[str, Parts] = {
    "in one": lambda request: [sealed(request, TAKEN)],
    "byte by byte": lambda request: [bytes([octet]) for octet in sealed(request, TAKEN)],
    "chunked": lambda request: [sealed(request, TAKEN, chunked=True)],
    "after a 100": lambda request: [b"HTTP/1.1 100 Continue\r\n\r\n", sealed(request, TAKEN)],
}
ENDS: dict[str, Parts] = {
    "up to the end": lambda request: [sealed(request, TAKEN, length=False)],
    "with a farewell": lambda request: [sealed(request, TAKEN, "Connection: close")],
    "with something after it": lambda request: [sealed(request, TAKEN) + b"HTTP/1.1 200 OK\r\n"],
    "followed by another": lambda request: [sealed(request, TAKEN) + QUIET],
}


@every_loop
@pytest.mark.parametrize("form", [*WHOLE, *ENDS])
def test_every_form_of_a_whole_reply_is_read(loop: NewLoop, form: str) -> None:
    """The order is acknowledged; only a connection that is provably between two replies is used again."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                connection = await venue.accept()
                for part in (WHOLE | ENDS)[form](await venue.heard(connection)):
                    await venue.say(connection, part)
                    await asyncio.sleep(0)
                if form == "up to the end":
                    connection.shutdown(socket.SHUT_WR)
                assert await ordering == ACKED
                again = asyncio.ensure_future(gateway.perform(BUY))
                if form in ENDS:
                    assert await venue.heard(connection) == b""
                    connection = await venue.accept()
                await answer(venue, connection)
                assert await again == ACKED

    on(loop, promise)


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "a cut chunk": lambda request: sealed(request, TAKEN, chunked=True)[:-20],
    "no HTTP": lambda _: b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "an endless head": lambda _: b"HTTP/1.1 200 OK\r\n" + b"X-Padding: 0123456789\r\n" * 10_000,
    "an endless body": lambda _: b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 300_000,
    "a body longer than we read": lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + b"x" * 300_000,
    "two lengths": lambda request: sealed(request, TAKEN, "Content-Length: 3"),
    "a redirect": lambda _: b"HTTP/1.1 307 X\r\nLocation: http://127.0.0.1/\r\nContent-Length: 0\r\n\r\n",
    "another order's seal": lambda request: sealed(request.replace(b"X-Auth-Nonce: ", b"X-Auth-Nonce: 0"), TAKEN),
}


@every_loop
@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_reply_is_doubt(loop: NewLoop, how: str) -> None:
    """What cannot be read as one reply to our order leaves it in doubt, in words that hold no secret."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url, max_reply_bytes=100_000) as gateway:
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                connection = await venue.accept()
                reply = BROKEN[how](await venue.heard(connection))
                saying = asyncio.ensure_future(venue.say(connection, reply))
                if how == "a cut chunk":
                    await saying
                    connection.shutdown(socket.SHUT_WR)
                event = await ordering
                await asyncio.gather(saying, return_exceptions=True)
                assert isinstance(event, OrderUnanswered)
                assert KEY not in event.reason
                assert SECRET not in event.reason
                with pytest.raises(BlockingIOError):
                    venue.listener.accept()

    on(loop, promise)


@every_loop
def test_a_stall_is_doubt_after_the_order_timeout_and_its_answer_is_not_taken_for_the_next(loop: NewLoop) -> None:
    """The connection of an unanswered order is cut: a late reply to it can be no other order's."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url, order_timeout_s=0.5) as gateway:
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                connection = await venue.accept()
                await venue.heard(connection)
                event = await ordering
                assert isinstance(event, OrderUnanswered)
                assert event.reason == "TimeoutError"
                assert await venue.heard(connection) == b""

    on(loop, promise)


@every_loop
def test_a_cancelled_wait_cuts_its_connection(loop: NewLoop) -> None:
    """Who gives an order up leaves nothing that the next could read; the next goes out on a new connection."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                connection = await venue.accept()
                await venue.heard(connection)
                ordering.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await ordering
                assert await venue.heard(connection) == b""
                again = asyncio.ensure_future(gateway.perform(BUY))
                await answer(venue, await venue.accept())
                assert await again == ACKED

    on(loop, promise)


@every_loop
def test_words_without_a_question_end_the_connection(loop: NewLoop) -> None:
    """A reply that nobody asked for, ahead of the order, is never taken for the order's."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                for connection in await venue.warmed(gateway.warm()):
                    connection.send(QUIET)
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                await answer(venue, await venue.accept())
                assert await ordering == ACKED

    on(loop, promise)


@every_loop
def test_idle_for_too_long_is_not_trusted(loop: NewLoop) -> None:
    """A connection that carried nothing for longer than is kept alive is replaced, not written to."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url, keep_alive_s=0.02) as gateway:
                await venue.warmed(gateway.warm())
                await asyncio.sleep(0.05)
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                await answer(venue, await venue.accept())
                assert await ordering == ACKED

    on(loop, promise)


@every_loop
def test_many_at_once_share_a_bounded_number_of_connections(loop: NewLoop) -> None:
    """More commands than connections are all answered, each once; afterwards the warm ones stay, the others close."""

    async def promise() -> None:
        venue = FakeRest(lambda _: Say(TAKEN))
        server = await asyncio.start_server(venue.serve, "127.0.0.1", 0)
        count = 3 * MOST
        async with gateway_to(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as gateway:
            events = await asyncio.gather(*[gateway.perform(BUY) for _ in range(count)])
            assert events == [ACKED] * count
            assert len({request.headers["X-Auth-Nonce"] for request in venue.heard}) == len(venue.heard) == count
            assert venue.connections <= 2 * MOST
            before = venue.connections
            await asyncio.gather(*[gateway.perform(BUY) for _ in range(WARM)])
            assert venue.connections == before
        server.close()

    on(loop, promise)


def served_name(path: Path, name: str) -> ssl.SSLContext:
    """A server's TLS context for this name; its authority's certificate is written to the path."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


@every_loop
@pytest.mark.parametrize(("name", "kind"), [("127.0.0.1", OrderAcked), ("www.example.org", OrderRefused)])
def test_tls_checks_the_name_and_stays_warm(loop: NewLoop, name: str, kind: type[Event], tmp_path: Path) -> None:
    """A certificate for another host refuses orders unsent; with ours they go out on warm connections."""

    async def promise() -> None:
        venue = FakeRest(lambda _: Say(TAKEN))
        context = served_name(tmp_path / "ca.pem", name)
        server = await asyncio.start_server(venue.serve, "127.0.0.1", 0, ssl=context)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with gateway_to(url, ca_file=tmp_path / "ca.pem") as gateway:
            await gateway.warm()
            events = await asyncio.gather(gateway.perform(BUY), gateway.perform(SELL))
            assert [type(event) for event in events] == [kind, kind]
            assert venue.connections == (WARM if kind is OrderAcked else 0)
            assert len(venue.heard) == (WARM + 2 if kind is OrderAcked else 0)
        server.close()
        await asyncio.sleep(0.01)

    on(loop, promise)


@every_loop
def test_leaving_closes_every_connection(loop: NewLoop) -> None:
    """After the gateway's end the venue sees all its connections closed, those still waiting for a reply too."""

    async def promise() -> None:
        with raw_venue() as venue:
            async with gateway_to(venue.url) as gateway:
                connections = await venue.warmed(gateway.warm())
                ordering = asyncio.ensure_future(gateway.perform(BUY))
                await asyncio.sleep(0)
            assert isinstance(await ordering, OrderUnanswered)
            for connection in connections:
                while await venue.heard(connection):
                    pass

    on(loop, promise)
