"""The command line's end of the control socket: one request, one reply, within a bounded time."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

TIMEOUT_S = 10.0
REPLY_BYTES_MAX = 16 << 20
_ADDRESS_BYTES_MAX = 107
REFUSED = "the daemon refused: "
"""Begins the reason of a failure that is the daemon's own no."""


def ask(path: Path, request: Mapping[str, Any], timeout_s: float = TIMEOUT_S, *, hint: str = "") -> dict[str, Any]:
    """The daemon's result. Raises Failure with code DAEMON: nobody there (`hint` says where one is), no answer in
    time, or a refusal.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(timeout_s)
            connection.connect(_address(path))
            connection.sendall(json.dumps(request).encode() + b"\n")
            line = _line(connection)
    except (FileNotFoundError, ConnectionRefusedError):
        raise _failure(f"no daemon answers on {path}; is it running, with these settings?{hint}") from None
    except TimeoutError:
        raise _failure(f"the daemon on {path} did not answer within {timeout_s:g} s") from None
    except OSError as error:
        raise _failure(f"control socket {path}: {error.strerror or error}") from None
    return _result(line, path)


def newest(path: Path) -> Path:
    """This socket, or where there is none the newest one a directory below: that of a demonstration. Good for looking,
    never for what changes something or answers for a daemon's health.
    """
    if path.exists():
        return path
    below = sorted(path.parent.glob(f"*/{path.name}"), key=lambda found: found.lstat().st_mtime_ns)
    return below[-1] if below else path


def _address(path: Path) -> str:
    """Absolute or relative, whichever a socket address can hold (unix(7))."""
    candidates = (os.path.abspath(path), os.path.relpath(path))
    return min(candidates, key=lambda name: len(os.fsencode(name)) > _ADDRESS_BYTES_MAX)


def _line(connection: socket.socket) -> bytes:
    received = bytearray()
    while not received.endswith(b"\n") and len(received) <= REPLY_BYTES_MAX:
        chunk = connection.recv(1 << 16)
        if not chunk:
            break
        received += chunk
    return bytes(received)


def _result(line: bytes, path: Path) -> dict[str, Any]:
    try:
        reply = json.loads(line)
    except ValueError:
        raise _failure(f"the daemon on {path} broke off its answer") from None
    if isinstance(reply, dict) and reply.get("ok") is True and isinstance(reply.get("result"), dict):
        result: dict[str, Any] = reply["result"]
        return result
    reason = reply.get("error") if isinstance(reply, dict) else None
    raise _failure(f"{REFUSED}{reason}")


def _failure(reason: str) -> Failure:
    return Failure(ExitCode.DAEMON, reason)
