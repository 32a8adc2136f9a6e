"""`arbbot breakeven` and its options."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, SettingsFile, percent
from arbbot.domain.market import FeeRate


def breakeven(
    taker: Annotated[
        Any,
        typer.Option("--taker", parser=percent, metavar="PERCENT", help="As if the account paid this; asks nobody."),
    ] = None,
    maker: Annotated[
        Any, typer.Option("--maker", parser=percent, metavar="PERCENT", help="With --taker; else the same.")
    ] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """What a hedge costs at each fee tier, which threshold would pay, and in how many recorded hours it would have."""
    from arbbot.settings import load

    loaded = load(settings)
    if maker is not None and taker is None:
        raise typer.BadParameter("--maker wants --taker beside it")
    from arbbot import bootstrap

    given = None if taker is None else FeeRate((taker if maker is None else maker) / 100, taker / 100)
    return bootstrap.breakeven(loaded, given, as_json)
