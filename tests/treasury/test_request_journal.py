"""The treasury's journal: exact, append-only, held by one process, and of one venue."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from arbbot.treasury.journal import RequestJournal, RequestJournalRefused, decode, encode, open_requests
from arbbot.treasury.records import REQUEST_TABLE, RequestMoved, RequestState
from arbbot.treasury.state import TreasuryError, TreasuryState
from tests.treasury.world import World

HOST = "http://127.0.0.1:1"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[RequestJournal]:
    """An empty one."""
    opened = open_requests(tmp_path / "sandbox" / "treasury.db", "sandbox", HOST)
    yield opened
    opened.close()


def told() -> World:
    """A settlement with one line of nearly every kind."""
    world = World()
    world.settle()
    world.later(10**6)
    world.settle()
    world.person = False
    return world


def test_what_is_written_is_read_again_exactly(journal: RequestJournal) -> None:
    """Every record as it was, in order, money digit for digit; the same memory comes of it."""
    world = told()
    journal.append(world.journal[:3])
    journal.append(world.journal[3:])
    assert list(journal.records()) == world.journal
    assert journal.state() == world.replayed()
    for record in world.journal:
        assert decode(record.kind, encode(record)) == record


def test_nothing_in_it_can_be_changed(journal: RequestJournal) -> None:
    """The file itself refuses."""
    journal.append(told().journal)
    with sqlite3.connect(journal.path) as other:
        for change in ("UPDATE record SET kind = 'x'", "DELETE FROM record"):
            with pytest.raises(sqlite3.IntegrityError, match="append only"):
                other.execute(change)
    other.close()


def test_one_process_at_a_time(journal: RequestJournal) -> None:
    """A second settlement is told who holds it."""
    with pytest.raises(RequestJournalRefused, match="one settlement at a time"):
        open_requests(journal.path, "sandbox", HOST)


def test_it_belongs_to_one_venue_and_keeps_its_key(journal: RequestJournal, tmp_path: Path) -> None:
    """Another mode or host is refused; opened again it has the same key, readable by its owner alone."""
    path, key = journal.path, journal.key
    journal.close()
    with pytest.raises(RequestJournalRefused, match="belongs to host"):
        open_requests(path, "sandbox", "http://127.0.0.1:2")
    with pytest.raises(RequestJournalRefused, match="belongs to mode"):
        open_requests(path, "live", HOST)
    again = open_requests(path, "sandbox", HOST)
    assert again.key == key
    again.close()
    assert path.stat().st_mode & 0o077 == 0


def test_damage_is_told(journal: RequestJournal) -> None:
    """A line that is no record, or a file that is none of ours."""
    with pytest.raises(ValueError, match="unknown"):
        decode("no_such", "{}")
    with pytest.raises(ValueError, match="validation"):
        decode("policy_seen", "{}")
    path = journal.path.with_name("other.db")
    path.write_bytes(b"no database at all, but long enough to be looked at as one" * 40)
    with pytest.raises(RequestJournalRefused):
        open_requests(path, "sandbox", HOST)


@pytest.mark.parametrize("state", RequestState)
def test_no_state_leads_back_to_the_wire(state: RequestState) -> None:
    """Only what was intended is announced, once; it is never intended again, and what has ended stays so."""
    assert RequestState.INTENDED not in REQUEST_TABLE[state]
    assert (RequestState.ANNOUNCED in REQUEST_TABLE[state]) is (state is RequestState.INTENDED)
    assert not state.ended or not REQUEST_TABLE[state]


def test_a_record_that_cannot_follow_is_a_fault() -> None:
    """An intent of the same name, one beside an open one, a move of nothing, and one against the table."""
    world = told()
    state = world.replayed()
    intents = [each for each in world.journal if each.kind == "request_intended"]
    with pytest.raises(TreasuryError, match=r"twice|open"):
        state.apply(intents[0])
    moved = next(record for record in world.journal if record.kind == "conversion_moved")
    with pytest.raises(TreasuryError, match="cannot become"):
        TreasuryState().apply(moved)
    name = next(iter(state.requests))
    with pytest.raises(TreasuryError, match="cannot become"):
        state.apply(RequestMoved(name, RequestState.INTENDED, None, "again", 1))
