"""A withdrawal that does not end calls a person, also where no daemon is there to do it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from arbbot import bootstrap
from arbbot.domain.exit_codes import ExitCode
from arbbot.treasury.journal import open_requests
from arbbot.treasury.policy import Asked
from arbbot.treasury.records import RequestIntended, RequestMoved, RequestState
from tests.bootstrap.test_calling import NOBODY, Receiver, settings

DAYS_AGO_US = 1_600_000_000_000_000
KEYS = {"treasury": {"key_id": "k" * 32, "secret": "s" * 32}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A webhook that takes all."""
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A treasury whose last withdrawal has been accepted long ago."""
    journal = open_requests(tmp_path / "sandbox" / "treasury.db", "sandbox", NOBODY)
    name, utc_us = f"{journal.key}-w00001", DAYS_AGO_US
    size, fee = Decimal(290), Decimal(5)
    journal.append([RequestIntended(name, "usdt", "ethereum", "0x" + "a1" * 20, size, fee, utc_us)])
    journal.append([RequestMoved(name, RequestState.ACCEPTED, 500, "accepted by its reply", utc_us)])
    journal.close()
    return tmp_path


def journaled(place: Path, kind: str, name: str) -> list[str]:
    """What the records of a kind say."""
    with closing(sqlite3.connect(place / "sandbox" / "treasury.db")) as file:
        query = "SELECT json_extract(body, ?) FROM record WHERE kind = ?"
        return [said for (said,) in file.execute(query, (f"$.{name}", kind))]


def calls(place: Path) -> list[str]:
    """Who called a person, by its journal."""
    return journaled(place, "person_called", "by")


def test_without_a_daemon_the_webhook_is_told_once(
    place: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the run of a timer, with settlements turned off and the venue away: the journal keeps the call, the last line
    says what does not end, and the exit code wants a person.
    """
    wanted = settings(place, receiver.url, keys=KEYS)
    for _ in range(2):
        code = bootstrap.settle(wanted, Asked(who="timer"), None, None, as_json=False)
        assert code is ExitCode.SETTLEMENT_OPEN
        assert "does not end, request 500 not finished after" in capsys.readouterr().err.splitlines()[-1]
    ((name, text),) = receiver.texts
    assert name == "settlement_stuck"
    assert "request 500 not finished after" in text


@pytest.mark.parametrize("status", [503, 404])
def test_what_the_webhook_does_not_take_is_told_again_by_the_next_run(
    place: Path, receiver: Receiver, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is down, or will not have it: the run says that nobody was called, and journals no call. The next run calls
    again, and the one after it, with the call in the journal, no more.
    """
    wanted = settings(place, receiver.url, keys=KEYS)
    seen = []
    for answer in (status, 200, 200):
        receiver.status = answer
        assert bootstrap.settle(wanted, Asked(who="timer"), None, None, as_json=False) is ExitCode.SETTLEMENT_OPEN
        seen.append((len(receiver.bodies), len(calls(place)), "calls again" in capsys.readouterr().err))
    tries = 2 if status == 503 else 1
    assert seen == [(tries, 0, True), (tries + 1, 1, False), (tries + 1, 1, False)]
    assert {name for name, _ in receiver.texts} == {"settlement_stuck"}


def test_where_nobody_is_called_no_call_is_journaled(
    place: Path, receiver: Receiver, capsys: pytest.CaptureFixture[str]
) -> None:
    """No webhook is named: each run says so. Once one is, the next run calls."""
    for url, told in ((None, 0), (None, 0), (receiver.url, 1)):
        wanted = settings(place, url, keys=KEYS)
        assert bootstrap.settle(wanted, Asked(who="timer"), None, None, as_json=False) is ExitCode.SETTLEMENT_OPEN
        assert ("nobody was called" in capsys.readouterr().err) is (told == 0)
        assert (len(receiver.bodies), len(calls(place))) == (told, told)


def test_a_missing_key_is_journaled_by_its_own_name(place: Path, receiver: Receiver) -> None:
    """What kept it from asking the venue has the name of its exit code."""
    wanted = settings(place, receiver.url, keys={})
    assert bootstrap.settle(wanted, Asked(who="timer"), None, None, as_json=False) is ExitCode.SECRET
    assert journaled(place, "settlement_refused", "cause") == ["secret"]
