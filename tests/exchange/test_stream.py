"""The WebSocket side over a real socket: control frames, channels, quirks, faults."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

if TYPE_CHECKING:
    from tests.exchange.conftest import Live

Served = Callable[..., "AbstractAsyncContextManager[Live]"]
BOOK = "order_book_btcusd"


class Socket:
    """A client connection that speaks JSON."""

    def __init__(self, raw: aiohttp.ClientWebSocketResponse) -> None:
        self.raw = raw

    async def say(self, event: str, channel: str | None = None, **more: str) -> None:
        frame: dict[str, Any] = {"event": event}
        if channel is not None:
            frame["data"] = {"channel": channel} | more
        await self.raw.send_str(json.dumps(frame))

    async def hear(self) -> Any:
        async with asyncio.timeout(5):
            return json.loads(await self.raw.receive_str())

    async def ask(self, event: str, channel: str | None = None, **more: str) -> Any:
        await self.say(event, channel, **more)
        return await self.hear()


@asynccontextmanager
async def _connect(live: Live, path: str = "/") -> AsyncIterator[Socket]:
    async with live.http.ws_connect(live.at.websocket + path, max_msg_size=0) as raw:
        yield Socket(raw)


async def _move(live: Live, bid: str = "95") -> None:
    await live.control("book", market="btcusd", bids=[[bid, "1"], ["94", "2"]], asks=[["105", "1"]])


async def test_control_frames_are_answered_as_captured(served: Served) -> None:
    """Acks, heartbeat and the three error texts are literally those seen on the wire."""
    async with served() as live, _connect(live, "/ws") as socket:
        assert await socket.ask("bts:subscribe", BOOK) == {
            "event": "bts:subscription_succeeded",
            "channel": BOOK,
            "data": {},
        }
        assert await socket.ask("bts:heartbeat") == {
            "event": "bts:heartbeat",
            "channel": "",
            "data": {"status": "success"},
        }
        unknown = await socket.ask("bts:subscribe", "live_trades_dogeusd")
        assert unknown["event"] == "bts:subscription_succeeded"
        assert (await socket.ask("bts:unsubscribe", BOOK))["event"] == "bts:unsubscription_succeeded"
        for text, message in (
            ("{", "Incorrect JSON format."),
            ('{"event":"bts:subscribe","data":{}}', "Bad subscription string."),
            ('{"event":"hello","data":{"channel":"live_trades_btcusd"}}', "Bad subscription string."),
            ("[]", "Bad subscription string."),
            ('{"event":"bts:subscribe","data":{"channel":"live_trades_BTCUSD"}}', "Invalid channel provided."),
        ):
            await socket.raw.send_str(text)
            assert await socket.hear() == {
                "event": "bts:error",
                "channel": "",
                "data": {"code": None, "message": message},
            }


async def test_books_come_on_change_only_and_diffs_rebuild_the_book(served: Served) -> None:
    """No first snapshot; a change sends the top levels and a diff; the diffs sum up to the REST book."""
    async with served() as live, _connect(live) as socket:
        before = await live.get("order_book/btcusd/")
        await asyncio.sleep(0.15)
        await socket.ask("bts:subscribe", BOOK)
        await socket.ask("bts:subscribe", "diff_order_book_btcusd")
        await socket.ask("bts:subscribe", "detail_order_book_btcusd")
        await _move(live, "95.50")
        frames = {frame["channel"]: frame for frame in [await socket.hear() for _ in range(3)]}
        after = await live.get("order_book/btcusd/")
        assert list(frames[BOOK]) == ["data", "channel", "event"]
        assert frames[BOOK]["data"]["bids"] == after["bids"] == [["95.50", "1.00000000"], ["94.00", "2.00000000"]]
        assert frames[BOOK]["data"]["microtimestamp"] == after["microtimestamp"]
        assert len(frames["detail_order_book_btcusd"]["data"]["bids"][0]) == 3
        diff = frames["diff_order_book_btcusd"]["data"]
        for side in ("bids", "asks"):
            book = dict(before[side])
            book.update(dict(diff[side]))
            assert {p: a for p, a in book.items() if float(a)} == dict(after[side])
            prices = [float(price) for price, _ in diff[side]]
            assert prices == sorted(prices, reverse=side == "bids")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.25):
                await socket.raw.receive()


async def test_private_channels_need_the_owners_token(served: Served) -> None:
    """A wrong token is 4009 and harms nothing; the right one serves several channels and tells of fills."""
    async with served() as live, _connect(live) as socket:
        token = await live.post("websockets_token/")
        orders, trades = (f"private-{k}_btcusd-{token['user_id']}" for k in ("my_orders", "my_trades"))
        refused = await socket.ask("bts:subscribe", orders, auth="x" * 32)
        assert refused["data"] == {"code": 4009, "message": "Connection is unauthorized."}
        other = await socket.ask(
            "bts:subscribe", f"private-my_orders_btcusd-{token['user_id'] + 1}", auth=token["token"]
        )
        assert other["data"]["code"] == 4009
        for channel in (orders, trades):
            assert (await socket.ask("bts:subscribe", channel, auth=token["token"]))["channel"] == channel
        await live.post("buy/btcusd/", amount="1", price="101", client_order_id="abc")
        frames = [await socket.hear() for _ in range(3)]
        assert [(f["channel"], f["event"]) for f in frames] == [
            (orders, "order_created"),
            (trades, "trade"),
            (orders, "order_deleted"),
        ]
        assert {f["data"]["client_order_id"] for f in frames} == {"abc"}
        assert frames[2]["pre_event_id"] == frames[0]["event_id"]


async def test_a_trade_with_oneself_is_told_on_its_own_channel(served: Served) -> None:
    """A self trade names both orders of the account; a trade with somebody else is not told there."""
    async with served() as live, _connect(live) as socket:
        token = await live.post("websockets_token/")
        channel = f"private-live_trades_btcusd-{token['user_id']}"
        assert (await socket.ask("bts:subscribe", channel, auth=token["token"]))["channel"] == channel
        await live.post("buy/btcusd/", amount="1", price="101")
        resting = await live.post("buy/btcusd/", amount="0.5", price="100")
        taking = await live.post("sell/btcusd/", amount="0.5", price="100")
        told = await socket.hear()
        assert (told["event"], told["channel"], told["data"]["price_str"]) == ("self_trade", channel, "100.00")
        both = (str(told["data"]["buy_order_id"]), str(told["data"]["sell_order_id"]))
        assert both == (resting["id"], taking["id"])


async def test_every_order_is_public_once_somebody_listens(served: Served) -> None:
    """live_orders tells of the house's orders too, and live_trades of every trade."""
    async with served() as live, _connect(live) as socket:
        for channel in ("live_orders_btcusd", "live_trades_btcusd", "announcements"):
            await socket.ask("bts:subscribe", channel)
        await live.post("sell/market/btcusd/", amount="0.5")
        events = [(await socket.hear())["event"] for _ in range(4)]
        assert events == ["order_created", "trade", "order_changed", "order_deleted"]
        await live.control("market_status", market="btcusd", enabled=False)
        assert (await socket.hear())["event"] == "published"


async def test_a_long_client_frame_closes_with_1009(served: Served) -> None:
    """A frame over 512 bytes ends the connection as seen live; 512 bytes pass."""
    async with served() as live, _connect(live) as socket:
        await socket.raw.send_str(" " * 490 + '{"event":"bts:hea"}'.ljust(22))
        assert (await socket.hear())["event"] == "bts:error"
        await socket.raw.send_str("x" * 9000)
        message = await socket.raw.receive()
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)
        assert message.extra == "read limited at 513 bytes"


async def test_the_1025th_channel_ends_the_connection(served: Served) -> None:
    """1024 channels are fine, one more closes silently."""
    async with served() as live, _connect(live) as socket:
        for number in range(1024):
            await socket.say("bts:subscribe", f"live_trades_m{number}")
        for _ in range(1024):
            await socket.hear()
        await socket.say("bts:subscribe", "live_trades_more")
        assert (await socket.raw.receive()).type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}


async def test_a_change_before_the_subscription_is_not_sent_to_it(served: Served) -> None:
    """A book changed just before a subscription, not yet flushed, is no frame of that subscription."""
    async with served() as live, _connect(live) as socket:
        for step in range(4):
            await _move(live, f"95.{step}1")
            await socket.ask("bts:subscribe", BOOK)
            await asyncio.sleep(0.15)  # Longer than the pace of the flushes, 100 ms.
            await _move(live, f"95.{step}2")
            assert (await socket.hear())["data"]["bids"][0][0] == f"95.{step}2"
            await socket.ask("bts:unsubscribe", BOOK)


FRAME_FAULTS: list[tuple[str, Callable[[Any], bool]]] = [
    ("crossed", lambda d: float(d["bids"][0][0]) > float(d["asks"][0][0])),
    ("empty", lambda d: d["bids"] == [] and d["asks"] == []),
    ("zero", lambda d: float(d["asks"][0][0]) == 0),
    ("absurd", lambda d: float(d["bids"][0][0]) == 95_000),
    ("nan", lambda d: d["bids"][0][0] == "NaN"),
    ("huge_number", lambda d: d["asks"][0][0] == "1e400"),
    ("wick", lambda d: (d["bids"][0][0], d["asks"][0][0]) == ("95.95", "106.05")),
    ("wrong_types", lambda d: isinstance(d["bids"], dict)),
]


@pytest.mark.parametrize(("name", "wrong"), FRAME_FAULTS, ids=[name for name, _ in FRAME_FAULTS])
async def test_book_faults_spoil_one_frame(served: Served, name: str, wrong: Callable[[Any], bool]) -> None:
    """A struck book frame is wrong in the named way; the next one is right again."""
    async with served(faults=(f"{name}:{BOOK}:1",)) as live, _connect(live) as socket:
        await socket.ask("bts:subscribe", BOOK)
        await _move(live)
        assert wrong((await socket.hear())["data"])
        await _move(live, "95.01")
        assert (await socket.hear())["data"]["bids"][0][0] == "95.01"


async def test_frames_can_be_repeated_delayed_and_garbled(served: Served) -> None:
    """Duplicate, older, reordered, burst, garbage, binary, deep and huge frames leave the socket alive."""
    async with served() as live, _connect(live) as socket:
        await socket.ask("bts:subscribe", BOOK)
        await live.fault(f"duplicate:{BOOK}:1")
        await _move(live, "96.01")
        first, again = await socket.hear(), await socket.hear()
        assert first == again
        await live.fault(f"older:{BOOK}:1")
        await _move(live, "96.02")
        newer, older = await socket.hear(), await socket.hear()
        assert (older, newer["data"]["bids"][0][0]) == (first, "96.02")
        await live.fault(f"reordered:{BOOK}:1")
        await _move(live, "96.03")
        await asyncio.sleep(0.15)
        await _move(live, "96.04")
        assert [(await socket.hear())["data"]["bids"][0][0] for _ in range(2)] == ["96.04", "96.03"]
        await live.fault(f"burst:{BOOK}:1,size=200")
        await _move(live, "96.05")
        assert len({json.dumps(await socket.hear()) for _ in range(200)}) == 1
        for name in ("garbage", "deep", "huge", "binary"):
            await live.fault(f"{name}:{BOOK}:1")
            await _move(live)
            message = await socket.raw.receive()
            if name == "binary":
                assert message.type is aiohttp.WSMsgType.BINARY
            elif name == "huge":
                assert len(message.data) > 4_000_000
            elif name == "garbage":
                with pytest.raises(ValueError, match=r"delimiter|Extra|value"):
                    json.loads(message.data)
        assert (await socket.ask("bts:heartbeat"))["event"] == "bts:heartbeat"


async def test_a_stall_can_spare_heartbeats_or_other_channels(served: Served) -> None:
    """stall_channel silences one channel, stall_frames all but heartbeats, stall everything."""
    async with served() as live, _connect(live) as socket:
        await socket.ask("bts:subscribe", BOOK)
        await socket.ask("bts:subscribe", "live_trades_btcusd")
        await live.fault(f"stall_channel:{BOOK}:1")
        await _move(live)
        await asyncio.sleep(0.15)
        await live.post("buy/market/btcusd/", amount="0.5")
        assert (await socket.hear())["event"] == "trade"
        await live.fault("stall_frames:live_trades_btcusd:1")
        await live.post("buy/market/btcusd/", amount="0.2")
        assert (await socket.ask("bts:heartbeat"))["event"] == "bts:heartbeat"
        await live.control("stall", kind="all", seconds=0.2)
        await socket.say("bts:heartbeat")
        await asyncio.sleep(0.25)
        await live.post("buy/market/btcusd/", amount="0.2")
        assert (await socket.hear())["event"] == "trade"


async def test_connections_end_in_every_way(served: Served) -> None:
    """FIN, RST, close codes and a request to reconnect reach the client as such."""
    async with served() as live:
        for fault, kinds in (
            ("fin", {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}),
            ("rst", {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}),
            ("close", {aiohttp.WSMsgType.CLOSE}),
        ):
            async with _connect(live) as socket:
                await socket.ask("bts:subscribe", BOOK)
                await live.fault(f"{fault}:{BOOK}:1" + (",code=4300" if fault == "close" else ""))
                await _move(live, f"97.0{len(fault)}")
                message = await socket.raw.receive()
                assert message.type in kinds
                assert fault != "close" or message.data == 4300
        async with _connect(live) as socket:
            await socket.ask("bts:heartbeat")
            await live.control("request_reconnect")
            assert await socket.hear() == {"event": "bts:request_reconnect", "channel": "", "data": ""}
            await live.control("drop_connections", code=1012)
            assert (await socket.raw.receive()).data == 1012


async def test_subscriptions_can_fail(served: Served) -> None:
    """A subscription can be refused or left unanswered; the connection stays usable."""
    faults = ("refuse_subscription:live_trades_btcusd:1", "ignore_subscription:live_trades_btceur:1")
    async with served(faults=faults) as live, _connect(live) as socket:
        assert (await socket.ask("bts:subscribe", "live_trades_btcusd"))["event"] == "bts:error"
        await socket.say("bts:subscribe", "live_trades_btceur")
        assert (await socket.ask("bts:subscribe", "live_trades_btcusd"))["channel"] == "live_trades_btcusd"
