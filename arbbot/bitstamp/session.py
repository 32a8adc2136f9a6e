"""The WebSocket protocol of one connection, without any I/O: frames in, events out.

Knows what it subscribed to, what was acknowledged, and which book stamp came last. Total: no bytes make it raise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from orjson import JSONDecodeError, dumps, loads

from arbbot.bitstamp import codec_order
from arbbot.bitstamp.codec_account import StreamToken
from arbbot.bitstamp.codec_market import make_book
from arbbot.bitstamp.diff_book import DiffBook
from arbbot.bitstamp.wire import JsonObject, JsonValue, Malformed, as_object
from arbbot.domain.book import Book
from arbbot.domain.events import BookSeen, Event, FrameBad, MarketHalted, Moment, OrderEventSeen

HEARTBEAT = '{"event":"bts:heartbeat"}'
ANNOUNCEMENTS = "announcements"
MAX_CLIENT_FRAME = 512
"""Bytes; the venue closes a connection (1009) that sends more in one frame."""
FUTURE_US = 2 * 3600 * 1_000_000
"""A book stamped later than this after our clock is garbage, and believing it would drop all true ones after it; our
own clock may be an hour wrong.
"""
FUTURE_HINT = "is this machine's clock slow, or a compressed exchange's speed not in sandbox.speed?"

_HALT_WORDS = re.compile(r"\b(halt|halted|suspend|suspended|suspension|pause|paused|disabled)\b", re.IGNORECASE)
_TRADE_WORDS = re.compile(r"\b(trading|market|matching)\b", re.IGNORECASE)
_PAIR = re.compile(r"\b([A-Z0-9]{2,10})/([A-Z0-9]{2,10})\b")
_REASON_CHARS = 200


class Signal(Enum):
    """What the connection's owner must see to."""

    READY = "ready"
    """Every needed channel is acknowledged: `release` the books held until now."""
    REFUSED = "refused"
    """A needed subscription was refused or taken away: see `refusal`."""
    RECONNECT = "reconnect"
    """The venue asks for a new connection within seconds; this one still works."""


@dataclass(frozen=True, slots=True)
class Channels:
    """What one connection subscribes to. All market symbols."""

    books: tuple[str, ...]
    private: tuple[str, ...] = ()
    """Markets whose own orders and trades are wanted; needs a token."""
    diffs: bool = False
    """Keep full books from diffs instead of taking the 100-level snapshots, which then serve as audit."""


class _BookChannel:
    """A snapshot channel: its market and the last stamp seen."""

    __slots__ = ("last", "symbol")

    def __init__(self, symbol: str) -> None:
        self.symbol = symbol
        self.last = 0


class Session:
    """One connection's protocol state."""

    def __init__(self, epoch: int, channels: Channels, token: StreamToken | None = None) -> None:
        """`token` must be fresh (valid for about a minute) where private channels are wanted."""
        if channels.private and token is None:
            raise ValueError("private channels need a token")
        self.epoch = epoch
        self.ready = False
        self.refusal = ""
        self.last_frame_ns = 0
        self.duplicates = 0
        """Book frames whose stamp was not newer than the last."""
        self.strays = 0
        """Frames of channels never subscribed."""
        self.unspliced: set[str] = set()
        """Diff mode: markets that wait for a REST snapshot."""
        self._books: dict[str, _BookChannel] = {}
        self._others: dict[str, Callable[[str, JsonValue], Event | None]] = {ANNOUNCEMENTS: self._announced}
        self._diffs: dict[str, DiffBook] = {}
        self._symbols = frozenset(channels.books) | frozenset(channels.private)
        self._held: dict[str, BookSeen] = {}
        self._auth: dict[str, str] = {}
        for symbol in channels.books:
            if channels.diffs:
                self._subscribe_diffs(symbol)
            else:
                self._books[f"order_book_{symbol}"] = _BookChannel(symbol)
        if token is not None:
            for symbol in channels.private:
                self._subscribe_private(symbol, token)
        self._waiting = {*self._books, *self._diffs, *self._others} - {ANNOUNCEMENTS}
        self._needed = frozenset(self._waiting)

    def _subscribe_diffs(self, symbol: str) -> None:
        diff = self._diffs[f"diff_order_book_{symbol}"] = DiffBook(symbol)
        self.unspliced.add(symbol)
        self._others[f"order_book_{symbol}"] = lambda _, payload: self._audited(diff, payload)

    def _subscribe_private(self, symbol: str, token: StreamToken) -> None:
        orders = f"private-my_orders_{symbol}-{token.user_id}"
        trades = f"private-my_trades_{symbol}-{token.user_id}"
        self._auth[orders] = self._auth[trades] = token.token
        self._others[orders] = lambda kind, payload: _own_order(kind, payload, symbol)
        self._others[trades] = lambda kind, payload: _own_trade(kind, payload, symbol)

    # --- to be sent -------------------------------------------------------------------------------------------

    def needed_frames(self) -> list[str]:
        """Subscriptions to send as soon as the connection is open, one channel a frame, in a fixed order."""
        return [_subscription(channel, self._auth.get(channel)) for channel in sorted(self._needed)]

    def optional_frames(self) -> list[str]:
        """Subscriptions to send once ready: their refusal must not cost the feed (errors name no channel)."""
        return [_subscription(ANNOUNCEMENTS, None)]

    # --- received ---------------------------------------------------------------------------------------------

    def receive(self, raw: bytes, at: Moment) -> Event | Signal | None:
        """The one event a frame makes, a signal, or None for frames that say nothing new."""
        self.last_frame_ns, symbol = at.mono_ns, None
        try:
            frame = loads(raw)
            channel = frame["channel"]
            route = self._books.get(channel)
            if route is None or frame["event"] != "data":
                return self._other(frame, channel, at)
            symbol = route.symbol
            payload = frame["data"]
            stamp = int(payload["microtimestamp"])
            if stamp <= route.last:
                self.duplicates += 1
                return None
            if stamp > at.utc_us + FUTURE_US:
                return FrameBad(f"{channel}: stamped in the future; {FUTURE_HINT}", self._outdated(symbol))
            seen = BookSeen(make_book(symbol, stamp, payload["bids"], payload["asks"]), self.epoch)
        except (KeyError, TypeError, ValueError) as error:
            return FrameBad(_reason(error), None if symbol is None else self._outdated(symbol))
        route.last = stamp
        if self.ready:
            return seen
        self._held[symbol] = seen
        return None

    def _outdated(self, symbol: str) -> str:
        """A market's book has changed, unreadably: the one that waits to be released is no longer current."""
        self._held.pop(symbol, None)
        return symbol

    def release(self) -> list[BookSeen]:
        """The latest book of each market that came before all was acknowledged; each is still current, for the
        venue sends a book on every change.
        """
        held, self._held = list(self._held.values()), {}
        return held

    def splice(self, snapshot: Book) -> BookSeen | None:
        """Diff mode: offer a REST snapshot of a market in `unspliced`; the book when it met the diffs."""
        diff = self._diffs.get(f"diff_order_book_{snapshot.symbol}")
        if diff is None or diff.spliced or snapshot.microtimestamp > diff.stamp + FUTURE_US:
            return None
        try:
            book = diff.splice(snapshot)
        except Malformed:
            return None
        if book is None:
            return None
        self.unspliced.discard(snapshot.symbol)
        return BookSeen(book, self.epoch)

    def _other(self, frame: JsonObject, channel: str, at: Moment) -> Event | Signal | None:
        """Everything but a book snapshot. Raises KeyError, TypeError or ValueError for frames that make no sense."""
        kind = frame["event"]
        diff = self._diffs.get(channel)
        if diff is not None and kind == "data":
            return self._diffed(diff, frame.get("data"), at.utc_us + FUTURE_US)
        if not isinstance(kind, str):
            raise Malformed("event is not a text")
        if kind.startswith("bts:"):
            return self._control(kind, channel, frame.get("data"))
        take = self._others.get(channel)
        if take is None:
            self.strays += 1
            return None
        return take(kind, frame["data"])

    def _control(self, kind: str, channel: str, payload: JsonValue) -> Event | Signal | None:
        if kind == "bts:subscription_succeeded":
            if channel not in self._waiting:
                return None
            self._waiting.discard(channel)
            self.ready = not self._waiting
            return Signal.READY if self.ready else None
        if kind == "bts:unsubscription_succeeded":
            if channel not in self._needed:
                return None
            self.refusal = f"{channel} unsubscribed by the venue"
            return Signal.REFUSED
        if kind == "bts:request_reconnect":
            return Signal.RECONNECT
        if kind == "bts:error":
            return self._refused(payload)
        return None

    def _refused(self, payload: JsonValue) -> Event | Signal:
        """An error names no channel: before all is acknowledged, one of our subscriptions was meant."""
        error = as_object(payload, "error")
        reason = f"venue error {error.get('code')}: {error.get('message')}"[:_REASON_CHARS]
        if self.ready:
            return FrameBad(reason)
        self.refusal = reason
        return Signal.REFUSED

    # --- channels other than snapshots ------------------------------------------------------------------------

    def _diffed(self, diff: DiffBook, payload: JsonValue, latest_us: int) -> Event | None:
        known = diff.stamp
        try:
            book = diff.apply(payload, latest_us)
        except Malformed as error:
            return FrameBad(_reason(error), self._outdated(diff.symbol))
        finally:
            if not diff.spliced:
                self.unspliced.add(diff.symbol)
        if book is None:
            self.duplicates += diff.stamp == known
            return None
        seen = BookSeen(book, self.epoch)
        if self.ready:
            return seen
        self._held[diff.symbol] = seen
        return None

    def _audited(self, diff: DiffBook, payload: JsonValue) -> Event | None:
        if diff.audit(payload):
            return None
        self.unspliced.add(diff.symbol)
        reason = f"{diff.symbol}: book from diffs differs from the venue's snapshot"
        return FrameBad(reason, self._outdated(diff.symbol))

    def _announced(self, kind: str, payload: JsonValue) -> Event | None:
        """A halt, where an announcement reads like one.

        The content of announcements is not documented, so any text in it counts. One that names only markets which
        are not ours is left alone; one that names none is taken for the whole venue. Only the market list says that
        trading is on again: believing words for that would be the expensive mistake.
        """
        words = " ".join(_texts(payload, depth=4))[:2000]
        if not (_HALT_WORDS.search(words) and _TRADE_WORDS.search(words)):
            return None
        named = {f"{base}{counter}".lower() for base, counter in _PAIR.findall(words)}
        named |= {symbol for symbol in self._symbols if re.search(rf"\b{re.escape(symbol)}\b", words, re.IGNORECASE)}
        ours = sorted(named & self._symbols)
        if named and not ours:
            return None
        return MarketHalted(ours[0] if len(ours) == 1 else None, True, f"{kind}: {words}"[:_REASON_CHARS])


def _subscription(channel: str, auth: str | None) -> str:
    """A subscribe frame, small enough for the venue's limit."""
    body = {"channel": channel} if auth is None else {"channel": channel, "auth": auth}
    frame = dumps({"event": "bts:subscribe", "data": body})
    if len(frame) >= MAX_CLIENT_FRAME:
        raise ValueError(f"the subscription of {channel} is too long for the venue")
    return frame.decode()


def _own_order(kind: str, payload: JsonValue, symbol: str) -> Event | None:
    event = codec_order.order_event(kind, as_object(payload, "order"), symbol)
    return None if event is None else OrderEventSeen(event)


def _own_trade(kind: str, payload: JsonValue, symbol: str) -> Event | None:
    return codec_order.fill_seen(as_object(payload, "trade"), symbol) if kind == "trade" else None


def _texts(value: JsonValue, depth: int) -> Sequence[str]:
    if isinstance(value, str):
        return [value]
    if depth and isinstance(value, dict):
        value = list(value.values())
    if depth and isinstance(value, list):
        return [text for part in value for text in _texts(part, depth - 1)]
    return []


def _reason(error: Exception) -> str:
    """Why a frame was bad, in bounded words."""
    if isinstance(error, KeyError):
        return f"lacks {error.args[0]!r}"
    if isinstance(error, JSONDecodeError):
        return f"not JSON: {error.msg}"[:_REASON_CHARS]
    return f"{type(error).__name__}: {error}"[:_REASON_CHARS]
