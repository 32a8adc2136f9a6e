"""`arbbot panic`: the way out that needs no daemon."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

import typer

from arbbot.cli_types import ModeOption, Reason, SettingsFile, duration, operator


def panic(
    reason: Reason,
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    for_s: Annotated[
        Decimal | None,
        typer.Option(
            "--for",
            parser=duration,
            metavar="TIME",
            help="How long orders may still turn up; else account.doubt_bound_s + lag_s, when none can any more.",
        ),
    ] = None,
    settings: SettingsFile = None,
) -> int:
    """Without a daemon: latch, cancel EVERY open order of the account, and verify at the venue that none is left.

    Done again it does no harm. A running daemon sees the latch within a second and goes to panic; one that is started
    begins halted: no new hedge, but it resolves what is one-sided. `arbbot resume` ends either. Exit 0 only by the
    venue's word; what is in doubt or left is told, exit 22.
    """
    from arbbot.settings import load

    loaded = load(settings, None if mode is None else mode.value, live_switch=False)  # a brake asks for nothing
    from arbbot import bootstrap

    return bootstrap.panic(loaded, operator(), reason, for_s)
