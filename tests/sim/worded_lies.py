"""More lies, each with the words that the judge must find for it: several rules share an invariant's name."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from decimal import Decimal

from arbbot.exchange.server.wire import HttpRequest
from tests.sim.checker import Checker
from tests.sim.checker.books import SeenFrame
from tests.sim.clockwork import BIRTH_US
from tests.sim.lies import HALT, Doctor, Json, Lines, RowMissed, before, each, more

LATER = re.compile(rb"&gtd_order=True&expire_time=(\d+)")
HALTED: Json = {"severity": "critical", "name": "mode_halted", "text": "halted by ann: strange", "utc_us": 1}
EXITS = ("complete", "unwind")
DAY_MS = 86_400_000


def _tomorrow(found: re.Match[bytes]) -> bytes:
    return b"&gtd_order=True&expire_time=%d" % (int(found[1]) + DAY_MS)


def _cheap(line: Json) -> None:
    terms = line["terms"]
    if terms["side"] == "sell" and terms["purpose"] == "leg":
        terms["price"] = str(Decimal(terms["price"]) - 100)


def _exit_terms(**terms: str) -> Callable[[Json], None]:
    """Ways out are ordered otherwise than planned."""

    def change(line: Json) -> None:
        if line["terms"]["purpose"] in EXITS:
            line["terms"] |= terms

    return change


def _exit_beyond(percent: str) -> Callable[[Json], None]:
    """Their limits are so much lower."""

    def change(line: Json) -> None:
        terms = line["terms"]
        if terms["purpose"] in EXITS:
            price = Decimal(terms["price"]) * (1 - Decimal(percent) / 100)
            terms["price"] = str(price.quantize(Decimal("0.01")))

    return change


def _dear_conversion(line: Json) -> None:
    if line["terms"]["purpose"] == "convert":
        line["terms"]["price"] = str(Decimal(line["terms"]["price"]) + Decimal("0.00001"))


def _other_sign(line: Json) -> None:
    line["realised_pnl"] = str(-Decimal(line["realised_pnl"]))


def _late(line: Json) -> None:
    line["late"] = True


def _leaves(line: Json) -> None:
    line["action"] = "leave"


def _overlooks(line: Json) -> None:
    """The plan knows but the way that it takes."""
    line["unwind_value" if line["action"] == "complete" else "complete_value"] = None


def _other_way(line: Json) -> None:
    """The plan is the other way out, which is worth less."""
    line["action"] = "unwind" if line["action"] == "complete" else "complete"


class NewerFrames(Checker):
    """Every frame had come before, and a newer book before it."""

    def frame(self, market: str, frame: SeenFrame) -> None:
        newer = frame.body.replace(b'"microtimestamp":"', b'"microtimestamp":"1')
        super().frame(market, replace(frame, body=newer))
        super().frame(market, frame)


class GoneAtExits(Doctor):
    """The connection is replaced just before each plan of an exit."""

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        if any(kind == "exit_planned" for kind, _ in lines):
            self.missed(mono_ns, now_us)
        super().committed(lines, mono_ns, now_us, corrupt=corrupt)

    def missed(self, mono_ns: int, now_us: int) -> None:
        """What the plan does not know of."""
        self.subscribed(99, mono_ns)


class NewerAtExits(GoneAtExits):
    """Frames of other books have come just before each plan of an exit."""

    def missed(self, mono_ns: int, now_us: int) -> None:
        for market, frames in self._shown.frames.items():
            body = json.loads(frames[-1].body)
            body["data"] |= {"microtimestamp": str(now_us), "bids": [["1", "1"]], "asks": [["2", "1"]]}
            frame = replace(frames[-1], body=json.dumps(body).encode(), mono_ns=mono_ns, true_us=now_us, struck=False)
            self.frame(market, frame)


class NothingRead(Checker):
    """No row of the account was ever read."""

    def rows_read(self, body: bytes) -> None:
        """Nothing."""


class RowsReadOnce(Checker):
    """No rows were read after the balances."""

    def rows_read(self, body: bytes) -> None:
        if self._told._reading == 0:
            super().rows_read(body)


class ListedAsHalted(Checker):
    """The list of markets says that one does not trade."""

    def markets_read(self, body: bytes) -> None:
        super().markets_read(body.replace(b"Enabled", b"Disabled"))


class ListsBehind(Checker):
    """It is announced that a market halts, and the lists of markets have not caught up with it."""

    def markets_read(self, body: bytes) -> None:
        self.announced(b'{"data":{"message":"Trading on BTC\\/EUR is disabled."}}')
        super().markets_read(body)


class AnnouncedAsHalted(Checker):
    """It is announced that a market halts, and nobody says otherwise."""

    def rows_read(self, body: bytes) -> None:
        super().rows_read(body)
        self.announced(b'{"data":{"message":"Trading on BTC\\/EUR is disabled."}}')

    def markets_read(self, body: bytes) -> None:
        """Nothing."""


class OtherRate(Checker):
    """The venue's own rate was another."""

    def rate_read(self, body: bytes, mono_ns: int) -> None:
        super().rate_read(b'{"sell": "0.01", "buy": "0.02"}', mono_ns)


class NoRate(Checker):
    """It was never read."""

    def rate_read(self, body: bytes, mono_ns: int) -> None:
        """Nothing."""


class OtherTickers(Checker):
    """The tickers of one market said something else."""

    def ticker_read(self, market: str, body: bytes, asked_ns: int, mono_ns: int) -> None:
        other = b'{"bid": "50000", "ask": "50010"}' if market == "btcusd" else body
        super().ticker_read(market, other, asked_ns, mono_ns)


class NoTicker(Checker):
    """Those of one market were never read."""

    def ticker_read(self, market: str, body: bytes, asked_ns: int, mono_ns: int) -> None:
        if market != "eurusd":
            super().ticker_read(market, body, asked_ns, mono_ns)


class GoodTillTomorrow(Doctor):
    """Orders rest for a day, on the wire and in the journal."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        super().sent(replace(request, body=LATER.sub(_tomorrow, request.body)), lane, mono_ns)

    def lines(self, lines: Lines) -> Lines:
        for kind, line in lines:
            if kind == "order_intended" and line["terms"]["expire_utc_ms"] is not None:
                line["terms"]["expire_utc_ms"] += DAY_MS
        return lines


class GoodTillCancelled(Checker):
    """Orders go out without a date."""

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        super().sent(replace(request, body=LATER.sub(b"", request.body)), lane, mono_ns)


class LeftInSilence(Doctor):
    """From the first plan of an exit on nothing is written any more."""

    _silent = False
    last = "exit_planned"

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            self._silent = self._silent or kind == self.last
            told += [] if self._silent else [(kind, line)]
        return told

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        """Of what is sent without having been written the judge would soon have heard enough."""


class LeftInDoubt(LeftInSilence):
    """From the second leg's fate on nothing is written any more: one has filled, the other may."""

    last = "hedge_closed"

    def lines(self, lines: Lines) -> Lines:
        kept = [
            (kind, line)
            for kind, line in super().lines(lines)
            if kind != "order_moved" or line["state"] not in ("filled", "canceled", "expired")
        ]
        return [(kind, line) for kind, line in kept if kind != "fill_booked" or line["fill"]["side"] == "buy"]


class ToldOfTheHaltOnly(LeftInSilence):
    """From the first plan of an exit on nothing is written but that somebody has halted the daemon."""

    def lines(self, lines: Lines) -> Lines:
        told = super().lines(lines)
        return [*told, *([] if told else [("alert_raised", HALTED)])]


class StillOpen(Doctor):
    """Hedges are not closed; that the daemon is halted is told."""

    def lines(self, lines: Lines) -> Lines:
        return [("alert_raised", HALTED) if kind == "hedge_closed" else (kind, line) for kind, line in lines]


class LongAndHalted(Checker):
    """In truth the position is one unit longer when all should have settled; that the daemon is halted is told."""

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        self.truth.position += 1
        self.fold.mode = "halted"
        self.fold.alerts.append(HALTED)
        super().settled(now_us, lag_us, feed_up=feed_up)


class NeverAgrees(Checker):
    """When all should have settled the ledger does not agree, and all that was told is that nothing is traded."""

    anchored = True

    def settled(self, now_us: int, lag_us: int, *, feed_up: bool) -> None:
        self.fold.agreed, self.fold.anchored = False, self.anchored
        self.fold.alerts.append(HALTED | {"name": "not_trading", "severity": "warning"})
        super().settled(now_us, lag_us, feed_up=feed_up)


class NeverOpened(NeverAgrees):
    """It never began."""

    anchored = False


class LeavesEarly(Checker):
    """In the middle of its life the process left while an order of its own rested, and said nothing of it."""

    _seen = False

    def committed(self, lines: Sequence[tuple[str, str]], mono_ns: int, now_us: int, *, corrupt: bool) -> None:
        super().committed(lines, mono_ns, now_us, corrupt=corrupt)
        if self.truth.open_orders() and not self._seen:
            self._seen = True
            self.fold.stopped = {"code": 0}
            super().ended(0, now_us)


class OldRowMissed(RowMissed):
    """A row of minutes ago was never read, and the process was not in order when it left."""

    def finish(self, now_us: int, lag_us: int) -> None:
        assert self.fold.stopped is not None
        self.fold.stopped["code"] = self._code = 22
        super().finish(now_us, lag_us - 60_000_000)


class Dearer(Checker):
    """The caps on what an exit may lose are below what exits make."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self._exits._limits = replace(self._limits, exit_loss=Decimal(-1), forced_exit_loss=Decimal(-1))


class NoFill(Doctor):
    """Fills are not booked, their rows are."""

    def lines(self, lines: Lines) -> Lines:
        return [(kind, line) for kind, line in lines if kind != "fill_booked"]


TRIPPED: Json = {"utc_us": BIRTH_US}


def _spent(line: Json) -> None:
    line["counts"].append(["notional_day", 1])


WORDED: list[tuple[str, str, type[Checker]]] = [
    ("S1", "may rest till", GoodTillTomorrow),
    ("S1", "intended till", GoodTillCancelled),
    ("S1", "may rest till None", GoodTillCancelled),
    ("S3", "its fill is not", NoFill),
    ("S4", "has read the whole account", NothingRead),
    ("S4", "has read the whole account", RowsReadOnce),
    ("S6", "an older book", NewerFrames),
    ("S6", "the list of markets says", ListedAsHalted),
    ("S6", "an announcement says", AnnouncedAsHalted),
    ("S6", "an announcement says", ListsBehind),
    ("S6", "off the venue's own rate", OtherRate),
    ("S6", "own rate was not known", NoRate),
    ("S6", "was not that of the books", OtherTickers),
    ("S6", "no tickers have confirmed", NoTicker),
    ("S6", "books that count no more", GoneAtExits),
    ("S6", "books that count no more", NewerAtExits),
    ("S7", "nets its floor", each("order_intended", _cheap)),
    ("S7", "is not within the slippage", each("order_intended", _exit_beyond("2"))),
    ("S7", "is not within the slippage", each("order_intended", _exit_beyond("-2"))),
    ("S7", "the conversion was decided as", each("order_intended", _dear_conversion)),
    ("S13", "is not what was planned", each("order_intended", _exit_terms(kind="limit"))),
    ("S13", "is not what was planned", each("order_intended", _exit_terms(market="eurusd"))),
    ("S7", "a leg of", each("order_intended", _exit_terms(purpose="leg", size="0.00000001"))),
    ("S13", "is not what was planned", each("order_intended", _exit_terms(purpose="leg", size="0.00000001"))),
    ("S7", "settles a realised_pnl", each("hedge_settled", more("realised_pnl", by="100"))),
    ("S7", "settles a realised_pnl", each("hedge_settled", more("realised_pnl", by="0.1"))),
    ("S7", "settles a leftover", each("hedge_settled", more("leftover"))),
    ("S7", "closes with a realised_pnl", each("conversion_closed", _other_sign)),
    ("S7", "closes with a realised_pnl", each("conversion_closed", more("realised_pnl", by="0.5"))),
    ("S7", "closes with a domestic_delta", each("conversion_closed", more("domestic_delta"))),
    ("S7", "closes with a fee", each("conversion_closed", more("fee"))),
    ("R", "daily_loss trips, and", before("hedge_opened", "limit_tripped", TRIPPED | {"name": "daily_loss"})),
    ("R", "equity_loss trips, and", before("hedge_opened", "limit_tripped", TRIPPED | {"name": "equity_loss"})),
    ("R", "refused for the day's notional", each("refusals_counted", _spent)),
    ("S8", "by itself", before("hedge_opened", "mode_changed", HALT | {"mode": "active", "own": True})),
    ("S13", "the other way", each("exit_planned", _other_way)),
    ("S13", "fits no book", each("exit_planned", more("complete_value"))),
    ("S13", "overlooks", each("exit_planned", _overlooks)),
    ("S13", "of a cap of", Dearer),
    ("L1", "is left one-sided", LeftInSilence),
    ("L1", "is left one-sided", ToldOfTheHaltOnly),
    ("L1", "is left one-sided", LeftInDoubt),
    ("S12", "and nobody is told", each("fill_booked", _late)),
    ("S12", "in mode active", each("fill_booked", _late)),
    ("L1", "is still open", StillOpen),
    ("L1", "in mode halted", LongAndHalted),
    ("L1", "in the same breath", each("exit_planned", _leaves)),
    ("L3", "still rests; code 0", LeavesEarly),
    ("L6", "does not agree", NeverAgrees),
    ("L6", "does not agree", NeverOpened),
    ("L6", "was never booked", OldRowMissed),
]
