"""WebSocket faults: what becomes of a frame that is struck."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from arbbot.exchange.faults import Fault
from arbbot.exchange.server.session import HangUp, Outgoing, Session

RECONNECT = '{"event":"bts:request_reconnect","channel":"","data":""}'
NOT_SENDABLE = frozenset({1005, 1006, 1015})
Book = dict[str, Any]


def _edit(frame: str, change: Callable[[Book], object]) -> str:
    """Change the `data` of a book frame; other frames stay as they are."""
    parsed = json.loads(frame)
    if "bids" not in parsed["data"]:
        return frame
    change(parsed["data"])
    return json.dumps(parsed, separators=(",", ":"))


def _cross(book: Book) -> None:
    book["bids"], book["asks"] = book["asks"][:1] + book["bids"], book["bids"][:1] + book["asks"]


def _scale(row: list[str]) -> list[str]:
    return [row[0].replace(".", "000."), *row[1:]]


def _wick(fault: Fault) -> Callable[[Book], object]:
    factor = 1 + Decimal(fault.params["share"])

    def shift(book: Book) -> None:
        for side in ("bids", "asks"):
            book[side] = [[str((Decimal(row[0]) * factor).quantize(Decimal(row[0]))), *row[1:]] for row in book[side]]

    return shift


BOOKS: dict[str, Callable[[Book], object]] = {
    "crossed": _cross,
    "empty": lambda book: book.update(bids=[], asks=[]),
    "zero": lambda book: book.update(asks=[["0.00", "1.00000000"], *book["asks"]]),
    "absurd": lambda book: book.update(bids=[_scale(row) for row in book["bids"]]),
    "nan": lambda book: book["bids"].insert(0, ["NaN", "1.00000000"]),
    "huge_number": lambda book: book["asks"].insert(0, ["1e400", "1.00000000"]),
    "wrong_types": lambda book: book.update(bids={"price": None}, asks=7),
}
INSTEAD: dict[str, Callable[[str, Fault], list[Outgoing]]] = {
    "garbage": lambda frame, fault: [frame[: len(frame) // 2] + "}{"],
    "binary": lambda frame, fault: [b"\xff\xfe" + frame.encode()[:20]],
    "deep": lambda frame, fault: ["[" * 50_000 + "]" * 50_000],
    "huge": lambda frame, fault: [json.dumps({"event": "data", "data": "x" * int(fault.params["size"])})],
    "burst": lambda frame, fault: [frame] * int(fault.params["size"]),
    "duplicate": lambda frame, fault: [frame, frame],
    "request_reconnect": lambda frame, fault: [frame, RECONNECT],
    "fin": lambda frame, fault: [HangUp()],
    "rst": lambda frame, fault: [HangUp(reset=True)],
}


def _close(fault: Fault) -> HangUp:
    code = int(fault.params["code"])
    return HangUp(None if code in NOT_SENDABLE else code)


def _mute(session: Session, channel: str, name: str, fault: Fault) -> list[Outgoing]:
    until = asyncio.get_running_loop().time() + fault.delay_s
    if name == "stall_channel":
        session.muted_channels[channel] = until
    else:
        session.mute, session.mute_until = ("all" if name == "stall" else "frames"), until
    return []


def strike(session: Session, channel: str, frame: str, struck: Mapping[str, Fault]) -> list[Outgoing]:
    """Return what is sent to the session in place of `frame`."""
    out: list[Outgoing] = [frame]
    for name, fault in struck.items():
        if name in BOOKS:
            out = [_edit(frame, BOOKS[name])]
        elif name == "wick":
            out = [_edit(frame, _wick(fault))]
        elif name in INSTEAD:
            out = INSTEAD[name](frame, fault)
        elif name == "close":
            out = [_close(fault)]
        elif name.startswith("stall"):
            out = _mute(session, channel, name, fault)
        elif name == "older" and channel in session.last_frames:
            out = [frame, session.last_frames[channel]]
        elif name == "reordered":
            session.held[channel] = frame
            out = []
    return out
