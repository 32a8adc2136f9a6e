"""The venue's counter: takes a request's bytes, carries it out as the faults want it, hands back a reply's bytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.faults import FAULTS, Fault
from arbbot.exchange.server.api import Api
from arbbot.exchange.server.call import Memory, Tokens
from arbbot.exchange.server.limiter import Limiter
from arbbot.exchange.server.rest_faults import alter, behaviour, spoil, substitute
from arbbot.exchange.server.wire import HttpRequest, Reply, rest_json
from tests.sim.clockwork import MS
from tests.sim.plan import Disturbance
from tests.sim.world import World

KEY, SECRET = "SimKey0000000000000000000000000001", "SimSecret000000000000000000000001"
ELSEWHERE = {"rate_limited_400": "rate_limited", "rate_limited_429": "rate_limited", "market_off": "halted"}
"""Names of the catalogue that the exchange spells otherwise."""
NO_ROWS = b"[]"


@dataclass(frozen=True, slots=True)
class Served:
    """What goes back: a reply, a connection cut in the middle of one, or nothing at all."""

    reply: Reply | None
    cut: bool = False
    date_ms: int | None = None

    def __str__(self) -> str:
        if self.reply is None:
            return "cut" if self.cut else "nothing"
        return str(self.reply.status)


class Counter:
    """Serves all processes of a life. Remembers replies, for faults that send another one."""

    def __init__(self, world: World, rng: Random) -> None:
        self._world = world
        venue, plan = world.venue, world.plan
        rights = frozenset({Permission.READ, Permission.TRADE})
        venue.add_key(ApiKey(KEY, SECRET, world.account.user_id, rights))
        per_second = next((count for count, seconds in plan.windows if seconds == 1), 400)
        per_ten_minutes = next((count for count, seconds in plan.windows if seconds == 600), 10_000)
        self.api = Api(venue, Limiter(per_second, per_ten_minutes))
        self.api.memory = Memory(tokens=Tokens(mint=lambda: f"{rng.getrandbits(160):040x}"))
        self._last: dict[str, Reply] = {}
        self._any: Reply | None = None
        self._shown = 0
        """Rows that were there when they were last asked for."""
        self._out: dict[tuple[int, int | None], int] = {}
        """Rows that are left out, by their id and their order's, and until when."""

    def serve(self, request: HttpRequest, disturbances: Mapping[str, Disturbance]) -> Served:
        """Serve one request at this instant."""
        world = self._world
        now_us, date_ms = world.clock.now_us, world.clock.now_us // 1_000_000 * 1000
        world.venue.advance(now_us)
        world.checker.truth.dirty |= bool(world.plan.settlements)  # withdrawals go on by themselves
        if "yank" in disturbances:
            world.house.yank()
        struck = {fault.name: fault for fault in map(_fault, disturbances.values()) if fault is not None}
        stead = substitute(self.api, request, struck)
        previous = self._last.get(request.path)
        reply: Reply | None = None
        if stead is None or stead[1]:
            reply = self.api.answer(request, now_us, now_us, behaviour(struck))
        world.checker.arrived(request)
        if stead is not None:
            reply = stead[0]
        assert reply is not None
        reply = self._hidden(request, reply, disturbances)
        if "lost_after" in disturbances:
            return Served(None)
        if "truncated" in struck:
            return Served(None, cut=True) if world.coin() else Served(_halved(reply), date_ms=date_ms)
        if stead is None:
            if reply.body == NO_ROWS:
                struck.pop("rows_unknown", None)  # it would make up a row out of nothing
            reply = alter(self.api, request, reply, struck, previous)
        other = self._any if previous is not self._any else None
        self._last[request.path] = self._any = reply
        return Served(spoil(reply, struck, other), date_ms=date_ms)

    def _hidden(self, request: HttpRequest, reply: Reply, disturbances: Mapping[str, Disturbance]) -> Reply:
        """Leave single rows out for a while, though younger ones are shown: rows come out of order, too."""
        if not request.path.endswith("/user_transactions/") or reply.status != 200:
            return reply
        now_us, rows = self._world.clock.now_us, self._world.account.rows
        if "row_hidden" in disturbances and len(rows) > self._shown:
            hidden = rows[self._shown]
            until_us = now_us + disturbances["row_hidden"].size * MS
            self._out[hidden.row_id, hidden.order_id] = until_us
            self._world.checker.hidden(hidden.row_id, hidden.order_id, until_us)
        self._shown = len(rows)
        self._out = {name: until_us for name, until_us in self._out.items() if until_us > now_us}
        if not self._out or b'"id"' not in reply.body:
            return reply
        told = json.loads(reply.body, parse_float=Decimal)
        shown = [row for row in told if (row["id"], row.get("order_id")) not in self._out]
        return self.api.sign(request, replace(reply, body=rest_json(shown)))


def _halved(reply: Reply) -> Reply:
    """Cut without any sign of it: a proxy that closes in good order."""
    return replace(reply, body=reply.body[: len(reply.body) // 2])


def _fault(each: Disturbance) -> Fault | None:
    """The exchange's fault behind a disturbance; None where it is none of a reply."""
    name = ELSEWHERE.get(each.kind, each.kind)
    if name not in FAULTS:
        return None
    params = dict(FAULTS[name].defaults)
    if "accepted" in params:
        params["accepted"] = str(each.size % 2)
    if name == "rate_limited":
        params["status"] = each.kind[-3:]
    if "delay_s" in params:
        params["delay_s"] = str(each.size * MS / 1_000_000)
    if name == "partial_cancel":
        params["share"] = str(each.size / 10_000)
    return Fault(name, "*", None, 1.0, params)
