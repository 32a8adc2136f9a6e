"""A made-up market for the spike guard: three books as a feed shows them, true dislocations, and accidents.

Everything follows from the seed. Prices move as on a calm day (45 % a year; a premium of a few basis points that fades
within hours). Books are sent on change, at most every 100 ms; now and then one is silent for seconds. Events come one
at a time, with half a minute or more of calm between them:

* `true`: the premium goes 0.4-1.5 % away and stays for 2 to 300 s (log-uniform), at once or within some seconds;
* `wick`: for 50-500 ms one side of one book, or both, stand 0.4-2 % off;
* `fat finger`: for 0.05-2 s a level large enough for a hedge stands 0.6-8 % through the market;
* `stale book`: both markets move by 0.4-1.5 %, but for 0.2-8 s no frame of one of them comes;
* `lagging feed`: the same, while the frames of one market come 0.3-5 s late;
* `wrong FX`: the FX book stands 0.4-1 % off for 1-60 s; the venue's own rate does not.

How often these come is chosen so that there is something to count, not taken from any market: recordings tell that.
REST tells what the venue has, 60-250 ms after it is asked.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from decimal import Decimal
from math import exp, log, sqrt
from random import Random

from arbbot.domain import events as ev
from arbbot.domain.book import Book
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.market import Route

NS = 1_000_000_000
STEP_NS = 50_000_000
TICK_NS = 250_000_000
FRAME_NS = 100_000_000
START = ev.Moment(1_000 * NS, 1_767_225_600_000_000)
YEAR_S = 365 * 86_400.0
LEVELS = 20
AFTERMATH_NS = NS
"""What begins so soon after an accident is still its doing."""
GAP_S = (20.0, 20.0)
"""Least, and mean beyond it, between two events."""
KINDS = ("true", "true", "wick", "fat finger", "stale book", "lagging feed", "wrong FX")
TRUE = "true"
NOISE = "noise"


@dataclass(slots=True)
class Happening:
    """One event and its figures; times monotonic."""

    kind: str
    from_ns: int
    to_ns: int
    strength: float
    """Signed fraction."""
    ramp_ns: int = 0
    place: int = 0
    """Which book: 0 domestic, 1 foreign, 2 FX."""
    late_ns: int = 0


class SpikeMarket:
    """Hands out the next event of the feed until the end, and answers questions."""

    def __init__(self, route: Route, seed: int, hours: Decimal) -> None:
        self._route = route
        self._rng = Random(f"spikes/{seed}")
        self._now_ns = START.mono_ns
        self.end_ns = START.mono_ns + int(hours * 3600 * NS)
        self._log_usd, self._log_fx, self._premium = log(60_000.0), log(1.1), 0.0
        self._shown: dict[str, Book] = {}
        self._mids: dict[str, tuple[float, float]] = {}
        """Bid and ask as last shown at the venue."""
        self._frame_ns = dict.fromkeys(route.symbols, 0)
        self._silent_to_ns = dict.fromkeys(route.symbols, 0)
        self._heap: list[tuple[int, int, ev.Event, int | None]] = []
        self._pushed = 0
        self._next_tick_ns = self._now_ns
        self._event: Happening | None = None
        self._past: Happening | None = None
        self._next_event_ns = self._now_ns + 400 * NS
        self._push(self._now_ns, ev.FeedUp(1))

    # --- the stream ----------------------------------------------------------------------------------------

    def next(self) -> tuple[ev.Event, ev.Moment, int | None] | None:
        """The next event, when it is received, and when its question was put; None at the end."""
        while not self._heap or self._heap[0][0] > self._now_ns:
            if self._now_ns >= self.end_ns:
                return None
            self._step()
        at_ns, _, event, asked_ns = heapq.heappop(self._heap)
        return event, ev.Moment(at_ns, self._utc_us(at_ns)), asked_ns

    def ask(self, question: Ask, at_ns: int) -> None:
        """Answer as REST would."""
        back_ns = at_ns + int(self._rng.uniform(0.06, 0.25) * NS)
        if question.topic is Topic.BOOK:
            self._push(back_ns, ev.BookFetched(question.ask_id, self._shown[question.market or ""]), at_ns)
        elif question.topic is Topic.CONVERSION_RATE:
            rate = Decimal(f"{exp(self._log_fx):.5f}")
            buy, sell = rate * Decimal("1.004"), rate * Decimal("0.996")
            self._push(back_ns, ev.ConversionRateFetched(question.ask_id, self._route.fx.symbol, buy, sell), at_ns)

    def kind_at(self, now_ns: int) -> str:
        """What a signal that begins now is."""
        if self._event is not None and now_ns >= self._event.from_ns:
            return self._event.kind
        past = self._past
        if past is not None and past.kind != TRUE and now_ns <= past.to_ns + past.late_ns + AFTERMATH_NS:
            return past.kind
        return NOISE

    def _push(self, at_ns: int, event: ev.Event, asked_ns: int | None = None) -> None:
        self._pushed += 1
        heapq.heappush(self._heap, (at_ns, self._pushed, event, asked_ns))

    def _utc_us(self, at_ns: int) -> int:
        return START.utc_us + (at_ns - START.mono_ns) // 1000

    # --- prices and events ---------------------------------------------------------------------------------

    def _step(self) -> None:
        """Fifty milliseconds of the market."""
        self._now_ns += STEP_NS
        rng, root = self._rng, sqrt(STEP_NS / NS / YEAR_S)
        self._log_usd += 0.45 * root * rng.gauss(0.0, 1.0)
        self._log_fx += 0.08 * root * rng.gauss(0.0, 1.0)
        kept = exp(-STEP_NS / NS / 3600.0)
        self._premium = kept * self._premium + 0.0004 * sqrt(1 - kept * kept) * rng.gauss(0.0, 1.0)
        self._happen()
        for place, symbol in enumerate(self._route.symbols):
            self._quote(place, symbol)
        if self._now_ns >= self._next_tick_ns:
            self._next_tick_ns += TICK_NS
            self._push(self._now_ns, ev.Tick())

    def _happen(self) -> None:
        if self._event is not None and self._now_ns >= self._event.to_ns:
            self._past, self._event = self._event, None
            self._next_event_ns = self._now_ns + int((GAP_S[0] + self._rng.expovariate(1 / GAP_S[1])) * NS)
        if self._event is None and self._now_ns >= self._next_event_ns:
            self._event = self._draw()
            if self._event.late_ns:  # the whole market moves, and one feed does not tell
                self._log_usd += self._event.strength

    def _draw(self) -> Happening:
        rng, now_ns = self._rng, self._now_ns
        kind, sign = rng.choice(KINDS), rng.choice((-1.0, 1.0))
        if kind == TRUE:
            ramp_ns = 0 if rng.random() < 0.5 else int(rng.uniform(0.5, 20.0) * NS)
            return Happening(kind, now_ns, now_ns + self._long(2.0, 300.0), sign * self._between(0.004, 0.015), ramp_ns)
        if kind == "wick":
            strength = sign * self._between(0.004, 0.02)
            return Happening(kind, now_ns, now_ns + self._long(0.05, 0.5), strength, place=rng.choice((0, 1)))
        if kind == "fat finger":
            strength = sign * self._between(0.006, 0.08)
            return Happening(kind, now_ns, now_ns + self._long(0.05, 2.0), strength, place=rng.choice((0, 1)))
        if kind == "wrong FX":
            return Happening(kind, now_ns, now_ns + self._long(1.0, 60.0), sign * self._between(0.004, 0.01), place=2)
        least, most = (0.2, 8.0) if kind == "stale book" else (0.3, 5.0)
        late_ns = self._long(least, most)
        strength = sign * self._between(0.004, 0.015)
        length_ns = late_ns if kind == "stale book" else late_ns + 5 * NS
        return Happening(kind, now_ns, now_ns + length_ns, strength, place=rng.choice((0, 1)), late_ns=late_ns)

    def _between(self, low: float, high: float) -> float:
        return low * exp(log(high / low) * self._rng.random())

    def _long(self, low_s: float, high_s: float) -> int:
        return int(self._between(low_s, high_s) * NS)

    def _true_premium(self) -> float:
        event = self._event
        if event is None or event.kind != TRUE:
            return self._premium
        reached = 1.0 if not event.ramp_ns else min(1.0, (self._now_ns - event.from_ns) / event.ramp_ns)
        return self._premium + event.strength * reached

    # --- books ---------------------------------------------------------------------------------------------

    def _touch(self, place: int) -> tuple[float, float]:
        """Bid and ask of a book at the venue now."""
        usd, fx = exp(self._log_usd), exp(self._log_fx)
        mid = (usd, usd * (1 + self._true_premium()) / fx, fx)[place]
        half = (0.5e-4, 0.9e-4, 0.6e-4)[place]
        bid, ask = mid * (1 - half), mid * (1 + half)
        event = self._event
        if event is None or event.place != place or event.kind not in ("wick", "wrong FX"):
            return bid, ask
        off = 1 + event.strength
        if event.kind == "wick" and event.from_ns % 2:  # one side only: what is left there lies through the market
            return (bid * off, max(ask, bid * off * 1.0001)) if off > 1 else (min(bid, ask * off * 0.9999), ask * off)
        return bid * off, ask * off

    def _quote(self, place: int, symbol: str) -> None:
        """Show the book when it has changed and its time has come; send it as late as it must be."""
        if self._now_ns < self._frame_ns[symbol] + FRAME_NS:
            return
        bid, ask = self._touch(place)
        held = self._mids.get(symbol)
        moved = held is None or abs(bid / held[0] - 1) > 2e-4 or abs(ask / held[1] - 1) > 2e-4
        finger = self._event is not None and self._event.kind == "fat finger" and self._event.place == place
        if not (moved or finger):
            if self._now_ns < self._silent_to_ns[symbol]:
                return
            if self._rng.random() < 0.004:
                self._silent_to_ns[symbol] = self._now_ns + int(self._rng.uniform(2.0, 20.0) * NS)
                return
            if self._rng.random() > (0.5, 0.35, 0.12)[place]:
                return
        self._frame_ns[symbol] = self._now_ns
        self._mids[symbol] = (bid, ask)
        book = self._shown[symbol] = self._book(place, symbol, bid, ask)
        arrives_ns = self._now_ns + int(self._rng.uniform(0.02, 0.06) * NS)
        event = self._event
        if event is not None and event.place == place and event.kind == "lagging feed":
            arrives_ns += event.late_ns
        if event is not None and event.place == place and event.kind == "stale book":
            return
        self._push(arrives_ns, ev.BookSeen(book, 1))

    def _book(self, place: int, symbol: str, bid: float, ask: float) -> Book:
        decimals, size = ((2, 0.2), (2, 0.2), (5, 20_000.0))[place]
        step = (0.00002 if place < 2 else 0.00004) * bid
        bids = [[f"{bid - step * level:.{decimals}f}", f"{size * (1 + level / 4):.8f}"] for level in range(LEVELS)]
        asks = [[f"{ask + step * level:.{decimals}f}", f"{size * (1 + level / 4):.8f}"] for level in range(LEVELS)]
        event = self._event
        if event is not None and event.kind == "fat finger" and event.place == place:
            price = bid * (1 + event.strength) if event.strength > 0 else ask * (1 + event.strength)
            level = [f"{price:.{decimals}f}", f"{self._rng.uniform(0.1, 2.0):.8f}"]
            if event.strength > 0:  # a buyer's: everything offered below it is taken
                bids.insert(0, level)
                asks = [[f"{price * (1.0001 + 0.00002 * up):.{decimals}f}", "0.2"] for up in range(LEVELS)]
            else:
                asks.insert(0, level)
                bids = [[f"{price * (0.9999 - 0.00002 * down):.{decimals}f}", "0.2"] for down in range(LEVELS)]
        return Book(symbol, self._utc_us(self._now_ns), bids, asks)
