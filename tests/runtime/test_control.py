"""The control socket: private, bounded, and unimpressed by whoever misbehaves on it."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import stat
import threading
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.control_client import ask
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.runtime import control
from arbbot.runtime.control import ControlServer, Refused


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """An engine's stand-in: echoes, with money, or refuses."""
    if request["verb"] == "no":
        raise Refused("not today")
    return {"echo": request, "money": Decimal("0.00000010"), "none": None}


@pytest.fixture
async def path(tmp_path: Path) -> AsyncIterator[Path]:
    """The socket of a running server."""
    server = ControlServer(tmp_path / "control.sock", answer)
    await server.start()
    yield tmp_path / "control.sock"
    await server.close()


async def talk(path: Path, *lines: bytes) -> list[Any]:
    """Send these lines on one connection and read until it ends or every line has its reply."""
    reader, writer = await asyncio.open_unix_connection(str(path), limit=1 << 20)
    try:
        writer.writelines(lines)
        return [json.loads(line) for _ in lines if (line := await reader.readline())]
    finally:
        writer.close()


def rights(path: Path) -> int:
    """Permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_request_gets_one_reply_with_money_as_text(path: Path) -> None:
    """Request and reply as documented; a Decimal keeps every digit and no exponent."""
    (reply,) = await talk(path, b'{"verb": "status", "x": 1}\n')
    assert reply == {"ok": True, "result": {"echo": {"verb": "status", "x": 1}, "money": "0.00000010", "none": None}}


async def test_only_the_owner_can_connect(path: Path) -> None:
    """The socket has rights 0600."""
    assert rights(path) == 0o600


async def test_the_socket_goes_with_the_server(tmp_path: Path) -> None:
    """After closing nobody is led to a dead socket; closing twice is no error."""
    server = ControlServer(tmp_path / "s", answer)
    await server.start()
    await server.close()
    await server.close()
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"status\n", "a request is one line of JSON"),
        (b"\xff\xfe\n", "a request is one line of JSON"),
        (b"[" * 5000 + b"\n", "a request is one line of JSON"),
        (b'["status"]\n', 'a request is an object with a "verb"'),
        (b'{"verb": 5}\n', 'a request is an object with a "verb"'),
        (b'{"verb": "no"}\n', "not today"),
    ],
)
async def test_a_bad_request_is_refused_and_the_connection_lives_on(line: bytes, error: str, path: Path) -> None:
    """The client is told what is wrong, and its next request is answered."""
    refused, good = await talk(path, line, b'{"verb": "status"}\n')
    assert refused == {"ok": False, "error": error}
    assert good["ok"]


async def test_a_request_without_end_is_cut_off(path: Path) -> None:
    """More than the largest request is never held in memory."""
    replies = await talk(path, b"x" * (control.REQUEST_BYTES_MAX + 1))
    assert replies == [{"ok": False, "error": f"a request has at most {control.REQUEST_BYTES_MAX} bytes"}]


async def test_one_client_too_many_is_turned_away(path: Path) -> None:
    """A full house answers, and has room again as soon as somebody leaves."""
    connections = [await asyncio.open_unix_connection(str(path)) for _ in range(control.CLIENTS_MAX)]
    for reader, writer in connections:
        writer.write(b'{"verb": "status"}\n')
        await reader.readline()
    (reply,) = await talk(path, b"")
    assert reply == {"ok": False, "error": f"{control.CLIENTS_MAX} clients are connected already"}
    for _, writer in connections:
        writer.close()
        await writer.wait_closed()
    tries = [await talk(path, b'{"verb": "status"}\n') for _ in range(10)]
    assert tries[-1][0]["ok"]


async def test_a_silent_client_is_dropped(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a request holds a place only for so long."""
    monkeypatch.setattr(control, "IDLE_S", 0.01)
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(b'{"verb"')
    assert await reader.read() == b""
    writer.close()


async def test_closing_drops_waiting_clients(tmp_path: Path) -> None:
    """A client that just sits there does not keep the daemon from stopping."""
    server = ControlServer(tmp_path / "s", answer)
    await server.start()
    reader, writer = await asyncio.open_unix_connection(str(tmp_path / "s"))
    writer.write(b'{"verb": "status"}\n')
    await reader.readline()
    await server.close()
    assert await reader.read() == b""
    writer.close()


async def test_a_dead_process_socket_is_taken_over(tmp_path: Path) -> None:
    """What a killed daemon left behind does not stop the next."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    server = ControlServer(tmp_path / "s", answer)
    await server.start()
    assert (await talk(tmp_path / "s", b'{"verb": "status"}\n'))[0]["ok"]
    await server.close()


async def test_a_living_daemon_keeps_its_socket(path: Path) -> None:
    """A second server on the same path is refused, and the first still answers."""
    with pytest.raises(Failure, match="another daemon answers there") as caught:
        await ControlServer(path, answer).start()
    assert caught.value.code is ExitCode.JOURNAL
    assert (await talk(path, b'{"verb": "status"}\n'))[0]["ok"]


async def test_other_things_of_that_name_are_left_alone(tmp_path: Path) -> None:
    """A file is not removed, and a missing directory is told."""
    (tmp_path / "s").write_text("precious")
    with pytest.raises(Failure, match="something else has this name"):
        await ControlServer(tmp_path / "s", answer).start()
    assert (tmp_path / "s").read_text() == "precious"
    with pytest.raises(Failure, match="No such file or directory"):
        await ControlServer(tmp_path / "none" / "s", answer).start()


async def test_a_long_path_is_used_relatively_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deep state directory works from near it; from afar the error names the cure, not errno."""
    deep = tmp_path / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    with pytest.raises(Failure, match="choose a shorter state_dir") as caught:
        await ControlServer(deep / "control.sock", answer).start()
    assert caught.value.code is ExitCode.SETTINGS
    monkeypatch.chdir(deep)
    server = ControlServer(deep / "control.sock", answer)
    await server.start()
    assert (await asyncio.to_thread(ask, deep / "control.sock", {"verb": "status"}))["none"] is None
    await server.close()


async def test_the_client_gets_the_result(path: Path) -> None:
    """The command line's client talks to the real server."""
    result = await asyncio.to_thread(ask, path, {"verb": "status"})
    assert result["money"] == "0.00000010"


async def test_the_client_names_what_went_wrong(path: Path, tmp_path: Path) -> None:
    """Refusals, an absent daemon and a dead one's socket are one line each, exit code DAEMON."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "dead"))
    for at, verb, reason in (
        (path, "no", "the daemon refused: not today"),
        (tmp_path / "none", "status", "no daemon answers on"),
        (tmp_path / "dead", "status", "no daemon answers on"),
    ):
        with pytest.raises(Failure, match=re.escape(reason)) as caught:
            await asyncio.to_thread(ask, at, {"verb": verb})
        assert caught.value.code is ExitCode.DAEMON
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("reply", [b"", b"half", b"[]\n", b"{}\n", b'{"ok": true}\n', b"\xff\n"])
def test_the_client_survives_a_strange_server(reply: bytes, tmp_path: Path) -> None:
    """Whatever comes back, the client ends with one line."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1 << 16)
                connection.sendall(reply)

        serving = threading.Thread(target=serve)
        serving.start()
        with pytest.raises(Failure, match=r"broke off|refused"):
            ask(tmp_path / "s", {"verb": "status"})
        serving.join()


def test_the_client_does_not_wait_for_ever(tmp_path: Path) -> None:
    """A daemon whose loop is stuck is told as such."""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "s"))
        server.listen()
        with pytest.raises(Failure, match=r"did not answer within 0\.01 s"):
            ask(tmp_path / "s", {"verb": "status"}, timeout_s=0.01)
