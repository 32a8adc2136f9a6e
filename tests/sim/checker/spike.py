"""S6: what the spike guard promises of a hedge, by the frames that were shown: no edge too good, too young, or made by
one book of another time. Judged is what is sure by any of the books that the process may have held; its median is not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from tests.sim.checker.books import SeenFrame, Shown
from tests.sim.checker.fold import Json
from tests.sim.checker.report import Report

ONE = Decimal(1)
TOUCH = {side: re.compile(rb'"%s": ?\[ ?\[ ?"([0-9.]+)"' % side.encode()) for side in ("bids", "asks")}
Touch = tuple[Decimal, Decimal]
"""Best bid and best ask."""


@dataclass(frozen=True, slots=True)
class SpikeLimits:
    """What the rules promise. Rates are fractions."""

    max_gross: Decimal
    persist_changes: int
    persist_ms: int
    skew_us: int
    threshold: Decimal
    """An edge below this never stood: the fixed threshold, or the margin beyond the costs."""
    beyond_costs: bool
    """Whether the threshold counts from the fees of both legs on."""


@dataclass(frozen=True, slots=True)
class Stood:
    """How long an edge can have stood at most: since when (None: for as long as is known), over how many frames."""

    since_ns: int | None
    frames: int


class SpikeJudge:
    """Asked about every hedge, with the books it was decided on."""

    def __init__(self, limits: SpikeLimits | None, shown: Shown, report: Report) -> None:
        self._limits = limits
        self._shown = shown
        self._report = report

    def opened(self, line: Json, books: dict[str, Json], mono_ns: int, least_fee: Decimal) -> None:
        """A hedge was decided on these books. `least_fee`: the lowest rate that the venue has had."""
        limits, hedge = self._limits, line["hedge_id"]
        if limits is None:
            return
        touches = {market: (Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])) for market, book in books.items()}
        out, paid = edge(touches, line["buy_market"], line["sell_market"])
        if out > paid * (ONE + limits.max_gross):
            self._report.fail("S6", f"{hedge} takes an edge of {out / paid - 1:.4%}, too good is {limits.max_gross}")
        least = limits.threshold
        if limits.beyond_costs:
            least += (ONE + least_fee) / (ONE - least_fee) - ONE
        stood = self._stood(line, tuple(books), least)
        if stood.since_ns is not None:
            lasted_ms = (mono_ns - stood.since_ns) / 1_000_000
            if lasted_ms < limits.persist_ms or stood.frames < limits.persist_changes:
                text = f"{hedge} takes an edge that stood for {lasted_ms:.0f} ms and {stood.frames} changes at most"
                self._report.fail("S6", text)
        self._of_one_time(line, tuple(books), stood)

    def _of_one_time(self, line: Json, markets: tuple[str, ...], stood: Stood) -> None:
        """A book older than the newest was shown by REST to be unchanged since the edge appeared."""
        assert self._limits is not None
        stamps = line["book_microtimestamps"]
        for market, stamp in zip(markets, stamps, strict=True):
            if stamp >= max(stamps) - self._limits.skew_us:
                continue
            asked_ns = self._shown.confirmed.get((market, stamp))
            if asked_ns is None or asked_ns < (stood.since_ns or 0):
                late_ms = (max(stamps) - stamp) // 1000
                text = f"{line['hedge_id']} rests on a book of {market} {late_ms} ms older than another, unconfirmed"
                self._report.fail("S6", text)

    def _stood(self, line: Json, markets: tuple[str, ...], least: Decimal) -> Stood:
        """Play the frames of this connection again: since when the edge was not surely below the least threshold."""
        frames = [
            (frame.mono_ns, market, frame)
            for market in markets
            for frame in self._shown.frames.get(market, ())
            if frame.epoch == self._shown.epoch
        ]
        frames.sort(key=lambda each: each[0])
        held: dict[str, Touch | None] = {}
        newest: dict[str, int] = {}
        since_ns: int | None = None
        below, count = False, 0
        for (at_ns, market, frame), following in zip(frames, [*frames[1:], None], strict=True):
            if below:
                since_ns, below, count = at_ns, False, 0
            count += 1
            held[market] = _touch(frame, newest.get(market, 0))
            newest[market] = max(newest.get(market, 0), frame.stamp or 0)
            touches = {name: touch for name, touch in held.items() if touch is not None}
            if len(touches) == len(markets) and (following is None or following[0] > at_ns):
                out, paid = edge(touches, line["buy_market"], line["sell_market"])
                below = out < paid * (ONE + least)
        return Stood(since_ns, count)


def edge(touches: dict[str, Touch], buy: str, sell: str) -> tuple[Decimal, Decimal]:
    """What one base unit brings and costs at the touch, in domestic currency."""
    (fx_bid, fx_ask), ask, bid = touches["eurusd"], touches[buy][1], touches[sell][0]
    return (bid * fx_bid, ask) if buy.endswith("usd") else (bid, ask * fx_ask)


def _touch(frame: SeenFrame, newest: int) -> Touch | None:
    """The best prices that the process surely holds by this frame; None where it may have taken another."""
    stamp = frame.stamp
    if frame.struck or stamp is None or stamp <= newest:
        return None
    bid, ask = TOUCH["bids"].search(frame.body), TOUCH["asks"].search(frame.body)
    try:
        return None if bid is None or ask is None else (Decimal(bid[1].decode()), Decimal(ask[1].decode()))
    except InvalidOperation:
        return None
