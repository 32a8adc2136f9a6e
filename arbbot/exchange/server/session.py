"""One WebSocket connection: control frames in, frames out in order, a bounded queue between."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import WSMsgType, web

LARGEST_CLIENT_FRAME = 512
CHANNELS_MOST = 1024
QUEUE_MOST = 50_000
PING_S = 54.0
PUBLIC_CHANNEL = re.compile(
    r"(live_trades|live_orders|order_book|detail_order_book|diff_order_book|funding_rate)_[a-z0-9-]+|announcements"
)
PRIVATE_CHANNEL = re.compile(
    r"private-(?:(?:my_orders|my_trades|live_trades|live_order_trades)_[a-z0-9-]+"
    r"|my_settlements|my_liquidations|my_token_settlements)-([0-9]+)"
)


@dataclass(frozen=True, slots=True)
class HangUp:
    """Instead of a frame: end the connection. No code closes TCP, with a reset if asked."""

    code: int | None = None
    reason: bytes = b""
    reset: bool = False


Outgoing = str | bytes | HangUp


class Hub(Protocol):
    """What a session needs from the server that owns it."""

    def token_user(self, token: str) -> int | None:
        """Return the user a WebSocket token belongs to, None when it is not valid now."""

    def subscribe(self, session: Session, channel: str) -> None:
        """Start to send a channel's frames to the session."""

    def unsubscribe(self, session: Session, channel: str) -> None:
        """Stop to send a channel's frames to the session."""

    def subscription_fault(self, channel: str) -> str | None:
        """Return the fault that strikes this subscription, by name."""


def error_frame(message: str, code: int | None = None) -> str:
    """Spell a bts:error."""
    return _compact({"event": "bts:error", "channel": "", "data": {"code": code, "message": message}})


def _compact(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


class Session:
    """A client's connection. `mute` is None or what it withholds: "all", "frames" (all but heartbeats)."""

    def __init__(self, socket_: web.WebSocketResponse, transport: asyncio.Transport | None, hub: Hub) -> None:
        """Wrap a prepared WebSocket."""
        self.channels: set[str] = set()
        self.muted_channels: dict[str, float] = {}
        self.mute: str | None = None
        self.mute_until = 0.0
        self.last_frames: dict[str, str] = {}
        self.held: dict[str, str] = {}
        self._socket = socket_
        self._transport = transport
        self._hub = hub
        self._queue: deque[Outgoing] = deque()
        self._filled = asyncio.Event()

    def send(self, item: Outgoing, *, heartbeat: bool = False) -> None:
        """Queue something to send; a client that does not read loses its connection."""
        if self.mute is not None and asyncio.get_running_loop().time() < self.mute_until:
            if self.mute == "all" or not heartbeat:
                return
        else:
            self.mute = None
        if len(self._queue) >= QUEUE_MOST:
            self._queue.clear()
            item = HangUp()
        self._queue.append(item)
        self._filled.set()

    async def run(self) -> None:
        """Serve the connection until it ends."""
        writer = asyncio.create_task(self._write())
        pinger = asyncio.create_task(self._ping())
        try:
            await self._read()
        finally:
            for task in (writer, pinger):
                task.cancel()
            await asyncio.gather(writer, pinger, return_exceptions=True)

    async def _read(self) -> None:
        async for message in self._socket:
            if message.type is WSMsgType.PING:
                if self.mute != "all":
                    await self._socket.pong(message.data)
            elif message.type in {WSMsgType.TEXT, WSMsgType.BINARY}:
                text = message.data
                if len(text if isinstance(text, bytes) else text.encode()) > LARGEST_CLIENT_FRAME:
                    await self._socket.close(code=1009, message=b"read limited at 513 bytes")
                    return
                self._receive(text)

    async def _write(self) -> None:
        while True:
            await self._filled.wait()
            while self._queue:
                item = self._queue.popleft()
                try:
                    if isinstance(item, HangUp):
                        await self._hang_up(item)
                    elif isinstance(item, bytes):
                        await self._socket.send_bytes(item)
                    else:
                        await self._socket.send_str(item)
                except ConnectionError:
                    return
            self._filled.clear()

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_S)
            try:
                await self._socket.ping()
            except ConnectionError:
                return

    async def _hang_up(self, item: HangUp) -> None:
        if item.code is not None:
            await self._socket.close(code=item.code, message=item.reason)
        elif self._transport is not None:
            hang_up(self._transport, reset=item.reset)

    def _receive(self, text: str | bytes) -> None:
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            self.send(error_frame("Incorrect JSON format."))
            return
        event = frame.get("event") if isinstance(frame, dict) else None
        if event == "bts:heartbeat":
            reply = {"event": "bts:heartbeat", "channel": "", "data": {"status": "success"}}
            self.send(_compact(reply), heartbeat=True)
            return
        wanted = frame.get("data") if isinstance(frame, dict) else None
        channel = wanted.get("channel") if isinstance(wanted, dict) else None
        actions: dict[object, Callable[[str, object], None]] = {
            "bts:subscribe": self._subscribe,
            "bts:unsubscribe": self._unsubscribe,
        }
        if event not in actions or not isinstance(wanted, dict) or not isinstance(channel, str) or not channel:
            self.send(error_frame("Bad subscription string."))
            return
        actions[event](channel, wanted.get("auth"))

    def _subscribe(self, channel: str, token: object) -> None:
        private = PRIVATE_CHANNEL.fullmatch(channel)
        if private is None and not PUBLIC_CHANNEL.fullmatch(channel):
            self.send(error_frame("Invalid channel provided."))
            return
        if private is not None:
            user_id = self._hub.token_user(token) if isinstance(token, str) else None
            if user_id != int(private[1]):
                self.send(error_frame("Connection is unauthorized.", 4009))
                return
        fault = self._hub.subscription_fault(channel)
        if fault == "refuse_subscription":
            self.send(error_frame("Bad subscription string."))
            return
        if fault == "ignore_subscription":
            return
        if len(self.channels) >= CHANNELS_MOST and channel not in self.channels:
            self.send(HangUp())
            return
        self.channels.add(channel)
        self.send(_compact({"event": "bts:subscription_succeeded", "channel": channel, "data": {}}))
        self._hub.subscribe(self, channel)

    def _unsubscribe(self, channel: str, _token: object) -> None:
        self.channels.discard(channel)
        self._hub.unsubscribe(self, channel)
        self.send(_compact({"event": "bts:unsubscription_succeeded", "channel": channel, "data": {}}))


def hang_up(transport: asyncio.BaseTransport | None, *, reset: bool) -> None:
    """End a TCP connection with FIN, or with RST."""
    if not isinstance(transport, asyncio.Transport):
        return
    if not reset:
        transport.close()
        return
    raw = transport.get_extra_info("socket")
    if raw is not None:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
