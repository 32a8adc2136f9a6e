"""`arbbot radar` and its options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arbbot.cli_types import AsJson


def radar(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A recording: paper mode makes them by itself.")],
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write it as one page with plots.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Which edges a recording held at each fee tier: how often, how long, how large. No engine decides anything."""
    if html is not None and as_json:
        raise typer.BadParameter("--html and --json are two ways of telling: choose one")
    from arbbot import bootstrap

    return bootstrap.radar(directory, html, as_json)
