"""How a verb reaches the daemon: settings, socket, question or command. Heavy imports wait for their turn."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arbbot.cli_types import ModeOption, operator

if TYPE_CHECKING:
    from arbbot.settings import Settings


def load_settings(path: Path | None, mode: ModeOption | None = None) -> Settings:
    """The settings, before anything heavier is imported: a wrong one is told at once."""
    from arbbot.settings import load

    return load(path, None if mode is None else mode.value)


def ask_daemon(settings: Path | None, socket: Path | None, verb: str) -> dict[str, Any]:
    """A question, to the newest daemon where the settings' own is not there. Raises Failure (DAEMON)."""
    from arbbot.control_client import ask, newest

    return ask(socket or newest(load_settings(settings).control_socket), {"verb": verb})


def tell_daemon(settings: Path | None, socket: Path | None, verb: str, reason: str, **more: Any) -> None:
    """A command, with the person's name; prints what came of it. Raises Failure (DAEMON)."""
    from arbbot import screen
    from arbbot.control_client import ask

    request = {"verb": verb, "who": operator(), "reason": reason, **more}
    path, hint = door(settings, socket)
    screen.show(ask(path, request, hint=hint), as_json=False)


def door(settings: Path | None, socket: Path | None) -> tuple[Path, str]:
    """The socket to use, and what to say of another daemon where nobody answers: it is never commanded unnamed."""
    from arbbot.control_client import newest

    path = socket or load_settings(settings).control_socket
    other = newest(path)
    return path, "" if other == path else f"; there is one on {other}: say --socket {shlex.quote(str(other))}"
