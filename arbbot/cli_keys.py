"""Another trading key: for a daemon that runs, or for the journal of one that is stopped."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from arbbot.cli_doors import door, load_settings
from arbbot.cli_types import ModeOption, Reason, SettingsFile, Socket, operator
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

LOOK_S = 0.25


def rotate_keys(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Let the running daemon read its trading key anew, prove it, and use it from the next quiet moment on.

    The new key lies where the old one did, in its files or in Vault. It must be of the same account, read, trade and
    not withdraw. What is in flight is finished by the old key, which stays where anything is wrong with the new one.
    Revoke the old key at the venue only after this has ended well.
    """
    from arbbot.control_client import ask

    path, hint = door(settings, socket)
    told: dict[str, Any] = ask(path, {"verb": "rotate_keys", "who": operator(), "reason": reason}, hint=hint)
    said = ""
    while told["under_way"]:  # the daemon gives up by itself after ten minutes
        if told["words"] != said:
            said = told["words"]
            typer.echo(f"rotate-keys: {said}")
        time.sleep(LOOK_S)
        told = ask(path, {"verb": "rotation"})
    if not told["done"]:
        raise Failure(ExitCode.DAEMON, f"rotate-keys: {told['words']}")
    typer.echo(f"rotate-keys: done: {told['words']}")


def adopt(
    reason: Reason,
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    settings: SettingsFile = None,
) -> int:
    """Bind the stopped daemon's journal to the present key, after a key rotation of the same account."""
    loaded = load_settings(settings, mode)
    from arbbot import bootstrap

    return bootstrap.adopt(loaded, operator(), reason)
