"""Order connections over TLS, as they are in production: a venue in threads, so that our event loop may stand still."""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from arbbot.bitstamp.legs import MOST
from arbbot.domain.events import OrderRefused, OrderUnanswered
from tests.bitstamp.raw_venue import on
from tests.bitstamp.test_legs import BUY, SELL, NewLoop, every_loop, gateway_to, served_name

PONG = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


class Venue:
    """Answers the first request of every connection, and then stalls."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.warm: list[ssl.SSLSocket] = []
        self.answers = True
        self.all_heard = threading.Event()
        """Each of as many connections as there may be has had its first request."""
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError):
            secure = self._context.wrap_socket(connection, server_side=True)
            secure.recv(1 << 16)
            self.warm.append(secure)
            if len(self.warm) == MOST:
                self.all_heard.set()
            if self.answers:
                secure.sendall(PONG)

    def orders_on_the_wire(self, within_s: float, most: int) -> int:
        """How many of the warm connections the kernel holds bytes of; our own event loop does not run meanwhile."""
        waiting = {each.fileno(): each for each in self.warm}
        poll = select.poll()
        for descriptor in waiting:
            poll.register(descriptor, select.POLLIN)
        found: set[int] = set()
        while len(found) < most and (ready := poll.poll(within_s * 1000)):
            for descriptor, _ in ready:
                found.add(descriptor)
                poll.unregister(descriptor)
        return len(found)

    def close(self) -> None:
        """Hang up."""
        self._listener.close()
        for each in self.warm:
            each.close()


@contextmanager
def tls_venue(directory: Path) -> Iterator[Venue]:
    """A venue whose authority's certificate is in the directory."""
    venue = Venue(served_name(directory / "ca.pem", "127.0.0.1"))
    try:
        yield venue
    finally:
        venue.close()


@every_loop
def test_both_orders_are_on_the_wire_before_the_loop_turns(loop: NewLoop, tmp_path: Path) -> None:
    """Over TLS as well: when `perform` has returned twice, the kernel has both orders, whatever the loop does next."""

    async def promise() -> None:
        with tls_venue(tmp_path) as venue:
            async with gateway_to(venue.url, ca_file=tmp_path / "ca.pem", order_timeout_s=0.6) as gateway:
                await gateway.warm()
                performing = [gateway.perform(BUY), gateway.perform(SELL)]
                assert venue.orders_on_the_wire(2.0, 2) == 2
                assert {type(event) for event in await asyncio.gather(*performing)} == {OrderUnanswered}

    on(loop, promise)


@every_loop
def test_orders_that_were_given_up_hold_no_connection(loop: NewLoop, tmp_path: Path) -> None:
    """A venue that stalls and never says farewell: after as many time-outs as there may be connections, what comes next
    still goes out, instead of being refused for want of one.
    """

    async def promise() -> None:
        with tls_venue(tmp_path) as venue:
            async with gateway_to(venue.url, ca_file=tmp_path / "ca.pem", order_timeout_s=0.6) as gateway:
                for _ in range(MOST // 2 + 1):
                    await gateway.warm()
                    events = await asyncio.gather(gateway.perform(BUY), gateway.perform(SELL))
                    assert {type(event) for event in events} == {OrderUnanswered}

    on(loop, promise)


@every_loop
def test_a_connection_broken_off_while_tls_is_agreed_leaves_nothing(loop: NewLoop, tmp_path: Path) -> None:
    """Cancelled at any turn of the loop: the cancellation comes out, and the next order is answered as ever."""

    async def promise() -> None:
        with tls_venue(tmp_path) as venue:
            async with gateway_to(venue.url, ca_file=tmp_path / "ca.pem", order_timeout_s=0.6) as gateway:
                for turns in range(12):
                    ordering = asyncio.ensure_future(gateway.perform(BUY))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    ordering.cancel()
                    [outcome] = await asyncio.gather(ordering, return_exceptions=True)
                    assert isinstance(outcome, asyncio.CancelledError | OrderUnanswered), outcome
                assert not isinstance(await gateway.perform(SELL), OrderRefused)

    on(loop, promise)


@every_loop
def test_nothing_goes_out_once_the_gateway_is_closed(loop: NewLoop, tmp_path: Path) -> None:
    """An order that waited for a connection when the gateway was left is refused, unsent."""

    async def promise() -> None:
        with tls_venue(tmp_path) as venue:
            async with gateway_to(venue.url, ca_file=tmp_path / "ca.pem", order_timeout_s=5.0) as gateway:
                await gateway.warm()
                venue.answers = False
                ordering = [asyncio.ensure_future(gateway.perform(BUY)) for _ in range(MOST + 1)]
                assert await asyncio.to_thread(venue.all_heard.wait, 20)
            events = await asyncio.gather(*ordering)
            assert sum(isinstance(event, OrderRefused) for event in events) == 1

    on(loop, promise)
