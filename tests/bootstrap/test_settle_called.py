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


def refusals(place: Path) -> list[str]:
    """Causes, by its journal."""
    with closing(sqlite3.connect(place / "sandbox" / "treasury.db")) as file:
        query = "SELECT json_extract(body, '$.cause') FROM record WHERE kind = 'settlement_refused'"
        return [cause for (cause,) in file.execute(query)]


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


def test_a_missing_key_is_journaled_by_its_own_name(place: Path, receiver: Receiver) -> None:
    """What kept it from asking the venue has the name of its exit code."""
    wanted = settings(place, receiver.url, keys={})
    assert bootstrap.settle(wanted, Asked(who="timer"), None, None, as_json=False) is ExitCode.SECRET
    assert refusals(place) == ["secret"]
