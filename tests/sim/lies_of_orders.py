"""Lies about what became of orders, what was sent of them, and what they made."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.server.wire import HttpRequest
from tests.sim.checker import Checker
from tests.sim.checker.books import FRAMES_KEPT
from tests.sim.lies import HALT, Doctor, Json, Lines, before, each, plan
from tests.sim.lies_of_ramps import growing
from tests.sim.plan import Plan

STRAY = "sim-000500"
EXITS = ("complete", "unwind")
ALERT: Json = {
    "severity": "critical",
    "name": "stopped_not_flat",
    "text": "exposure [7, 8] btc; open: none",
    "utc_us": 1,
}


def _moved(name: str, state: str) -> tuple[str, Json]:
    return "order_moved", {"client_order_id": name, "state": state, "cause": "x", "utc_us": 1}


def _no_way(line: Json) -> None:
    line["action"] = "pray"


def _no_hedge(line: Json) -> None:
    if line["terms"]["purpose"] in EXITS:
        line["terms"]["hedge_id"] = "sim-h09999"


def _no_row(line: Json) -> None:
    line["row"]["transaction_id"] += 10**6


def _dear(line: Json) -> None:
    """The hedge was decided at worse prices and fees than it got, and its euros at half of what they cost."""
    line |= {"buy_vwap": "90000", "sell_vwap": "1", "buy_fee": "0.5", "sell_fee": "0.5"}
    line["fx_vwap"] = str(Decimal(line["fx_vwap"]) / 2)


class RowsThatAreNone(Doctor):
    """Beyond the touch the rows of the books that a hedge is decided on are no prices."""

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        frames = self._shown.frames
        kept = {market: list(each) for market, each in frames.items()}
        for market in kept if any(kind == "hedge_opened" for kind, _ in lines) else ():
            frames[market] = deque(replace(each, body=self.struck(each.body)) for each in kept[market])
        super().committed(lines, mono_ns, now_us, corrupt=corrupt)
        for market, those in kept.items():
            frames[market] = deque(those, maxlen=FRAMES_KEPT)

    def struck(self, body: bytes) -> bytes:
        """As it is told."""
        parsed = json.loads(body)
        for side in ("bids", "asks"):
            parsed["data"][side] = [[parsed["data"][side][0][0], "0.00000001"], ["none", "1"]]
        return json.dumps(parsed).encode()


class NoRows(RowsThatAreNone):
    """Nor are the rows at the touch."""

    def struck(self, body: bytes) -> bytes:
        parsed = json.loads(body)
        parsed["data"]["asks"] = [["none", "1"]]
        return json.dumps(parsed).encode()


class ComesBack(Doctor):
    """What has filled is live once more."""

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            told.append((kind, line))
            if kind == "order_moved" and line["state"] == "filled":
                told.append(_moved(line["client_order_id"], "live"))
        return told


class KnownBeforeItIsSent(Doctor):
    """The venue's word on each order is told before it has gone out."""

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            told.append((kind, line))
            if kind == "order_intended":
                told.append(_moved(line["terms"]["client_order_id"], "live"))
        return told


class LegUnderway(Doctor):
    """A leg is on its way still when its hedge is topped up."""

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        hedge = self.fold.open_hedge
        name = self.fold.hedges[hedge].orders[0] if hedge is not None else ""
        planned = any(kind == "exit_planned" for kind, _ in lines)
        if planned:
            self._wire.underway[name] = {"market": "btcusd", "side": "buy", "amount": "0"}
        super().committed(lines, mono_ns, now_us, corrupt=corrupt)
        if planned:
            del self._wire.underway[name]


class NeverCancelled(Doctor):
    """An order that was taken for absent comes alive after its hedge was closed, and nobody cancels it."""

    done = False

    def lines(self, lines: Lines) -> Lines:
        closed = [line["hedge_id"] for kind, line in lines if kind == "hedge_closed"]
        if self.done or not closed:
            return lines
        self.done = True
        terms = {
            "client_order_id": STRAY, "hedge_id": closed[0], "purpose": "leg", "market": "btcusd", "side": "buy",
            "kind": "limit", "size": "0.001", "price": "30000", "expire_utc_ms": None,
        }  # fmt: skip
        request = OrderRequest("btcusd", Side.BUY, Kind.LIMIT, Decimal("0.001"), Decimal(30_000), STRAY)
        self.truth.venue.place(self.truth.account, request, self.truth.read_up_to_us)
        intent: Lines = [("order_intended", {"terms": terms, "utc_us": 1})]
        return [*intent, _moved(STRAY, "absent"), *lines, _moved(STRAY, "live")]


class CancelsAnOwnersOrder(Checker):
    """Before a placement an order of the account's owner is cancelled, by the venue's number."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        if request.path.startswith(("/api/v2/buy", "/api/v2/sell")) and not self.truth.order("by-hand"):
            theirs = OrderRequest("btcusd", Side.BUY, Kind.LIMIT, Decimal("0.001"), Decimal(30_000), "by-hand")
            order = self.truth.venue.place(self.truth.account, theirs, self.truth.read_up_to_us)
            cancel = replace(request, path="/api/v2/cancel_order/", body=f"id={order.order_id}".encode())
            super().sent(replace(cancel, headers={**cancel.headers, "x-auth-nonce": "x"}), lane, mono_ns)
        super().sent(request, lane, mono_ns)


class NeverShown(Doctor):
    """The replies and the ledger agree on a dollar that the venue never showed."""

    def balances_read(self, body: bytes, asked_ns: int) -> None:
        rows = json.loads(body)
        for row in rows:
            row["total"] = str(Decimal(row["total"]) + (row["currency"] == "usd"))
        super().balances_read(json.dumps(rows).encode(), asked_ns)

    def lines(self, lines: Lines) -> Lines:
        for kind, line in lines:
            for holding in line["holdings"] if kind == "anchor_set" else ():
                holding["total"] = str(Decimal(holding["total"]) + (holding["currency"] == "usd"))
        return lines


class ReservedForNothing(Checker):
    """The venue holds back a dollar that backs nothing."""

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        self.truth.account.balances["usd"].reserved += 1
        self._money.look()
        super().settled(now_us, lag_us, feed_up=feed_up)


class ToldOtherwise(Checker):
    """In truth the position is one unit longer when the process has left; that it is, is told, and of another size."""

    def ended(self, code: int | None, now_us: int) -> None:
        self.truth.position += 1
        self.fold.alerts.append(ALERT)
        self.fold.stopped = {"code": 22}
        super().ended(22, now_us)


class LeavesWithoutACause(Checker):
    """The process leaves as if something were not in order."""

    def ended(self, code: int | None, now_us: int) -> None:
        self.fold.stopped = {"code": 22}
        super().ended(22, now_us)


class SomebodySaw(Checker):
    """Whoever lived the life saw the engine raise."""

    def ended(self, code: int | None, now_us: int) -> None:
        self.fail("bug", "the engine raised")
        super().ended(code, now_us)


def calm() -> Plan:
    """The life of the lies, without a disturbance."""
    return replace(plan(), disturbances=())


ORDERS: list[tuple[str, str, type[Checker]]] = [
    ("S1", "is sent although it is live", KnownBeforeItIsSent),
    ("S1", "which is the owner's", CancelsAnOwnersOrder),
    ("S3", "is not known to the venue", each("row_booked", _no_row)),
    ("S4", "was not the venue's of late", NeverShown),
    ("S4", "are not the venue's", ReservedForNothing),
    ("S6", "rows that are no book", RowsThatAreNone),
    ("S6", "rows that are no book", NoRows),
    ("S8", "is intended in panic", before("order_intended", "mode_changed", HALT | {"mode": "panic"})),
    ("S12", "moves from filled to live", ComesBack),
    ("S13", "belongs to no hedge", each("order_intended", _no_hedge)),
    ("S13", "can fill at the venue", LegUnderway),
    ("S13", "which it does not reckon", each("exit_planned", _no_way)),
    ("L1", "told as", ToldOtherwise),
    ("L3", "is not cancelled any more", NeverCancelled),
    ("bug", "the engine raised", SomebodySaw),
]
LIVED: list[tuple[str, str, type[Checker], Callable[[], Plan]]] = [
    ("S7", "and nothing says why", each("hedge_opened", _dear), growing),
    ("L1", "a life without a fault ends with 22", LeavesWithoutACause, calm),
]
