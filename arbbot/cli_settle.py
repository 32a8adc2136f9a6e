"""`arbbot settle` and its options."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, ModeOption, SettingsFile, Socket, duration, operator, positive


def settle(
    every_s: Annotated[
        Any, typer.Option("--every", parser=duration, metavar="TIME", help="Again and again until stopped: 1h, 1d ...")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for a yes.")] = False,
    size: Annotated[
        Any, typer.Option("--size", parser=positive, metavar="SIZE", help="What shall arrive; else all that may leave.")
    ] = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="ADDRESS", help="One of settlement.allowed; else the first.")
    ] = None,
    network: Annotated[str | None, typer.Option("--network", metavar="NAME", help="The chain that it is on.")] = None,
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    as_json: AsJson = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> int:
    """Turn profit into USDT and withdraw it to a listed address, with the treasury key and the daemon's consent.

    Off until settlement.enabled. The daemon lends the account while it is quiet; principal stays. What an earlier one
    left open is followed first, and nothing is ever sent twice. Exit 24 says what forbade it, 25 wants a person.
    """
    from arbbot.settings import load

    loaded = load(settings, None if mode is None else mode.value)
    from arbbot import bootstrap

    return bootstrap.settle(loaded, bootstrap.Asked(size, to, network, yes, operator()), every_s, socket, as_json)
