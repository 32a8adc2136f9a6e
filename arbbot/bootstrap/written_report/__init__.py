"""`arbbot report --html FILE`: what a journal tells of a period, as one page that needs nothing beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from arbbot import __version__
from arbbot.bootstrap.journals import Told, read
from arbbot.bootstrap.page.hedge_rows import HedgeRows
from arbbot.bootstrap.summary import plain
from arbbot.dashboard import VENDOR
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.money import BPS, ZERO
from arbbot.domain.records import DurableRecord, ExitPlanned, RefusalsCounted
from arbbot.engine.report import report
from arbbot.settings import Settings

Figures = dict[str, Any]
BEST_OF_BPS = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Period:
    """UTC days, both included; None is as far as the journal goes."""

    first: date | None
    last: date | None

    def __str__(self) -> str:
        return f"{self.first or 'from its beginning'} to {self.last or 'its end'}"

    def holds(self, utc_us: int) -> bool:
        """Whether a moment lies in it."""
        day = _day(utc_us)
        return (self.first is None or day >= self.first) and (self.last is None or day <= self.last)


def html_report(
    journal: Path | None, settings: Settings, period: Period, path: Path, vendor: Path = VENDOR
) -> ExitCode:
    """Write the page of a journal, the last one by default. Raises Failure (JOURNAL; USAGE: cannot be written)."""
    told = read(journal, settings)
    _write(told, period, path, vendor)
    print(f"{path}: {told.path}, {period}")
    return ExitCode.OK


def _write(told: Told, period: Period, path: Path, vendor: Path) -> None:
    figures = _figures(told, period)
    library = _library(vendor)
    page = _TEMPLATES.get_template("report.html").render(
        **figures,
        style=_asset("report.css"),
        library=library,
        script=_asset("report.js"),
        plotted=Markup(_for_script(_plotted(figures["hedges"]))),  # noqa: S704 - escaped for where it stands
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"--html {path}: {error.strerror}") from error


def _figures(told: Told, period: Period) -> Figures:
    whole = report(told.state(), told.route, told.mode)  # first: it refuses a damaged journal
    rows = HedgeRows()
    refusals: dict[str, int] = {}
    exits = 0
    for line in told.lines:
        rows.take(line.record)
        if period.holds(line.utc_us):
            _count(line.record, refusals)
            exits += isinstance(line.record, ExitPlanned)
    hedges = [row for row in reversed(rows.newest_first()) if period.holds(row["utc_us"])]
    ended = told.lines[-1].utc_us
    return {
        "version": __version__,
        "journal": str(told.path),
        "mode": told.mode,
        "route": told.route,
        "first": period.first or _day(told.lines[0].utc_us),
        "last": period.last or _day(ended),
        "read_to": _moment(ended),
        "hedges": hedges,
        "sums": _sums(hedges),
        "exits": exits,
        "refusals": sorted(refusals.items(), key=lambda pair: (-pair[1], pair[0])),
        "whole": whole,
    }


def _count(record: DurableRecord, refusals: dict[str, int]) -> None:
    if isinstance(record, RefusalsCounted):
        for name, times in record.counts:
            refusals[name] = refusals.get(name, 0) + times


def _sums(hedges: Sequence[Figures]) -> Figures:
    """Of the hedges of the period: results, by direction and outcome, and slippage by leg."""
    settled = [row for row in hedges if row["realised_pnl"] is not None and not row["drill"]]
    fees: dict[str, Decimal] = {}
    for row in hedges:
        for leg in (row["buy"], row["sell"]):
            for currency, fee in leg["fees"].items() if leg else ():
                fees[currency] = fees.get(currency, ZERO) + fee
    return {
        "settled": len(settled),
        "realised": sum((row["realised_pnl"] for row in settled), ZERO),
        "expected": sum((row["expected_of_bought"] for row in settled), ZERO),
        "losers": sum(row["realised_pnl"] < 0 for row in settled),
        "worst": min((row["realised_pnl"] for row in settled), default=None),
        "best": max((row["realised_pnl"] for row in settled), default=None),
        "outcomes": _counted(row["outcome"] for row in hedges),
        "directions": {
            direction: {
                "hedges": len(own),
                "realised": sum((row["realised_pnl"] for row in own), ZERO),
                "expected": sum((row["expected_of_bought"] for row in own), ZERO),
            }
            for direction in sorted({row["direction"] for row in settled})
            for own in [[row for row in settled if row["direction"] == direction]]
        },
        "fees": dict(sorted(fees.items())),
        "slippage_bps": {side: _slippage_bps(hedges, side) for side in ("buy", "sell")},
    }


def _slippage_bps(hedges: Sequence[Figures], side: str) -> Decimal | None:
    """Of one side's legs, weighted by what they were worth at the decision; None when none filled."""
    legs = [row[side] for row in hedges if row[side] is not None and row[side]["price"] is not None]
    worth = sum((leg["expected_price"] * leg["filled"] for leg in legs), ZERO)
    if not worth:
        return None
    paid = sum((leg["price"] * leg["filled"] for leg in legs), ZERO)
    worse = paid - worth if side == "buy" else worth - paid
    return (worse / worth * BPS).quantize(BEST_OF_BPS)


def _counted(names: Any) -> dict[str, int]:
    counts: dict[str, int] = {}
    for name in names:
        counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items()))


def _plotted(hedges: Sequence[Figures]) -> dict[str, list[Any]]:
    """Columns for the charts: machine numbers, since they are drawn and not counted."""
    total = ZERO
    columns: dict[str, list[Any]] = {"at": [], "pnl": [], "expected": [], "realised": [], "buy": [], "sell": []}
    for row in hedges:
        if row["realised_pnl"] is None or row["drill"]:
            continue
        total += row["realised_pnl"]
        columns["at"].append(row["utc_us"] / 1e6)
        columns["pnl"].append(float(total))
        columns["expected"].append(float(row["expected_bps"]))
        columns["realised"].append(float(row["realised_bps"]))
        for side in ("buy", "sell"):
            slipped = row[side] and row[side]["slippage_bps"]
            columns[side].append(None if slipped is None else float(slipped))
    return columns


def _library(vendor: Path) -> dict[str, Markup] | None:
    """What draws the charts, to stand in the page itself; None where npm was missing at set-up."""
    try:
        return {name: Markup((vendor / name).read_text("utf-8")) for name in ("uPlot.iife.min.js", "uPlot.min.css")}  # noqa: S704 - our own assets
    except FileNotFoundError:
        return None


def _asset(name: str) -> Markup:
    return Markup(files(__package__).joinpath(name).read_text("utf-8"))  # noqa: S704 - our own assets


def _for_script(value: Any) -> str:
    """JSON that cannot end the script element it stands in."""
    return json.dumps(value).replace("<", "\\u003c")


def _day(utc_us: int) -> date:
    return datetime.fromtimestamp(utc_us / 1_000_000, UTC).date()


def _moment(utc_us: int) -> str:
    return datetime.fromtimestamp(utc_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _plain(number: Decimal | None) -> str:
    """To the last digit, as the ledger has it."""
    return "\u2013" if number is None else f"{number:f}"


_TEMPLATES = Environment(
    loader=PackageLoader(__package__, ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_TEMPLATES.filters.update(plain=_plain, moment=_moment, short=plain)
