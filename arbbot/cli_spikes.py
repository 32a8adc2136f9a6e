"""`arbbot spikes` and its options."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, SettingsFile, positive

HOURS_MAX = 720


def _hours(text: str) -> Decimal:
    """Of a month at most: an hour of the market takes some seconds."""
    hours = positive(text)
    if hours > HOURS_MAX:
        raise typer.BadParameter(f"a made-up market lasts {HOURS_MAX} hours at most")
    return hours


def spikes(
    directory: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A recording; without one a made-up market is played.")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same made-up market.")] = 1,
    hours: Annotated[
        Any, typer.Option("--hours", parser=_hours, metavar="N", help="Hours of the made-up market, to 720; else 6.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """How many false signals the spike guard stops, and how many true ones it costs, rule by rule."""
    from arbbot.settings import load

    loaded = load(settings)
    from arbbot import bootstrap

    if directory is not None:
        return bootstrap.recorded_spikes(directory, loaded, as_json)
    return bootstrap.simulated_spikes(loaded, seed=seed, hours=hours or Decimal(6), as_json=as_json)
