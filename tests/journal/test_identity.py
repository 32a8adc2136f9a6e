"""Whose journal it is: a typing error is no life sentence, a rotated key no lockout, and strangers stay out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.records import AnchorSet
from arbbot.journal.sqlite import Identity, JournalRefused, open_journal, read_journal, rebind

MINE = Identity("sandbox", "https://venue.example", "OldKey", "a-b")
NEW = replace(MINE, account="NewKey")
ANCHOR = AnchorSet((), 1, "opening", "arbbot", "first reading", 1)


def leave(path: Path, identity: Identity, *records: AnchorSet) -> str:
    """A journal that a process left behind; its key."""
    journal = open_journal(path, identity, sync_full=False)
    if records:
        journal.append(records)
    journal.close()
    return journal.key


def test_a_journal_that_read_nothing_goes_to_the_next_key(tmp_path: Path) -> None:
    """A first start with a mistyped key reads nothing; the right key takes its journal over, once and for good."""
    path = tmp_path / "journal.db"
    key = leave(path, MINE)
    assert leave(path, NEW, ANCHOR) == key
    with pytest.raises(
        JournalRefused, match=r"belongs to account 'NewKey', not 'OldKey'.*`arbbot adopt --reason TEXT`"
    ):
        leave(path, MINE)


def test_a_rotated_key_is_adopted_by_a_person(tmp_path: Path) -> None:
    """The new key opens it, the old one no longer does; records and order ids go on, and the reason is kept."""
    path = tmp_path / "journal.db"
    key = leave(path, MINE, ANCHOR)
    assert rebind(path, NEW, "ann: rotated") == "OldKey"
    assert leave(path, NEW) == key
    with pytest.raises(JournalRefused, match="belongs to account"):
        leave(path, MINE)
    with read_journal(path) as (meta, lines):
        assert [line.record for line in lines] == [ANCHOR]
        assert meta["adopted_1"] == "from 'OldKey': ann: rotated"


def test_a_journal_in_use_is_bound_to_another_key(tmp_path: Path) -> None:
    """Records go on; the next process wants the new key; each change leaves its note."""
    path = tmp_path / "journal.db"
    journal = open_journal(path, MINE, sync_full=False)
    journal.append([ANCHOR])
    journal.rebind("NewKey", "from 'OldKey': ann: rotated")
    journal.prove()
    journal.rebind("NewestKey", "from 'NewKey': ann: again")
    journal.append([ANCHOR])
    journal.close()
    with pytest.raises(JournalRefused, match="belongs to account"):
        leave(path, MINE)
    with read_journal(path) as (meta, lines):
        assert len(list(lines)) == 2
        assert meta["account"] == "NewestKey"
        assert (meta["adopted_1"], meta["adopted_2"]) == ("from 'OldKey': ann: rotated", "from 'NewKey': ann: again")


@pytest.mark.parametrize("part", ["mode", "host", "route"])
def test_nothing_but_the_key_can_be_adopted(part: str, tmp_path: Path) -> None:
    """Another mode, host or route is another ledger."""
    path = tmp_path / "journal.db"
    leave(path, MINE, ANCHOR)
    with pytest.raises(JournalRefused, match=f"belongs to {part}"):
        rebind(path, replace(NEW, **{part: "other"}), "ann: hoping")


def test_a_running_daemon_keeps_its_journal(tmp_path: Path) -> None:
    """While a process holds the lock nobody adopts; nor where there is nothing to adopt."""
    path = tmp_path / "journal.db"
    with pytest.raises(JournalRefused, match="there is no journal"):
        rebind(path, NEW, "ann: rotated")
    journal = open_journal(path, MINE, sync_full=False)
    with pytest.raises(JournalRefused, match="in use by process"):
        rebind(path, NEW, "ann: rotated")
    journal.close()
    with pytest.raises(JournalRefused, match="already"):
        rebind(path, MINE, "ann: rotated")


def test_the_verb_adopts_the_journal_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`arbbot adopt` binds it to the key at hand; a second time there is nothing to do, in one line."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ARBBOT_KEYS__KEY_ID", "NewKey00")
    monkeypatch.setenv("ARBBOT_KEYS__SECRET", "NewSecret00")
    path = Path("state/sandbox/journal.db")
    leave(path, Identity("sandbox", "https://sandbox.bitstamp.net", "OldKey", "btcusd-btceur"), ANCHOR)
    assert main(["adopt", "--reason", "rotated"]) == ExitCode.OK
    assert "NewKey00" in capsys.readouterr().out
    assert main(["adopt", "--reason", "rotated"]) == ExitCode.JOURNAL
    assert capsys.readouterr().err.count("\n") == 1


def test_a_journal_and_all_beside_it_are_its_owner_s_alone(tmp_path: Path) -> None:
    """Nobody else on the machine may read what was traded, or hold the lock and keep the daemon from starting."""
    journal = open_journal(tmp_path / "journal.db", MINE, sync_full=False)
    journal.append([ANCHOR])
    modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    journal.close()
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}, modes
