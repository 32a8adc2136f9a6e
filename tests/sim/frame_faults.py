"""What is sent in place of a frame that is struck."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Protocol

from arbbot.exchange.faults import Fault
from arbbot.exchange.server.session import HangUp
from arbbot.exchange.server.stream_faults import BOOKS, INSTEAD

SIZES = {"huge": "300000", "burst": "300"}
"""Where a disturbance names none: smaller than the exchange's own, and enough to be what they are."""


class Remembering(Protocol):
    """What a connection remembers of its channels."""

    last_book: dict[str, str]
    held: dict[str, str]


def altered(link: Remembering, channel: str, frame: str, struck: Mapping[str, int]) -> list[str | bytes]:
    """The frames that go out instead. `struck`: what befalls this one, and in which size (0: the usual one)."""
    if "frame_lost" in struck or "private_lost" in struck:
        return []
    if "private_twice" in struck:
        return [frame, frame]
    for name, change in BOOKS.items():
        if name in struck:
            parsed = json.loads(frame)
            change(parsed["data"])
            return [json.dumps(parsed)]
    for name, make in INSTEAD.items():
        if name in struck:
            fault = Fault(name, "*", None, 1.0, {"size": str(struck[name] or SIZES.get(name, 1))})
            return [item for item in make(frame, fault) if not isinstance(item, HangUp)]
    if "older" in struck and channel in link.last_book:
        return [frame, link.last_book[channel]]
    if "reordered" in struck:
        link.held[channel] = frame
        return []
    return [frame]
