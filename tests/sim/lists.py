"""How the venue tells its list of withdrawal requests in a life: often as it was asked, sometimes spelled in another
way, sometimes of one day only. No source says how the venue does it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from urllib.parse import parse_qs

from arbbot.exchange.server.wire import HttpRequest, Reply, rest_json

Json = dict[str, Any]
PATH = "/withdrawal-requests/"
DAY_S = 30
"""A day of the list, in a life of minutes."""
TIME = "%Y-%m-%d %H:%M:%S"
EARLIER_S = 90
"""By so much a list may date a request before our clock: less than the venue lets clocks be apart."""


def _sized(change: int) -> Callable[[Json, Decimal], Json]:
    return lambda row, fee: row | {"amount": f"{Decimal(row['amount']) + change * fee:.8f}"}


SPELLINGS: dict[str, Callable[[Json, Decimal], Json]] = {
    "lower case": lambda row, fee: row | {"address": row["address"].lower()},
    "upper case": lambda row, fee: row | {"address": row["address"].upper()},
    "other network": lambda row, fee: row | {"network": "erc20"},
    "no network": lambda row, fee: {name: each for name, each in row.items() if name != "network"},
    "what arrives": _sized(-1),
    "fee in": _sized(1),
    "earlier": lambda row, fee: row | {"datetime": f"{_time(row) - timedelta(seconds=EARLIER_S):{TIME}}"},
}
"""What becomes of a row, by the request's fee."""


def _time(row: Json) -> datetime:
    return datetime.strptime(row["datetime"], TIME)  # noqa: DTZ007 - the venue writes UTC without saying so


@dataclass(frozen=True, slots=True)
class Listing:
    """The list of one life. `spelling` None: as it was asked for."""

    spelling: str | None
    one_day: bool
    """Unless a call says for how long, requests of the last `DAY_S` alone are told."""

    def told(self, sent: HttpRequest, reply: Reply, fee: Decimal, now_us: int) -> Reply:
        """The reply as this life's venue gives it; not signed anew."""
        if not sent.path.endswith(PATH) or reply.status != 200 or not reply.body.startswith(b"["):
            return reply
        asked = parse_qs(sent.body.decode())
        rows: list[Json] = json.loads(reply.body, parse_float=Decimal)
        if self.one_day and "timedelta" not in asked and "id" not in asked:
            rows = [row for row in rows if now_us // 1_000_000 - _epoch(row) <= DAY_S]
        if self.spelling is not None:
            rows = [SPELLINGS[self.spelling](row, fee) for row in rows]
        return replace(reply, body=rest_json(rows))


def _epoch(row: Json) -> int:
    return int((_time(row) - datetime(1970, 1, 1)).total_seconds())  # noqa: DTZ001 - both are UTC


def listing_of(seed: int) -> Listing:
    """In half of the lives it is as it was asked for."""
    rng = Random(f"{seed}/requests listed")
    spelling = rng.choice(sorted(SPELLINGS)) if rng.random() < 0.35 else None
    return Listing(spelling, one_day=rng.random() < 0.25)


def ids(body: bytes) -> frozenset[int]:
    """The requests that a reply tells of."""
    try:
        return frozenset(row["id"] for row in json.loads(body))
    except (ValueError, TypeError, KeyError):
        return frozenset()
