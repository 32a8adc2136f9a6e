"""`arbbot ramp` and `arbbot ramp set`, with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_doors import ask_daemon, load_settings, tell_daemon
from arbbot.cli_types import AsJson, Reason, SettingsFile, Socket, positive

ramp = typer.Typer(add_completion=False, rich_markup_mode=None)


@ramp.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    journal: Annotated[
        Path | None, typer.Option("--journal", metavar="FILE", help="A stopped daemon's, instead of asking one.")
    ] = None,
    as_json: AsJson = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """How much of the capital one hedge may use, the evidence so far, and each decision with its figures."""
    if context.invoked_subcommand is not None:
        return
    from arbbot import screen

    if journal is None:
        screen.show(ask_daemon(settings, socket, "ramp"), as_json, "ramp")
        return
    loaded = load_settings(settings)
    from arbbot import bootstrap

    screen.show(bootstrap.ramp(journal, loaded), as_json, "ramp")


@ramp.command("set")
def set_(
    percent: Annotated[Any, typer.Argument(parser=positive, metavar="PERCENT", help="Of target size and capital.")],
    reason: Reason,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """Choose the weight yourself, up to ramp.max_weight_percent; evidence begins anew."""
    tell_daemon(settings, socket, "ramp_set", reason, percent=format(percent, "f"))
