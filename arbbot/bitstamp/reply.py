"""What came back from one request, as plain values a recorder can keep, and the venue's many forms of "no"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from arbbot.bitstamp.causes import PERMISSION_TEXTS, cause_of
from arbbot.bitstamp.wire import JsonObject, JsonValue, Malformed, parse_json

RATE_LIMIT_CODES = frozenset({"400.002", "400.067", "400.068"})
"""Rate limit exceeded; client's; market's."""


class Seal(StrEnum):
    """What the reply's own signature said, checked on the raw bytes."""

    NONE = "none"
    """No signature header. Public replies never have one; whether error replies do is not documented."""
    VALID = "valid"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Reply:
    """A complete HTTP reply: body raw, after content decoding."""

    status: int
    body: bytes
    content_type: str | None = None
    seal: Seal = Seal.NONE
    date_utc_ms: int | None = None
    """The `Date` header, milliseconds since the epoch, good to a second."""


@dataclass(frozen=True, slots=True)
class NoReply:
    """Nothing complete came back. `sent` False: provably no byte of the request went out."""

    sent: bool
    reason: str
    rate_limited: bool = False
    """Our own budget kept it from being sent."""


Answer = Reply | NoReply


@dataclass(frozen=True, slots=True)
class VenueError:
    """An explicit error of the venue, of whichever shape. `texts` are its reasons, blanks dropped."""

    code: str | None
    """`response_code` like 400.021, or `code` like API0005."""
    texts: tuple[str, ...]
    order_id: JsonValue = None
    """Beside code 500.016: the order that may exist."""
    reasoned: bool = False
    """Written `{"status": "error", "reason": ...}`, as order calls do; their texts are believed, others' are not."""

    @property
    def is_auth(self) -> bool:
        """Key, signature, clock or permission: nothing private will work until a person looks."""
        if self.code is not None and _AUTH_CODE.fullmatch(self.code):
            return True
        return any(text.rstrip(".") in _AUTH_TEXTS for text in self.texts)

    @property
    def is_no_permission(self) -> bool:
        """The key is good, and lacks the right for this call."""
        if self.code is not None:
            return self.code == "API0003"
        return any(text.rstrip(".") in PERMISSION_TEXTS for text in self.texts)

    @property
    def is_rate_limit(self) -> bool:
        """The venue says we ask too often."""
        return self.code in RATE_LIMIT_CODES

    @property
    def is_order_not_found(self) -> bool:
        """The venue knows no such order (yet): the text comes with and without its dot."""
        if self.code is not None:
            return self.code == "404.002"
        return self.reasoned and bool(self.texts) and all(_NOT_FOUND.fullmatch(text) for text in self.texts)

    def __str__(self) -> str:
        words = "; ".join(self.texts)[:200]
        if self.code == _CLOCK_CODE:
            words = f"our clock, not our key: {words}"
        told = f"{self.code}: {words}" if self.code else words or "error without a reason"
        cause = cause_of(self.code, self.texts)
        return f"{told} (likely {cause})" if cause else told


_CLOCK_CODE = "API0017"
"""The time stamp lies outside of what the venue accepts."""
_AUTH_CODE = re.compile(r"API00(0[1-9]|1[0-9]|2[01])")
_AUTH_TEXTS = PERMISSION_TEXTS | {"Unauthorized", "API key not found", "Wrong API key format"}
_NOT_FOUND = re.compile(r"Order not found( for corresponding request)?\.?")


def parsed_body(reply: Reply) -> JsonValue:
    """The reply's JSON. Raises Malformed."""
    return parse_json(reply.body)


def error_in(reply: Reply, parsed: JsonValue) -> VenueError | None:
    """The explicit error a parsed reply carries; None for a good reply.

    An HTTP status of 400 and up is an error whatever the body; `status` also occurs in good replies (`Canceled`).
    """
    if not isinstance(parsed, dict):
        return None if reply.status < 400 else VenueError(None, (f"HTTP {reply.status}",))
    named = parsed.get("status") == "error" or parsed.get("error") is not None
    if reply.status < 400 and not named:
        return None
    reasoned = parsed.get("status") == "error" and parsed.get("reason") is not None
    return VenueError(_code_of(parsed), _texts_of(parsed), parsed.get("order_id"), reasoned)


def _code_of(parsed: JsonObject) -> str | None:
    for key in ("response_code", "code"):
        code = parsed.get(key)
        if isinstance(code, str) and code:
            return code
    return None


def _texts_of(parsed: JsonObject) -> tuple[str, ...]:
    for key in ("reason", "error", "message"):
        texts = tuple(_flatten(parsed[key], depth=3)) if key in parsed else ()
        if texts:
            return texts
    return ()


def _flatten(value: JsonValue, depth: int) -> list[str]:
    """All non-blank texts in a text, a list of texts, or an object of lists of texts; "?" for anything else in it."""
    if isinstance(value, str):
        return [value.strip()] if value.strip() else []
    if depth and isinstance(value, dict):
        value = list(value.values())
    if depth and isinstance(value, list):
        return [text for part in value for text in _flatten(part, depth - 1)]
    return ["?"]


def is_rate_limited(reply: Reply) -> bool:
    """Whether to slow down: HTTP 429, HTTP 403 with a page instead of JSON, or one of the rate limit codes."""
    if reply.status == 429:
        return True
    if reply.status < 400 and b'"400.0' not in reply.body:
        return False
    try:
        parsed = parsed_body(reply)
    except Malformed:
        return reply.status == 403
    error = error_in(reply, parsed)
    return error is not None and error.is_rate_limit
