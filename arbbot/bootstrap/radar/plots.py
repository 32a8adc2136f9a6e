"""The radar's pictures as SVG: drawn by machine numbers, since they are looked at and not counted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 960, 260, 56, 24, 10
MOST_POINTS = 600
BARS_HEIGHT, BAR = 22, 14
SHORTEST_S, LONGEST_S = 0.01, 3600.0


def edges_over_time(answer: dict[str, Any]) -> str:
    """Largest gross edge in each direction by minute, with what three tiers need."""
    minutes = _thinned(answer["minutes"])
    if not minutes:
        return ""
    needs = _needs(answer["tiers"])
    low = min(0.0, *(min(row[1], row[2]) for row in minutes))
    high = max(1.0, *(max(row[1], row[2]) for row in minutes), *(need for _, need in needs))
    first, last = minutes[0][0], max(minutes[-1][0], minutes[0][0] + 1)

    def x(minute: float) -> float:
        return LEFT + (minute - first) / (last - first) * (WIDTH - LEFT)

    def y(value: float) -> float:
        return TOP + (high - value) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [_text(4, y(value) + 4, f"{value:.0f} bp") for value in (low, high)]
    for name, need in needs:
        parts.append(f'<line class="need" x1="{LEFT}" x2="{WIDTH}" y1="{y(need):.1f}" y2="{y(need):.1f}"/>')
        parts.append(_text(LEFT + 4, y(need) - 3, f"{name} needs {need:.1f} bp"))
    for column, name in ((1, "one"), (2, "two")):
        points = " ".join(f"{x(row[0]):.1f},{y(row[column]):.1f}" for row in minutes)
        parts.append(f'<polyline class="{name}" points="{points}"/>')
    parts.append(_text(LEFT, HEIGHT - 6, _clock(first)) + _text(WIDTH - 60, HEIGHT - 6, _clock(last)))
    return _svg(HEIGHT, parts)


def runs_by_tier(answer: dict[str, Any]) -> str:
    """How many runs each tier had without its conversion, and how long they were: one bar a tier, in classes."""
    tiers = [tier for tier in answer["tiers"] if not tier["with_fx"]]
    most = max(tier["runs"] for tier in tiers)
    parts = []
    for row, tier in enumerate(tiers):
        top, left = TOP + row * BARS_HEIGHT, float(LEFT + 60)
        parts.append(_text(4, top + BAR - 3, f"{tier['taker_pct']:.2f} %"))
        for place, count in enumerate(tier["lengths"]):
            width = 0.0 if not most else count / most * (WIDTH - LEFT - 160)
            parts.append(f'<rect class="l{place}" x="{left:.1f}" y="{top}" width="{width:.1f}" height="{BAR}"/>')
            left += width
        parts.append(_text(left + 6, top + BAR - 3, str(tier["runs"])))
    return _svg(TOP + len(tiers) * BARS_HEIGHT, parts)


def length_against_edge(answer: dict[str, Any]) -> str:
    """Each of the newest runs at the cheapest tier: seconds, logarithmic, against its largest net edge."""
    runs = answer["newest"]
    if not runs:
        return ""
    high = max(1.0, *(float(run["net_bp"]) for run in runs))
    span = math.log10(LONGEST_S / SHORTEST_S)
    parts = [_text(4, TOP + 6, f"{high:.0f} bp"), _text(4, HEIGHT - BOTTOM, "0 bp")]
    for seconds in (0.01, 0.1, 1, 10, 100, 1000):
        at = LEFT + math.log10(seconds / SHORTEST_S) / span * (WIDTH - LEFT - 20)
        parts.append(_text(at, HEIGHT - 6, f"{seconds:g} s"))
    for run in runs:
        lasted = min(max(float(run["lasted_s"]), SHORTEST_S), LONGEST_S)
        x = LEFT + math.log10(lasted / SHORTEST_S) / span * (WIDTH - LEFT - 20)
        y = TOP + (1 - float(run["net_bp"]) / high) * (HEIGHT - TOP - BOTTOM)
        name = "one" if run["direction"] == "buy_domestic" else "two"
        parts.append(f'<circle class="{name}" cx="{x:.1f}" cy="{y:.1f}" r="3"/>')
    return _svg(HEIGHT, parts)


def _needs(tiers: Sequence[dict[str, Any]]) -> list[tuple[str, float]]:
    """What the dearest, a middle and the cheapest tier need, legs only, in basis points."""
    legs = [tier for tier in tiers if not tier["with_fx"]]
    chosen = (legs[0], legs[len(legs) // 2], legs[-1])
    return [(f"{tier['taker_pct']:.2f} %", float(tier["break_even_pct"]) * 100) for tier in chosen]


def _thinned(minutes: Sequence[Sequence[Any]]) -> list[tuple[int, float, float]]:
    """At most so many points, each the largest of its minutes."""
    step = max(1, math.ceil(len(minutes) / MOST_POINTS))
    groups = [minutes[start : start + step] for start in range(0, len(minutes), step)]
    return [(group[0][0], float(max(row[1] for row in group)), float(max(row[2] for row in group))) for group in groups]


def _clock(minute: float) -> str:
    return f"{int(minute) // 60 % 24:02}:{int(minute) % 60:02}"


def _text(x: float, y: float, words: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}">{words}</text>'


def _svg(height: int, parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img">{"".join(parts)}</svg>'
