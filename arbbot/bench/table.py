"""The figures as one table for people, or as JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured thing."""

    what: str
    measured: float
    unit: str
    """x (a ratio), us, ms, MB or %."""
    budget: float | None
    """The largest allowed, in the same unit; None where it is only told."""
    beside: str
    """The absolute figures, which do not travel between machines."""

    @property
    def verdict(self) -> str:
        """Whether the budget is kept."""
        if self.budget is None:
            return ""
        return "kept" if self.measured <= self.budget else "OVER"


def show(figures: Sequence[Figure], machine: str, *, as_json: bool) -> None:
    """Write to standard output."""
    if as_json:
        rows = [{**asdict(figure), "verdict": figure.verdict or None} for figure in figures]
        sys.stdout.write(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")
        return
    table = Table("what", "measured", "budget", "", "beside")
    for figure in figures:
        budget = "" if figure.budget is None else f"{figure.budget:g} {figure.unit}"
        table.add_row(figure.what, f"{figure.measured:.2f} {figure.unit}", budget, figure.verdict, figure.beside)
    console = Console(markup=False, emoji=False, highlight=False, width=None if sys.stdout.isatty() else 160)
    console.print(machine)
    console.print(table)
    console.print(
        "CPU figures: the fastest of many interleaved rounds. Latency: the best of several rounds, never gated."
    )
