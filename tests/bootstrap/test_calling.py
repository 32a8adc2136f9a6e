"""Messages of processes that are no running daemon, to a real receiver: a start that failed, a panic."""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from arbbot import bootstrap
from arbbot.bootstrap.calling import not_started
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings import Settings

NOBODY = "http://127.0.0.1:9"
"""Where nothing listens: the venue is away."""


class Receiver:
    """A webhook on a thread of its own."""

    def __init__(self, status: int = 200) -> None:
        bodies: list[dict[str, Any]] = []
        receiver = self
        self.status = status
        """Its answer to each."""

        class Taker(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.bodies = bodies
        self._server = HTTPServer(("127.0.0.1", 0), Taker)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Name and text of each message."""
        return [(each["name"], each["text"]) for body in self.bodies for each in body["messages"]]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """One that takes all."""
    one = Receiver()
    yield one
    one.close()


def settings(state: Path, url: str | None, **more: Any) -> Settings:
    """A rehearsal at a venue that is away, with a webhook."""
    return Settings.model_validate(
        {
            "state_dir": state,
            "sandbox": {"rest_url": NOBODY, "ws_url": "ws://127.0.0.1:9"},
            "keys": {"key_id": "k" * 32, "secret": "s" * 32},
            "alerts": {"url": url},
            **more,
        }
    )


def test_a_start_that_fails_is_told_once_until_it_fails_otherwise(tmp_path: Path, receiver: Receiver) -> None:
    """A supervisor tries four times a minute: the same reason is told again only after `alerts.repeat_s`, another at
    once.
    """
    wanted = settings(tmp_path, receiver.url)
    away = Failure(ExitCode.VENUE, "the venue is away")
    not_started(wanted, away)
    not_started(wanted, away)
    assert receiver.texts == [("not_started", "exit code 7: the venue is away")]
    not_started(wanted, Failure(ExitCode.JOURNAL, "the journal is damaged"))
    assert receiver.texts[1:] == [("not_started", "exit code 5: the journal is damaged")]
    told = tmp_path / "not_started"
    os.utime(told, times=(told.stat().st_mtime - 301,) * 2)
    not_started(wanted, Failure(ExitCode.JOURNAL, "the journal is damaged"))
    assert len(receiver.texts) == 3


@pytest.mark.parametrize("more", [{"keys": {}}, {}], ids=["no key", "a damaged journal"])
def test_whatever_keeps_the_daemon_from_starting_is_told(
    tmp_path: Path, receiver: Receiver, more: dict[str, Any]
) -> None:
    """The message has the exit code and the line of the log, and the exit code stays what it was."""
    journal = tmp_path / "sandbox" / "journal.db"
    journal.parent.mkdir()
    journal.write_bytes(b"not a journal")
    with pytest.raises(Failure) as failed:
        bootstrap.run(settings(tmp_path, receiver.url, **more), for_s=None, record=None, demo=False)
    assert failed.value.code is (ExitCode.SECRET if more else ExitCode.JOURNAL)
    assert receiver.texts == [("not_started", f"exit code {failed.value.code.value}: {failed.value.reason}")]
    assert receiver.bodies[0]["route"] == "btcusd-btceur"


@pytest.mark.parametrize("status", [500, 404])
def test_a_webhook_that_takes_nothing_changes_nothing(
    tmp_path: Path, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """One that may take it later is asked twice, one that never will once; the terminal says that nobody was told, and
    what the webhook said.
    """
    deaf = Receiver(status)
    try:
        not_started(settings(tmp_path, deaf.url), Failure(ExitCode.VENUE, "the venue is away"))
    finally:
        deaf.close()
    assert len(deaf.bodies) == (2 if status == 500 else 1)
    outcome = "failed" if status == 500 else "refused"
    told = f"alerts: not_started was not taken by the webhook, {outcome}: status {status}\n"
    assert capsys.readouterr().err == told


def test_the_panic_unit_can_speak_as_slack_wants_it(tmp_path: Path, receiver: Receiver) -> None:
    """By its own settings with all that they may hold, as the file beside the unit has it."""
    shipped = (Path(__file__).parents[2] / "deploy" / "systemd" / "panic.toml").read_text()
    whole = tomllib.loads(re.sub(r"^# (\[|\w+ =)", r"\1", shipped, flags=re.MULTILINE))
    wanted = {**whole, "state_dir": tmp_path, "alerts": {**whole["alerts"], "url": receiver.url}}
    not_started(Settings.model_validate(wanted), Failure(ExitCode.VENUE, "the venue is away"))
    assert [list(body) for body in receiver.bodies] == [["text"]]
    assert "the venue is away" in str(receiver.bodies[0]["text"])


def test_who_wants_none_hears_none(tmp_path: Path, receiver: Receiver) -> None:
    """`alerts.never` holds for these names too."""
    wanted = settings(tmp_path, receiver.url, alerts={"url": receiver.url, "never": ["not_started"]})
    not_started(wanted, Failure(ExitCode.VENUE, "the venue is away"))
    assert receiver.bodies == []


def test_a_panic_is_told_at_its_beginning_and_its_end(tmp_path: Path, receiver: Receiver) -> None:
    """The end has the same words as the terminal, here that the venue could not be asked."""
    hasty = settings(tmp_path, receiver.url)
    hasty = hasty.model_copy(update={"sandbox": hasty.sandbox.model_copy(update={"speed": 100})})
    with pytest.raises(Failure) as failed:
        bootstrap.panic(hasty, "ann", "a fire", None)
    begun, ended = sorted(receiver.texts, key=lambda each: "ann" not in each[1])
    assert begun == ("panic", "panic by ann: a fire; every open order of the account is being cancelled")
    assert ended == ("panic", failed.value.reason)
