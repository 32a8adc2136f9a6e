"""`arbbot treasury advice`: which balance runs out first, by the running daemon's figures or the last journal's."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot import screen
from arbbot.bootstrap.journals import read
from arbbot.control_client import ask, newest
from arbbot.domain.exit_codes import ExitCode
from arbbot.engine.inventory import inventory
from arbbot.settings import Settings


def advice(settings: Settings, over_s: Decimal, socket: Path | None, journal: Path | None, as_json: bool) -> ExitCode:
    """Print the advice. Raises Failure where neither a daemon nor a journal is there."""
    screen.show(_figures(settings, over_s, socket, journal), as_json, "advice")
    return ExitCode.OK


def _figures(settings: Settings, over_s: Decimal, socket: Path | None, journal: Path | None) -> dict[str, Any]:
    door = newest(socket or settings.control_socket)
    if journal is None and (socket is not None or door.exists()):
        return {"by": "the daemon", **ask(door, {"verb": "inventory", "over_s": f"{over_s:f}"})}
    told = read(journal, settings)
    state = told.state()
    by = f"the journal {told.path}"
    return {"by": by, **inventory(state, told.route, state.last_utc_us, int(over_s * 1_000_000))}
