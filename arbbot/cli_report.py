"""`arbbot report`: on the terminal, as JSON, or as a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, JournalFile, SettingsFile, day


def report(
    journal: JournalFile = None,
    as_json: AsJson = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as one page with charts, hedge by hedge.")
    ] = None,
    first: Annotated[Any, typer.Option("--from", parser=day, metavar="DAY", help="Of --html: first UTC day.")] = None,
    last: Annotated[Any, typer.Option("--to", parser=day, metavar="DAY", help="Of --html: last UTC day.")] = None,
    settings: SettingsFile = None,
) -> int:
    """What we really made: hedges, ledger against the venue, P&L line by line, fees, edge expected and realised."""
    if html is None and (first or last):
        raise typer.BadParameter("--from and --to are about --html: the ledger has no other period than its own")
    if html is not None and as_json:
        raise typer.BadParameter("--html and --json are two ways of telling: choose one")
    if first and last and first > last:
        raise typer.BadParameter(f"--from {first} is after --to {last}")
    from arbbot.settings import load

    loaded = load(settings)
    from arbbot import bootstrap

    if html is None:
        return bootstrap.report(journal, loaded, as_json)
    return bootstrap.html_report(journal, loaded, bootstrap.Period(first, last), html)
