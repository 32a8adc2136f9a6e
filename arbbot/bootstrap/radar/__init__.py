"""`arbbot radar`: which edges a recording held at each fee tier, how often, how long and how large."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot import screen
from arbbot.bootstrap.radar.page import write_page
from arbbot.bootstrap.radar.tiers import BARS
from arbbot.bootstrap.replaying import read_books
from arbbot.bootstrap.summary import plain
from arbbot.domain.events import Event, Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Route
from arbbot.research.radar import LENGTHS_S, Radar
from arbbot.research.replay import Watched, read_heading, watch_only
from arbbot.research.wire_log import RecordingError
from arbbot.settings import FeedSettings

FRESH_S = FeedSettings().fresh_s
"""For any recording, whatever its daemon was told: figures of two are comparable."""
MEANING = (
    "edges at the touch of recorded books, after taker fees on both legs, and on the conversion where it says so; size "
    "and profit of all levels that paid, at the FX book's touch. What an order would have met when it arrived, a "
    "fraction of a second later, is not in it: short runs are no money. A book that neither came nor was "
    f"confirmed by REST for {FRESH_S} s counts no more until it comes again, and what was cut off ended with the last "
    "book seen"
)
COLUMNS = (
    ("from volume", "volume_usd"), ("taker %", "taker_pct"), ("FX", "with_fx"), ("needs gross %", "break_even_pct"),
    ("runs", "runs"), ("an hour", "runs_per_hour"), ("% of time", "share_pct"), ("median s", "median_s"),
    ("longest s", "longest_s"), ("median net bp", "median_net_bp"), ("best net bp", "best_net_bp"),
    ("oldest book s", "oldest_book_s"),
    ("largest size", "largest_size"), ("best profit", "best_profit"),
)  # fmt: skip


def radar(directory: Path, html: Path | None, as_json: bool) -> ExitCode:
    """Fold a recording, and print or write what it held. Raises Failure (USAGE)."""
    try:
        heading = read_heading(directory)
        found = Radar(heading.route, BARS, FRESH_S)

        def watch(event: Event, at: Moment, _: int | None) -> None:
            found.take(event, at)

        watched = watch_only(directory, read_books, watch)
    except RecordingError as error:
        raise Failure(ExitCode.USAGE, f"radar: {error}") from error
    found.close()
    if not found.changes:
        raise Failure(ExitCode.USAGE, f"radar: {directory}: holds no books")
    told = {"source": str(directory), "mode": heading.mode, "recorded_by": heading.version}
    answer = told | kept(watched) | figures(found, heading.route)
    if html is not None:
        write_page(html, answer)
        print(f"{html}: {directory}")
    elif as_json:
        screen.show_json(answer)
    else:
        print(*screen.harmless(list(lines_of(answer))), sep="\n")
    return ExitCode.OK


def kept(watched: Watched) -> dict[str, Any]:
    """How much of what was to be recorded there is, and in words what is missing."""
    missing = []
    if watched.dropped:
        missing.append(
            f"{watched.dropped} lines were dropped while it was recorded, nobody knows where: no gap is made of "
            "them, and how many runs there were, how long and how often may be wrong"
        )
    if not watched.ended:
        missing.append("it was cut off before its end: whether lines were dropped is not known")
    return asdict(watched) | {"missing": missing}


def figures(found: Radar, route: Route) -> dict[str, Any]:
    """All that a radar has to tell."""
    return {
        "route": route.name,
        "base": route.base,
        "numeraire": route.numeraire,
        **found.figures(),
        "length_classes_s": LENGTHS_S,
        "minutes": list(found.minutes),
        "newest": [asdict(run) for run in found.newest],
        "meaning": MEANING,
    }


def lines_of(answer: dict[str, Any]) -> Iterator[str]:
    """The same for a terminal: a table of tiers, one line each with and without the conversion."""
    yield f"recording   {answer['source']} ({answer['mode']}, {answer['route']})"
    seen = f"{answer['book_changes']} changes of books, {answer['gaps']} gaps"
    yield f"observed    {plain(answer['observed_s'])} s, {seen}"
    yield from (f"MISSING     {words}" for words in answer["missing"])
    rows = [[name for name, _ in COLUMNS]]
    rows += [[_cell(tier[key]) for _, key in COLUMNS] for tier in answer["tiers"]]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        yield "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
    yield f"sizes in {answer['base']}, profit in {answer['numeraire']}; {answer['meaning']}"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "with" if value else "-"
    if value is None:
        return "-"
    return plain(value) if isinstance(value, Decimal) else str(value)
