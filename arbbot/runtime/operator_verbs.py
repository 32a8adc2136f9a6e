"""What a person commands through the control socket, as events; and what came of it, in words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from arbbot.domain import events as ev
from arbbot.domain.mode import Mode
from arbbot.domain.records import AlertRaised, Record
from arbbot.engine.state import State
from arbbot.runtime.control import Refused

TEXT_CHARS_MAX = 500
LOOK_BACK_MAX_S = 366 * 86_400


def operator_event(request: dict[str, Any]) -> ev.OperatorEvent:
    """The event behind a verb that changes something. Raises Refused unless it says who, and why."""
    verb = request["verb"]
    if verb not in OPERATOR_VERBS:
        raise Refused(f"unknown verb {verb!r}")
    return OPERATOR_VERBS[verb](request, *who_and_why(request))


def who_and_why(request: dict[str, Any]) -> tuple[str, str]:
    """Of whatever changes something. Raises Refused where either is missing."""
    return _text(request, "who"), _text(request, "reason")


def _text(request: dict[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value.strip():
        raise Refused(f"{request['verb']} wants {key}, in words")
    if len(value) > TEXT_CHARS_MAX or not value.isprintable():
        raise Refused(f"{key} is one line of at most {TEXT_CHARS_MAX} characters")
    return value.strip()


def _halt(request: dict[str, Any], who: str, reason: str) -> ev.OperatorHalted:
    panic = request.get("panic", False)
    if not isinstance(panic, bool):
        raise Refused("panic is true or false")
    return ev.OperatorHalted(who, reason, panic)


def _resolve(request: dict[str, Any], who: str, reason: str) -> ev.OperatorResolved:
    word = request.get("as")
    venue_order_id = None
    if word != "absent":
        if isinstance(word, bool) or not isinstance(word, int | str) or not str(word).isdecimal() or int(word) < 1:
            raise Refused('resolve wants as: "absent", or the venue\'s order id')
        venue_order_id = int(word)
    return ev.OperatorResolved(_text(request, "client_order_id"), venue_order_id, who, reason)


def _ramp_set(request: dict[str, Any], who: str, reason: str) -> ev.OperatorRampSet:
    try:
        percent = Decimal(_text(request, "percent"))
    except InvalidOperation:
        raise Refused("ramp_set wants percent, a number") from None
    if not percent.is_finite() or not 0 < percent <= 100:
        raise Refused("percent is more than 0 and at most 100")
    return ev.OperatorRampSet(percent / 100, who, reason)


OPERATOR_VERBS: dict[str, Callable[[dict[str, Any], str, str], ev.OperatorEvent]] = {
    "pause": lambda _, who, reason: ev.OperatorPaused(who, reason),
    "resume": lambda _, who, reason: ev.OperatorResumed(who, reason),
    "halt": _halt,
    "resolve": _resolve,
    "ramp_set": _ramp_set,
    "rebase": lambda _, who, reason: ev.OperatorRebased(who, reason),
}
"""Verbs that change something, and the event of each."""


def window_us(over_s: Any) -> int:
    """How far back a look shall go: seconds as text. Raises Refused."""
    try:
        span_s = Decimal(over_s) if isinstance(over_s, str) and len(over_s) <= 40 else Decimal("NaN")
    except InvalidOperation:
        span_s = Decimal("NaN")
    if not span_s.is_finite() or not 0 < span_s <= LOOK_BACK_MAX_S:
        raise Refused(f"over_s is a number of seconds, as text, of at most {LOOK_BACK_MAX_S}")
    return int(span_s * 1_000_000)


def outcome(state: State, records: Sequence[Record], verb: str = "") -> dict[str, Any]:
    """What the event led to: the state now, and what was said. Raises Refused when the engine would not do it."""
    said = [record for record in records if isinstance(record, AlertRaised)]
    for alert in said:
        if alert.name in ("resolve_refused", "ramp_refused"):
            raise Refused(alert.text)
    return {
        "state": state.mode.value,
        "state_reason": state.mode_reason,
        "in_doubt": [order.terms.client_order_id for order in state.in_doubt()],
        "said": [alert.text for alert in said] or _quietly(state, verb),
    }


def _quietly(state: State, verb: str) -> list[str]:
    """What no alert tells of: why a pause led to nothing."""
    if verb != "pause":
        return []
    if state.mode is Mode.PAUSED:
        return ["paused already: nothing has changed"]
    return [f"{state.mode.value} already, which is stricter than a pause: nothing has changed"]
