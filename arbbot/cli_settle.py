"""`arbbot settle` and its options."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, ModeOption, SettingsFile, Socket, duration, operator, positive


def _outcome(text: str) -> str | int:
    """What a person says became of it."""
    if text in ("absent", "finished", "returned"):
        return text
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**63:
        return int(text)
    raise typer.BadParameter(f"{text!r}: say absent, finished, returned, or the venue's id of it")


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
    resolve: Annotated[
        str | None, typer.Option("--resolve", metavar="NAME", help="Say what became of an earlier one; sends nothing.")
    ] = None,
    outcome: Annotated[
        Any,
        typer.Option("--as", parser=_outcome, metavar="WORD", help="absent, finished, returned, or the venue's id."),
    ] = None,
    reason: Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="How you know.")] = None,
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    as_json: AsJson = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> int:
    """Turn profit into USDT and withdraw it to a listed address, with the treasury key and the daemon's consent.

    Off until settlement.enabled. The daemon lends the account while it is quiet; principal stays. What an earlier one
    left open is followed first, and nothing is ever sent twice. Exit 24 says what forbade it, 25 wants a person, who
    may say how it ended: --resolve NAME --as WORD --reason TEXT.
    """
    if len({resolve is None, outcome is None, reason is None or not reason.strip()}) > 1:
        raise typer.BadParameter("say --resolve, --as and --reason together")
    if resolve is not None and (every_s, size, to, network) != (None, None, None, None):
        raise typer.BadParameter("--resolve settles nothing: leave out --every, --size, --to and --network")
    from arbbot.settings import load

    loaded = load(settings, None if mode is None else mode.value)
    from arbbot import bootstrap

    asked: bootstrap.Asked | bootstrap.Resolution = bootstrap.Asked(size, to, network, yes, operator())
    if resolve is not None:
        asked = bootstrap.Resolution(resolve, outcome, operator(), (reason or "").strip())
    return bootstrap.settle(loaded, asked, every_s, socket, as_json)
