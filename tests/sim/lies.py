"""Judges that are lied to: a real life is told to them with its journal, wire, venue or end doctored."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal
from functools import cache
from typing import Any

from arbbot.engine.rules import BuyAs, FxPolicy
from arbbot.exchange.accounts import Row
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.rules import VenueRules
from arbbot.exchange.server.wire import HttpRequest
from tests.engine.rig import rules
from tests.sim.checker import Checker, Violation
from tests.sim.checker.books import SeenFrame
from tests.sim.life import Result, run_plan
from tests.sim.plan import Disturbance, Pace, Plan, Quote

Json = dict[str, Any]
Lines = list[tuple[str, Json]]
DISTURBANCES = (Disturbance("reject", 0, "buy"), Disturbance("yank", 15_000, "sell"))
QUOTES = (
    Quote(0, Decimal(60_000), 0, 200),
    Quote(5_000, Decimal(60_000), 110, 200),
    Quote(9_000, Decimal(60_010), 2, 200),
    Quote(16_000, Decimal(60_020), 120, 200),
    Quote(20_000, Decimal(60_030), 0, 200),
    Quote(26_000, Decimal(60_000), -120, 200),
    Quote(28_000, Decimal(60_000), 0, 200),
)


@cache
def plan() -> Plan:
    """A life with a rejected leg, one that rests, and conversions, so that all kinds of lines and orders are there."""
    return Plan(
        seed=1,
        rules=rules(
            min_depth_levels=5, gross_threshold=Decimal("0.002"), max_slippage=Decimal("0.002"),
            limit_markup=Decimal(0), buy_as=BuyAs.IOC, fx_policy=FxPolicy.EACH, wait_s=Decimal(1), poll_s=Decimal(8),
            reject_cooldown_s=Decimal(1), premium_tolerance=Decimal("0.02"),
        ),
        venue=VenueRules(),
        balances=(("btc", Decimal(1)), ("usd", Decimal(60_000)), ("eur", Decimal(60_000))),
        fee_percent=Decimal("0.04"),
        levels=10,
        pace=Pace(up_ms=20, down_ms=20, jitter_ms=10, idle_look_ms=1500, busy_look_ms=300),
        private=True,
        signed_errors_only=False,
        quiet=False,
        windows=((400, 1), (10_000, 600)),
        sqlite=False,
        clock_off_ms=0,
        length_ms=40_000,
        quotes=QUOTES,
        disturbances=DISTURBANCES,
    )  # fmt: skip


class Doctor(Checker):
    """A judge that is lied to. Every lie is one method, changed below."""

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        """Pass on the lines as the lie has them."""
        told = self.lines([(kind, json.loads(body)) for kind, body in lines])
        super().committed([(kind, json.dumps(line)) for kind, line in told], mono_ns, now_us, corrupt=corrupt)

    def lines(self, lines: Lines) -> Lines:
        """The truth."""
        return lines


_TOLD: dict[tuple[type[Checker], Callable[[], Plan]], tuple[Violation, ...]] = {}


def told(judge: type[Checker], lived: Callable[[], Plan] = plan) -> tuple[Violation, ...]:
    """What a life breaks before a judge. It is lived once."""
    if (judge, lived) not in _TOLD:
        _TOLD[judge, lived] = run_plan(lived(), judge=judge).violations
    return _TOLD[judge, lived]


def judged(judge: type[Checker]) -> set[str]:
    """The invariants that the life breaks before a judge."""
    return {violation.invariant for violation in told(judge)}


@cache
def honest() -> Result:
    """The same life, told as it was."""
    return run_plan(plan(), judge=Doctor)


def each(kind: str, change: Callable[[Json], None]) -> type[Checker]:
    """A judge to whom every line of a kind is told otherwise."""

    class Lie(Doctor):
        def lines(self, lines: Lines) -> Lines:
            for name, line in lines:
                if name == kind:
                    change(line)
            return lines

    return Lie


def dropped(kind: str) -> type[Checker]:
    """A judge to whom lines of a kind are not told."""

    class Lie(Doctor):
        def lines(self, lines: Lines) -> Lines:
            return [(name, line) for name, line in lines if name != kind]

    return Lie


def doubled(kind: str) -> type[Checker]:
    """A judge to whom lines of a kind are told twice."""

    class Lie(Doctor):
        def lines(self, lines: Lines) -> Lines:
            return [pair for pair in lines for _ in range(2 if pair[0] == kind else 1)]

    return Lie


def before(kind: str, inserted: str, line: Json) -> type[Checker]:
    """A judge to whom another line is told before every line of a kind."""

    class Lie(Doctor):
        def lines(self, lines: Lines) -> Lines:
            told: Lines = []
            for pair in lines:
                told += [(inserted, line)] if pair[0] == kind else []
                told.append(pair)
            return told

    return Lie


def more(*path: str, by: str = "1") -> Callable[[Json], None]:
    """Add to a number that stands deep in a line."""

    def change(line: Json) -> None:
        for name in path[:-1]:
            line = line[name]
        line[path[-1]] = str(Decimal(line[path[-1]]) + Decimal(by))

    return change


def _entries(line: Json) -> None:
    line["entries"][0]["delta"] = str(Decimal(line["entries"][0]["delta"]) + 1)


def _exit_size(line: Json) -> None:
    if line["terms"]["purpose"] in ("complete", "unwind"):
        line["terms"]["size"] = str(Decimal(line["terms"]["size"]) * 2)


def _off_grid(line: Json) -> None:
    if line["terms"]["price"] is not None:
        line["terms"]["price"] = str(Decimal(line["terms"]["price"]) + Decimal("0.001"))


def _owner(line: Json) -> None:
    line["client_order_id"] = "sim-000777"


def _late(line: Json) -> None:
    line["late"] = True


def _statement(line: Json) -> None:
    line["currencies"][-1]["rounding"] = "0.7"


def _beyond(line: Json) -> None:
    line["size"] = str(Decimal(line["size"]) * 1000)


def _far(line: Json) -> None:
    line["limit_price"] = str(Decimal(line["limit_price"]) * (2 if line["side"] == "buy" else Decimal("0.5")))


class FirstNeverEnds(Doctor):
    """The first order lives for ever, and nobody hears of it."""

    def lines(self, lines: Lines) -> Lines:
        return [
            (kind, line)
            for kind, line in lines
            if not (kind == "order_moved" and line["client_order_id"] == "sim-000001" and line["state"] != "live")
        ]


HALT: Json = {"mode": "halted", "who": "x", "own": False, "reason": "x", "utc_us": 1}


class SentTwice(Checker):
    """Every placement goes out again under a new nonce."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        super().sent(request, lane, mono_ns)
        if request.path.startswith(("/api/v2/buy", "/api/v2/sell")):
            nonce = request.headers["x-auth-nonce"][::-1]
            super().sent(replace(request, headers={**request.headers, "x-auth-nonce": nonce}), lane, mono_ns)


class SameNonce(Checker):
    """All requests carry one nonce."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        super().sent(replace(request, headers={**request.headers, "x-auth-nonce": "same"}), lane, mono_ns)


class NoFrames(Checker):
    """No frame ever came."""

    def frame(self, market: str, frame: SeenFrame) -> None:
        """Nothing."""


class OldFrames(Checker):
    """All frames came a minute before, and REST vouched for none."""

    def frame(self, market: str, frame: SeenFrame) -> None:
        super().frame(market, replace(frame, mono_ns=frame.mono_ns - 60_000_000_000))

    def book_fetched(self, market: str, body: bytes, asked_ns: int) -> None:
        """Nothing."""


class CrossedFrames(Checker):
    """Every book is crossed."""

    def frame(self, market: str, frame: SeenFrame) -> None:
        parsed = json.loads(frame.body)
        parsed["data"]["bids"], parsed["data"]["asks"] = parsed["data"]["asks"], parsed["data"]["bids"]
        super().frame(market, replace(frame, body=json.dumps(parsed).encode()))


class OtherConnection(Checker):
    """The books came over a connection that counts no more."""

    def subscribed(self, epoch: int | None, mono_ns: int) -> None:
        super().subscribed(99, mono_ns)


class CorruptReplies(Doctor):
    """Every line follows a reply that proves nothing."""

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        super().committed(lines, mono_ns, now_us, corrupt=True)


class OtherMemory(Checker):
    """The state in memory is not the journal's."""

    def replayed(self, memory: str, journal: str) -> None:
        super().replayed(memory, journal[::-1])


class CancelsWait(Checker):
    """A cancel is commanded and never reaches the wire."""

    def tried(self, word: str) -> None:
        """Nothing."""


class StopAlways(Checker):
    """The process was told to stop before it did anything."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self.stop_told()


class OtherTruth(Checker):
    """In truth the position is one unit longer when all should have settled."""

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        self.truth.position += 1
        super().settled(now_us, lag_us, feed_up=feed_up)


class LeftLong(Checker):
    """In truth the position is one unit longer when the process has left."""

    def ended(self, code: int | None, now_us: int) -> None:
        self.truth.position += 1
        super().ended(code, now_us)


class StillRests(Checker):
    """An order of the daemon's rests when the process has left."""

    def ended(self, code: int | None, now_us: int) -> None:
        best = self.truth.venue.listing("btcusd").book.bids.best()
        assert best is not None
        price = (best.price / 2).quantize(Decimal("0.01"))
        request = OrderRequest("btcusd", Side.BUY, Kind.LIMIT, Decimal("0.001"), price, "sim-000500")
        self.truth.venue.place(self.truth.account, request, now_us)
        super().ended(code, now_us)


class FeedAway(Checker):
    """The feed did not come back."""

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        super().settled(now_us, lag_us, feed_up=False)


class RowMissed(Checker):
    """A row of a minute ago was never read."""

    def finish(self, now_us: int, lag_us: int) -> None:
        self.truth.account.rows.append(Row(10**12, now_us - 60_000_000, 0, (("usd", Decimal(1)),), Decimal(0)))
        super().finish(now_us, lag_us)


class NoEnd(Checker):
    """The process left with a code that the journal does not know."""

    def ended(self, code: int | None, now_us: int) -> None:
        super().ended(None if code is None else code + 1, now_us)


class ManyAsks(Checker):
    """More and more is held in memory."""

    def holds(self, what: str, how_many: int) -> None:
        super().holds(what, how_many + 1000)


class OwnersOrder(Checker):
    """The cancels are for an order of the account's owner."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        if request.path.startswith(("/api/v2/buy", "/api/v2/sell")):
            body = b"client_order_id=the-owners-own"
            cancel = replace(request, path="/api/v2/cancel_order/", body=body)
            super().sent(replace(cancel, headers={**cancel.headers, "x-auth-nonce": "x"}), lane, mono_ns)
        super().sent(request, lane, mono_ns)


LIES: list[tuple[str, type[Checker]]] = [
    ("S1", dropped("order_intended")),
    ("S1", each("order_intended", more("terms", "size", by="0.00000001"))),
    ("S1", OwnersOrder),
    ("S2", SentTwice),
    ("S2", doubled("order_intended")),
    ("S3", doubled("fill_booked")),
    ("S3", dropped("fill_booked")),
    ("S3", each("fill_booked", more("fill", "size", by="0.00000001"))),
    ("S3", each("fill_booked", more("fill", "trade_id"))),
    ("S3", each("hedge_closed", more("bought"))),
    ("S3", doubled("row_booked")),
    ("S3", each("row_booked", _owner)),
    ("S4", each("row_booked", _entries)),
    ("S4", dropped("row_booked")),
    ("S4", each("statement_agreed", _statement)),
    ("S4", dropped("statement_agreed")),
    ("S6", NoFrames),
    ("S6", OldFrames),
    ("S6", CrossedFrames),
    ("S6", OtherConnection),
    ("S7", each("order_intended", _off_grid)),
    ("S7", each("hedge_opened", more("buy_fee", by="0.0001"))),
    ("S7", each("hedge_opened", more("size", by="1000"))),
    ("S7", each("hedge_settled", more("domestic_delta"))),
    ("S8", before("hedge_opened", "mode_changed", HALT)),
    ("S8", StopAlways),
    ("S9", CancelsWait),
    ("S10", SameNonce),
    ("S11", CorruptReplies),
    ("S12", doubled("hedge_closed")),
    ("S12", each("order_moved", _owner)),
    ("S12", each("fill_booked", _late)),
    ("S13", each("order_intended", _exit_size)),
    ("S13", dropped("exit_planned")),
    ("S13", each("conversion_opened", _beyond)),
    ("S7", each("conversion_opened", _far)),
    ("S8", before("conversion_opened", "mode_changed", HALT)),
    ("S1", dropped("conversion_opened")),
    ("S14", OtherMemory),
    ("L1", OtherTruth),
    ("L1", LeftLong),
    ("L2", FirstNeverEnds),
    ("L3", StillRests),
    ("L3", NoEnd),
    ("L4", FeedAway),
    ("L6", RowMissed),
    ("L7", ManyAsks),
]
