"""Fault switches: what may go wrong on purpose, where, how often. Applying them is the server's part.

A fault is written `name[:pattern[:count]][,parameter=value...]`, for example `reply_lost:buy:1`,
`delay_before:*:0.2,delay_s=2` or `stall:order_book_btcusd:1,delay_s=30`. The pattern names a REST path
below /api/v2/ (`buy` covers `buy/market/btcusd` too) or a WebSocket channel, with `*` and `?`. A whole
count is how many times, a fraction how probable; nothing means always.
"""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase


class Stage(StrEnum):
    """Where a fault strikes."""

    REST = "rest"
    FRAME = "frame"
    SUBSCRIBE = "subscribe"


@dataclass(frozen=True, slots=True)
class FaultKind:
    """What a fault does, where it strikes and which parameters it takes, with their defaults."""

    stage: Stage
    meaning: str
    defaults: dict[str, str] = field(default_factory=dict)


def _rest(meaning: str, **defaults: str) -> FaultKind:
    return FaultKind(Stage.REST, meaning, defaults)


def _frame(meaning: str, **defaults: str) -> FaultKind:
    return FaultKind(Stage.FRAME, meaning, defaults)


FAULTS: dict[str, FaultKind] = {
    "refuse": _rest("reset the connection on arrival of the request"),
    "request_lost": _rest("close the connection, the request is not carried out"),
    "reply_lost": _rest("carry the request out, close the connection without a reply"),
    "delay_before": _rest("wait before carrying the request out", delay_s="1"),
    "delay_after": _rest("wait before replying", delay_s="1"),
    "http_500": _rest("HTML error 500", accepted="0"),
    "http_502": _rest("HTML error 502", accepted="0"),
    "http_503": _rest("HTML error 503", accepted="0"),
    "http_504": _rest("HTML error 504", accepted="0"),
    "html_200": _rest("an HTML page under status 200", accepted="0"),
    "block_403": _rest("HTML block page under status 403", accepted="0"),
    "empty_200": _rest("empty body under status 200", accepted="0"),
    "maintenance": _rest("JSON maintenance notice", accepted="0"),
    "rate_limited": _rest("rate limit reply", status="400"),
    "auth_403": _rest("authentication error", code="API0005"),
    "ip_403": _rest("address not allowed", code="API0002"),
    "reject": _rest("order refused", reason="Price is more than 20% above market price.", code="400.021"),
    "insufficient": _rest(
        "order refused for its funds",
        reason="You have only 0.00000000 BTC available. Check your account balance for details.",
        code="400.009",
    ),
    "halted": _rest("order refused, market disabled", reason="Order could not be placed.", code="400.003"),
    "timed_out": _rest("500.016 although the order is alive"),
    "truncated": _rest("body cut in half, connection closed"),
    "mis_signed": _rest("wrong reply signature"),
    "unsigned": _rest("no reply signature"),
    "other_reply": _rest("the reply to an earlier, different request"),
    "stale_reply": _rest("the previous reply to the same path, signed anew"),
    "not_found": _rest("accepted, then unknown to order_status for a while", delay_s="5"),
    "partial_cancel": _rest("fill a share, cancel the rest", share="0.5"),
    "fill_after_cancel": _rest("cancel acknowledged, then a share fills", delay_s="1", share="1"),
    "withdrawal_stuck": _rest("withdrawal taken, then in process for ever"),
    "withdrawal_failed": _rest("withdrawal taken, fails when it should be finished"),
    "withdrawal_canceled": _rest("withdrawal taken, then canceled by the venue before it is in process"),
    "withdrawal_reversed": _rest("withdrawal finished, then reversed"),
    "requests_late": _rest("leave the newest withdrawal requests out", delay_s="10"),
    "rows_late": _rest("leave the newest rows out", delay_s="10"),
    "rows_duplicated": _rest("every row twice"),
    "rows_shuffled": _rest("rows out of order"),
    "rows_retyped": _rest("numbers as strings and strings as numbers"),
    "rows_unknown": _rest("a row of an unknown type on top"),
    "fin": _frame("close the TCP connection"),
    "rst": _frame("reset the TCP connection"),
    "close": _frame("close with a code", code="1001"),
    "stall": _frame("send nothing more, not even heartbeat replies", delay_s="60"),
    "stall_frames": _frame("send only heartbeat replies", delay_s="60"),
    "stall_channel": _frame("send nothing more on this channel", delay_s="60"),
    "request_reconnect": _frame("ask the client to reconnect"),
    "crossed": _frame("book with bid above ask"),
    "empty": _frame("book without levels"),
    "zero": _frame("book with a zero price"),
    "absurd": _frame("book with prices a thousand times too high"),
    "wick": _frame("book with every price off by a share that looks possible", share="0.01"),
    "duplicate": _frame("the frame twice"),
    "older": _frame("the frame, then the one before it again"),
    "reordered": _frame("the frame after the next one"),
    "garbage": _frame("text that is not JSON"),
    "nan": _frame("NaN for a price"),
    "huge_number": _frame("1e400 for a price"),
    "wrong_types": _frame("objects where lists belong"),
    "binary": _frame("a binary frame that is not UTF-8"),
    "deep": _frame("deeply nested JSON"),
    "huge": _frame("a frame of several megabytes", size="4000000"),
    "burst": _frame("the frame many times", size="10000"),
    "refuse_subscription": FaultKind(Stage.SUBSCRIBE, "answer a subscription with bts:error"),
    "ignore_subscription": FaultKind(Stage.SUBSCRIBE, "leave a subscription unanswered"),
}


WHOLE, CHANCE = r"[0-9]{1,9}", r"0?\.[0-9]{1,9}|1\.0{0,9}|0\."
WRITTEN = {
    "delay_s": ("a number of seconds", r"[0-9]{1,9}(\.[0-9]{1,9})?"),
    "share": ("a share, such as 0.5", r"-?[0-9]{1,9}(\.[0-9]{1,18})?"),
    "size": ("a whole number", WHOLE),
    "status": ("a status of three digits", r"[1-5][0-9]{2}"),
    "close code": ("a code of four digits", r"[1-4][0-9]{3}"),
}
"""How values are written, by their parameter's name: what is meant, and its pattern."""


class BadFault(ValueError):
    """A fault was written wrongly."""


@dataclass(slots=True, eq=False)
class Fault:
    """A switched-on fault: `left` is how often it will still strike, None for without end."""

    name: str
    pattern: str
    left: int | None
    chance: float
    params: dict[str, str]
    fired: int = 0

    @classmethod
    def parse(cls, text: str) -> Fault:
        """Read a fault as written; raises BadFault."""
        head, *extras = text.split(",")
        name, _, rest = head.partition(":")
        pattern, _, times = rest.partition(":")
        if name not in FAULTS:
            raise BadFault(f"unknown fault {name!r}; known are {', '.join(FAULTS)}")
        params = dict(FAULTS[name].defaults)
        for extra in extras:
            key, separator, value = extra.partition("=")
            if not separator or key not in params:
                raise BadFault(f"fault {name!r} takes {sorted(params) or 'no parameters'}, not {extra!r}")
            meant = WRITTEN.get(f"{name} {key}") or WRITTEN.get(key)
            if meant is not None and not re.fullmatch(meant[1], value):
                raise BadFault(f"fault {text!r}: {key} is {meant[0]}, not {value!r}")
            params[key] = value
        if re.fullmatch(WHOLE, times):
            return cls(name, pattern or "*", int(times), 1.0, params)
        if times and not re.fullmatch(CHANCE, times):
            raise BadFault(f"fault {text!r}: {times!r} is neither a whole count nor a probability between 0 and 1")
        return cls(name, pattern or "*", None, float(times or "1"), params)

    def covers(self, target: str) -> bool:
        """Say whether the fault is meant for a path or channel."""
        return fnmatchcase(target, self.pattern) or target.startswith(self.pattern + "/")

    @property
    def delay_s(self) -> float:
        """Seconds of its `delay_s` parameter."""
        return float(self.params["delay_s"])


class Faults:
    """The faults switched on, with their own seeded dice."""

    def __init__(self, texts: tuple[str, ...] = (), seed: int = 0) -> None:
        """Switch on the given faults; raises BadFault."""
        self.active = [Fault.parse(text) for text in texts]
        self._dice = random.Random(seed)  # noqa: S311 - reproducible dice, not a secret

    def take(self, stage: Stage, target: str) -> dict[str, Fault]:
        """Return the faults that strike now, by name, and count them."""
        struck: dict[str, Fault] = {}
        for fault in self.active:
            if FAULTS[fault.name].stage is not stage or fault.name in struck or not fault.covers(target):
                continue
            if fault.left == 0 or (fault.chance < 1 and self._dice.random() >= fault.chance):
                continue
            if fault.left is not None:
                fault.left -= 1
            fault.fired += 1
            struck[fault.name] = fault
        return struck
