"""What a treasury asks through the control socket, as events; and the account as a settlement has to know it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from decimal import Decimal, InvalidOperation
from typing import Any

from arbbot.domain.events import Moment
from arbbot.domain.lease import LeaseDenied
from arbbot.domain.lease_words import (
    LeaseAsked,
    LeaseReleased,
    LeaseWord,
    OrderAnnounced,
    RequestAnnounced,
    SettlementWord,
)
from arbbot.domain.records import Record
from arbbot.engine import risk
from arbbot.engine.refusal import EXPLANATIONS
from arbbot.engine.settlements import AnnouncedOrder, AnnouncedWithdrawal
from arbbot.engine.step import Engine
from arbbot.runtime.control import Refused

LEASE_VERBS = ("lease", "announce", "release")
TEXT_CHARS_MAX = 300
NUMBER_CHARS_MAX = 40
ID_MAX = 2**63
_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")


def lease_event(request: dict[str, Any]) -> LeaseWord:
    """The event behind one of the lease's verbs. Raises Refused where it lacks something."""
    who, reason = _text(request, "who"), _text(request, "reason")
    if request["verb"] == "lease":
        return LeaseAsked(who, reason)
    if request["verb"] == "release":
        return LeaseReleased(_name(request, "lease"), who, reason)
    name = _name(request, "name")
    match request.get("what"):
        case "order":
            return OrderAnnounced(
                _name(request, "lease"), name, _name(request, "base"), _name(request, "counter"),
                _number(request, "size"), _number(request, "price"), _number(request, "fee"),
            )  # fmt: skip
        case "withdrawal":
            return RequestAnnounced(
                _name(request, "lease"), name, _name(request, "currency"), _number(request, "size"),
                _number(request, "fee"), _text(request, "network"),
            )  # fmt: skip
        case "word":
            filled = None if request.get("filled") is None else _number(request, "filled")
            return SettlementWord(name, _name(request, "outcome"), _identity(request), filled, reason)
    raise Refused('announce wants what: "order", "withdrawal" or "word"')


def lease_outcome(engine: Engine, records: Sequence[Record]) -> dict[str, Any]:
    """The lease as it stands after the event. Raises Refused when the engine would not do it, or is broken."""
    for record in records:
        if isinstance(record, LeaseDenied):
            raise Refused(record.reason)
    if not records:
        raise Refused("nothing was written down: the daemon is leaving")
    lease = engine.core.state.settlements.lease
    return {"lease": None if lease is None else lease.lease_id, "until_utc_us": lease and lease.until_utc_us}


def settlement(engine: Engine, request: dict[str, Any], now: Moment) -> dict[str, Any]:
    """Everything a settlement goes by: what may be spent, what is at hand, what was announced, and why it must wait."""
    core, state = engine.core, engine.core.state
    pays = request.get("pays") or core.route.numeraire
    buys = request.get("buys")
    if pays not in core.route.currencies[1:] or (buys is not None and not isinstance(buys, str)):
        raise Refused(f"settlement wants pays: one of {', '.join(core.route.currencies[1:])}")
    figures = engine.lease.figures(pays)
    busy = risk.busy(core)
    return {
        "journal_key": core.journal_key,
        "numeraire": core.route.numeraire,
        "lease": None if state.settlements.lease is None else state.settlements.lease.lease_id,
        "agreed": risk.unreconciled(core) is None,
        "waiting": None if busy is None else EXPLANATIONS[busy],
        "state": state.mode.value,
        "anchor_utc_us": None if state.anchor is None else state.anchor.utc_us,
        "withdrawable": asdict(figures) | {"principal": dict(figures.principal)},
        "at_hand": None if buys is None else engine.lease.at_hand(buys),
        "orders": {name: _order(each) for name, each in state.settlements.orders.items()},
        "withdrawals": {name: _withdrawal(each) for name, each in state.settlements.withdrawals.items()},
        "balances": {name: balance.total for name, balance in engine.books.balances.items()},
        "utc_us": now.utc_us,
    }


def _order(order: AnnouncedOrder) -> dict[str, Any]:
    return {
        "venue_id": order.venue_id, "filled": order.filled, "rowed": order.rowed, "paid": order.paid,
        "complete": order.complete,
    }  # fmt: skip


def _withdrawal(each: AnnouncedWithdrawal) -> dict[str, Any]:
    return {
        "outcome": each.outcome, "venue_id": each.venue_id, "total": each.total, "in_transit": each.out,
        "rowed": each.rowed, "held": each.held, "back": each.back,
    }  # fmt: skip


def _text(request: dict[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not value.strip() or len(value) > TEXT_CHARS_MAX or not value.isprintable():
        raise Refused(f"{request['verb']} wants {key}: one line of at most {TEXT_CHARS_MAX} characters")
    return value.strip()


def _name(request: dict[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise Refused(f"{request['verb']} wants {key}: letters, digits and dashes")
    return value


def _number(request: dict[str, Any], key: str) -> Decimal:
    value = request.get(key)
    try:
        number = Decimal(value) if isinstance(value, str) and len(value) <= NUMBER_CHARS_MAX else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or not 0 <= number < 10**12:
        raise Refused(f"{request['verb']} wants {key}: a number, as text")
    return number


def _identity(request: dict[str, Any]) -> int | None:
    value = request.get("venue_id")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < ID_MAX:
        raise Refused("announce wants venue_id: the venue's number of it")
    return value
