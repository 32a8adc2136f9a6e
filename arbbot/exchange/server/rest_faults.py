"""REST faults: how a struck request or reply changes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal

from arbbot.exchange.faults import Fault
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.api import SIGNATURE, Api
from arbbot.exchange.server.call import Behaviour
from arbbot.exchange.server.wire import HTML_TYPE, HttpRequest, Json, Reply, rest_json
from arbbot.exchange.withdrawals import Fate

Struck = Mapping[str, Fault]
PAGES = {
    "http_500": (500, "<html><body><h1>500 Internal Server Error</h1></body></html>"),
    "http_502": (502, "<html><body><h1>502 Bad Gateway</h1></body></html>"),
    "http_503": (503, "<html><head><title>Service Unavailable</title></head><body>Incapsula</body></html>"),
    "http_504": (504, "<html><body><h1>504 Gateway Time-out</h1></body></html>"),
    "html_200": (200, "<html><body>Please wait while we check your browser.</body></html>"),
    "block_403": (403, "<html><body>Access Denied. Error 15. Request unsuccessful. Incapsula</body></html>"),
}
MAINTENANCE: Json = {"error": "Bitstamp.net is under scheduled maintenance. We'll be back soon."}
FATES = {f"withdrawal_{fate.value}": fate for fate in Fate if fate is not Fate.FINISHED}
REFUSALS = ("reject", "insufficient", "halted")


def behaviour(struck: Struck) -> Behaviour:
    """Return how the venue shall treat the struck call."""
    partial, late = struck.get("partial_cancel"), struck.get("fill_after_cancel")
    hidden, rows, requests = struck.get("not_found"), struck.get("rows_late"), struck.get("requests_late")
    return Behaviour(
        Decimal(partial.params["share"]) if partial else None,
        (int(late.delay_s * 1e6), Decimal(late.params["share"])) if late else None,
        int(hidden.delay_s * 1e6) if hidden else 0,
        int(rows.delay_s * 1e6) if rows else 0,
        next((fate for name, fate in FATES.items() if name in struck), Fate.FINISHED),
        int(requests.delay_s * 1e6) if requests else 0,
    )


def substitute(api: Api, request: HttpRequest, struck: Struck) -> tuple[Reply, bool] | None:
    """Return the reply sent instead of the real one, and whether the call is carried out nevertheless."""
    for name, fault in struck.items():
        accepted = fault.params.get("accepted") == "1"
        if name in PAGES:
            status, page = PAGES[name]
            return Reply(status, page.encode(), HTML_TYPE), accepted
        if name == "empty_200":
            return Reply(200, b""), accepted
        if name == "maintenance":
            return Reply(503, rest_json(MAINTENANCE)), accepted
        if name == "rate_limited":
            return api.rate_limited(request, int(fault.params["status"])), False
        if name in {"auth_403", "ip_403"}:
            return api.unauthorised(request, fault.params["code"]), False
        if name in REFUSALS:
            refusal = Refusal({"__all__": [fault.params["reason"]]}, fault.params["code"])
            return api.refuse(request, refusal), False
    return None


def _timed_out(reply: Reply) -> Reply:
    placed = json.loads(reply.body)
    if "id" not in placed:
        return reply
    text = "Order request timed out before it was confirmed. Check the order status by order_id."
    body: Json = {
        "status": "error",
        "reason": {"__all__": [text]},
        "response_code": "500.016",
        "order_id": int(placed["id"]),
    }
    return replace(reply, body=rest_json(body))


def _retype(row: dict[str, object]) -> dict[str, object]:
    """Turn numbers into strings and numeric strings into numbers."""
    changed: dict[str, object] = {}
    for name, value in row.items():
        if isinstance(value, int | Decimal) and not isinstance(value, bool):
            changed[name] = str(value)
        elif isinstance(value, str) and value.lstrip("-").replace(".", "", 1).isdigit():
            changed[name] = Decimal(value)
        else:
            changed[name] = value
    return changed


def _strange(rows: list[dict[str, object]]) -> list[dict[str, object]]:
    top = rows[0] if rows else {"id": 1, "datetime": "2026-01-01 00:00:00", "fee": "0.00"}
    return [top | {"type": "99"}, *rows]


ROWS: dict[str, Callable[[list[dict[str, object]]], list[dict[str, object]]]] = {
    "rows_duplicated": lambda rows: [row for row in rows for _ in range(2)],
    "rows_shuffled": lambda rows: rows[1::2] + rows[::2],
    "rows_retyped": lambda rows: [_retype(row) for row in rows],
    "rows_unknown": _strange,
}


def alter(api: Api, request: HttpRequest, reply: Reply, struck: Struck, previous: Reply | None) -> Reply:
    """Change a reply's body, signed correctly; `previous` is the last reply to the same path."""
    for name in struck:
        if name == "timed_out":
            reply = api.sign(request, _timed_out(reply))
        elif name in ROWS:
            rows = json.loads(reply.body, parse_float=Decimal)
            if isinstance(rows, list):
                reply = api.sign(request, replace(reply, body=rest_json(ROWS[name](rows))))  # type: ignore[arg-type]
        elif name == "stale_reply" and previous is not None:
            reply = api.sign(request, previous)
    return reply


def spoil(reply: Reply, struck: Struck, other: Reply | None) -> Reply:
    """Spoil the signature of a reply, or send `other`, somebody else's, in its place."""
    if "other_reply" in struck and other is not None:
        return other
    headers = dict(reply.headers)
    if "unsigned" in struck:
        headers.pop(SIGNATURE, None)
    elif "mis_signed" in struck and SIGNATURE in headers:
        headers[SIGNATURE] = headers[SIGNATURE][::-1]
    return replace(reply, headers=headers)
