"""What the spike guard stops and what it costs: the guard itself, and each of its rules alone, on one stream of events.

A *signal* is an unbroken stretch of frames in which a direction's touch edge reaches the threshold and, at some frame,
the walked size does too. It is *let through* at the first frame at which a guard refuses it no more. What a signal was
is told by whoever made it (a simulation knows), or by hindsight: whether it still stood when orders would have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from statistics import median
from typing import Any

from arbbot.domain import events as ev
from arbbot.domain.book import BookError
from arbbot.domain.commands import Ask
from arbbot.domain.market import Direction, Route
from arbbot.engine.core import SECOND_NS, Core
from arbbot.engine.rules import Rules, SpikeRules
from arbbot.engine.spike import SpikeGuard
from arbbot.engine.spread import Triangle, Walk, reaches
from arbbot.engine.state import State

WHOLE = "guard"
ANY = Decimal(1_000_000)
"""A figure that no rule ever meets: percent, seconds."""
OFF: dict[str, dict[str, Any]] = {
    "persistence": {"persist_changes": 1, "persist_s": Decimal(0)},
    "median": {"median_samples": 0, "median_distance": ANY},
    "ceiling": {"max_gross": ANY},
    "skew": {"max_skew_s": ANY},
    "rate": {"check_rate": False},
}
"""What takes each rule out of the guard."""


def guards(rules: SpikeRules) -> dict[str, SpikeRules]:
    """The whole guard, and each of its rules alone."""
    found = {WHOLE: replace(rules, enabled=True)}
    for name in OFF:
        alone = replace(rules, enabled=True)
        for other, change in OFF.items():
            if other != name:
                alone = replace(alone, **change)
        found[name] = alone
    return found


@dataclass(slots=True)
class Signal:
    """One stretch of an edge."""

    direction: Direction
    began_ns: int
    kind: str
    walked: bool = False
    """The size's own edge has reached the threshold."""
    let_through: dict[str, int] = field(default_factory=dict)
    """Nanoseconds after the beginning at which a guard refused no more, by guard."""
    ended_ns: int = 0


class Trial:
    """Takes events in order; `signals` are those that have ended."""

    def __init__(self, route: Route, rules: Rules, size: Decimal, kind_at: Callable[[int], str] = lambda _: "") -> None:
        """`kind_at` tells what a signal that begins at a monotonic time is."""
        self._core = Core(route, rules, State(), "trial")
        self._view = self._core.view
        self._threshold = rules.trade.gross_threshold
        self._size = size
        self._kind_at = kind_at
        self._cores: dict[str, Core] = {}
        self._guards: dict[str, SpikeGuard] = {}
        for name, spike in guards(rules.spike).items():
            core = Core(route, replace(rules, spike=spike), State(), "trial")
            core.view = self._view
            self._cores[name] = core
            self._guards[name] = SpikeGuard(core)
        self._standing: dict[Direction, Signal] = {}
        self._offset_ms = 0
        self.signals: list[Signal] = []

    def take(self, event: ev.Event, at: ev.Moment, asked_ns: int | None = None) -> list[Ask]:
        """One event; the questions that the guards put because of it. `asked_ns` is when its own question was put."""
        for core in self._cores.values():
            core.at = at
        if isinstance(event, ev.BookSeen):
            if self._view.saw(event.book, event.epoch, at, self._offset_ms):
                self._judge(at.mono_ns)
        elif isinstance(event, ev.Tick):
            for guard in self._guards.values():
                guard.tick()
        else:
            self._other(event, at, asked_ns)
        return self._asked()

    def _other(self, event: ev.Event, at: ev.Moment, asked_ns: int | None) -> None:
        match event:
            case ev.FeedUp(epoch=epoch):
                self._view.feed_up(epoch, at.mono_ns)
            case ev.FeedDown(epoch=epoch):
                self._view.feed_down(epoch)
            case ev.FrameBad(outdates=str(symbol)):
                self._view.outdated(symbol, at.mono_ns)
            case ev.VenueClockSeen(offset_ms=offset_ms):
                self._offset_ms = offset_ms
            case ev.BookFetched(book=book) if asked_ns is not None and book.symbol in self._view.slots:
                self._view.fetched(book, asked_ns)
            case ev.ConversionRateFetched():
                for guard in self._guards.values():
                    guard.conversion.fetched(event)

    def _asked(self) -> list[Ask]:
        """What the guards ask, each book and topic once, as one daemon would."""
        wanted: dict[tuple[str, str | None], Ask] = {}
        for core in self._cores.values():
            for command in core.commands:
                if isinstance(command, Ask):
                    wanted.setdefault((command.topic.value, command.market), command)
            core.commands.clear()
            core.asks.clear()
        return list(wanted.values())

    def _judge(self, now_ns: int) -> None:
        blocked = self._view.refusal(now_ns) is not None
        for direction in Direction:
            triangle = None if blocked else self._view.triangle(direction)
            touch = None if triangle is None else triangle.touch()
            if triangle is None or touch is None or not reaches(touch.out, touch.paid, self._threshold):
                self._end(direction, now_ns)
            else:
                self._stands(direction, triangle, now_ns)

    def _stands(self, direction: Direction, triangle: Triangle, now_ns: int) -> None:
        signal = self._standing.get(direction)
        if signal is None:
            signal = self._standing[direction] = Signal(direction, now_ns, self._kind_at(now_ns))
        for guard in self._guards.values():
            guard.reached(direction)
        if not self._walks(triangle):
            return
        signal.walked = True
        for name, guard in self._guards.items():
            if name not in signal.let_through and guard.refusal(triangle) is None:
                signal.let_through[name] = now_ns - signal.began_ns

    def _walks(self, triangle: Triangle) -> bool:
        """Whether the size finds the threshold too."""
        try:
            walk = triangle.walk(self._size)
        except BookError:
            return False
        return isinstance(walk, Walk) and reaches(walk.out, walk.paid, self._threshold)

    def _end(self, direction: Direction, now_ns: int) -> None:
        signal = self._standing.pop(direction, None)
        if signal is None:
            return
        for guard in self._guards.values():
            guard.left(direction)
        signal.ended_ns = now_ns
        if signal.walked:
            self.signals.append(signal)

    def close(self, now_ns: int) -> None:
        """End what still stands."""
        for direction in Direction:
            self._end(direction, now_ns)


def by_hindsight(signals: Iterable[Signal], arrival_s: Decimal) -> None:
    """Name each signal by whether it still stood when orders sent at its first frame would have arrived."""
    for signal in signals:
        stood = signal.ended_ns - signal.began_ns >= arrival_s * SECOND_NS
        signal.kind = f"stood {arrival_s} s" if stood else f"gone within {arrival_s} s"


def figures(signals: Iterable[Signal]) -> list[dict[str, Any]]:
    """One row for each kind: how many signals there were, how many each guard stopped for good, how late it let the
    others through, and what share of the edges' time was left then.
    """
    kinds: dict[str, list[Signal]] = {}
    for signal in signals:
        kinds.setdefault(signal.kind, []).append(signal)
    return [_row(kind, found) for kind, found in sorted(kinds.items())]


def _row(kind: str, signals: list[Signal]) -> dict[str, Any]:
    through = [each.let_through[WHOLE] for each in signals if WHOLE in each.let_through]
    lasted = sum(each.ended_ns - each.began_ns for each in signals)
    left = sum(each.ended_ns - each.began_ns - each.let_through[WHOLE] for each in signals if WHOLE in each.let_through)
    return {
        "kind": kind,
        "signals": len(signals),
        "stopped": {name: sum(name not in each.let_through for each in signals) for name in (WHOLE, *OFF)},
        "median_length_s": _seconds(int(median(each.ended_ns - each.began_ns for each in signals))),
        "median_delay_s": _seconds(int(median(through))) if through else None,
        "edge_time_left": None if not lasted else (Decimal(left) / lasted).quantize(Decimal("0.001")),
    }


def _seconds(duration_ns: int) -> Decimal:
    return (Decimal(duration_ns) / SECOND_NS).quantize(Decimal("0.001"))
