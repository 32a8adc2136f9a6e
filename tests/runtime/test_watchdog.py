"""What the supervisor hears, over a real notification socket, while parts of a running daemon stand still."""

from __future__ import annotations

import socket
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from arbbot.domain.records import AlertRaised
from arbbot.ports import JournalFault
from arbbot.runtime.daemon import PROVE_EVERY_NS, WATCHDOG_EVERY_NS, DaemonFault
from arbbot.runtime.progress import STUCK_NS
from tests.runtime.test_daemon import Shell, running

SPEED = 300
"""Market seconds a second: the watchdog is fed as fast as it ticks then, and what is stuck is found soon."""


class Supervisor:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        self._socket.setblocking(False)
        self.said: list[str] = []

    def pings(self) -> int:
        """How often the watchdog was fed until now; the socket holds few messages, so ask often."""
        while True:
            try:
                self.said += self._socket.recv(512).decode().splitlines()
            except BlockingIOError:
                return self.said.count("WATCHDOG=1")

    async def hears(self, shell: Shell, duration_ns: int) -> int:
        """The pings of so much market time."""
        before, begun_ns = self.pings(), shell.clock.now().mono_ns
        await shell.until(lambda: self.pings() >= 0 and shell.clock.now().mono_ns - begun_ns > duration_ns)
        return self.pings() - before

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def supervisor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Supervisor]:
    """A service manager that listens."""
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
    with closing(Supervisor(tmp_path / "n")) as listening:
        yield listening


async def starves(shell: Shell, supervisor: Supervisor, reason: str, bound_ns: int = STUCK_NS) -> None:
    """The pings end although the process lives and its loop turns, and one alert says why."""
    await supervisor.hears(shell, bound_ns + 4 * WATCHDOG_EVERY_NS)
    assert await supervisor.hears(shell, 10 * WATCHDOG_EVERY_NS) == 0
    assert not shell.running.done()
    told = [each.text for each in shell.notes.records if isinstance(each, AlertRaised)]
    assert [text for text in told if reason in text] == told[-1:]
    assert any(line.startswith("STATUS=") and reason in line for line in supervisor.said)
    assert reason in (shell.daemon.standing_still(shell.clock.now()) or "")


async def test_it_is_fed_while_everything_moves(tmp_path: Path, supervisor: Supervisor) -> None:
    """READY once, then pings for as long as it lives, a quiet market and minutes without a record included."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        for _ in range(3):
            assert await supervisor.hears(shell, STUCK_NS) > 3
        assert supervisor.said.count("READY=1") == 1
        assert shell.daemon.standing_still(shell.clock.now()) is None


async def test_a_question_without_an_answer_starves_it(tmp_path: Path, supervisor: Supervisor) -> None:
    """Beyond every timeout a question is stuck, and with it whoever waits for it."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        shell.desk.silent = True
        await starves(shell, supervisor, "a question for ", 2 * STUCK_NS)


async def test_a_reconciler_that_reads_no_more_starves_it(tmp_path: Path, supervisor: Supervisor) -> None:
    """No question hangs, it is just never put again: still nobody compares the ledger with the venue."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        account = shell.engine.core.rules.account
        shell.engine.books._next_poll_ns = 2**62
        bound_ns = STUCK_NS + int(account.poll_s + account.lag_s) * 1_000_000_000
        await starves(shell, supervisor, "the reconciler has not read the account", bound_ns)


async def test_a_feed_that_makes_no_step_starves_it(tmp_path: Path, supervisor: Supervisor) -> None:
    """A reader that neither reads nor tries to connect is stuck; a restart gives it a new one."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        shell.feed.moved = shell.clock.now().mono_ns
        await starves(shell, supervisor, "a feed has neither read nor tried to connect")


async def test_an_outage_of_the_venue_does_not(tmp_path: Path, supervisor: Supervisor) -> None:
    """A feed that keeps trying, and questions that fail: no restart would heal that, so the watchdog is fed on."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        shell.desk.failing = True

        def keeps_trying() -> bool:
            shell.feed.moved = now_ns = shell.clock.now().mono_ns
            supervisor.pings()
            return now_ns - begun_ns > 2 * STUCK_NS

        before, begun_ns = supervisor.pings(), shell.clock.now().mono_ns
        await shell.until(keeps_trying)
        assert supervisor.pings() > before + 3


async def test_a_loop_that_is_held_feeds_nobody(tmp_path: Path, supervisor: Supervisor) -> None:
    """The pings come from the loop that trades, not from a thread beside it."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        before = supervisor.pings()
        time.sleep(0.3)  # noqa: ASYNC251 - holding the loop is what is tested
        assert supervisor.pings() == before
        await shell.until(lambda: supervisor.pings() > before)


async def test_a_daemon_with_nothing_to_write_proves_that_it_could(tmp_path: Path) -> None:
    """Commits are made for the proof alone, and are no records."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        shell.engine._mark_due_ns = 2**62
        written = len(list(shell.journal.lines()))
        begun_ns = shell.clock.now().mono_ns
        await shell.until(lambda: shell.clock.now().mono_ns - begun_ns > 4 * PROVE_EVERY_NS)
        with closing(sqlite3.connect(shell.path)) as reader:
            proven = reader.execute("SELECT value FROM meta WHERE key = 'commits_proven'").fetchall()
        assert [int(count) >= 2 for (count,) in proven] == [True]
        assert len(list(shell.journal.lines())) == written


async def test_a_journal_that_cannot_commit_starves_it(tmp_path: Path, supervisor: Supervisor) -> None:
    """Found out while nothing is written: the daemon is broken, cancels what rests, and leaves."""
    async with running(tmp_path / "journal.db", SPEED) as shell:
        shell.engine._mark_due_ns = 2**62
        with closing(sqlite3.connect(shell.path)) as vandal:
            vandal.execute("DROP TABLE meta")
        before = supervisor.pings()
        with pytest.raises(DaemonFault) as fault:
            await shell.running
        assert isinstance(fault.value.__cause__, JournalFault)
        assert supervisor.pings() - before <= PROVE_EVERY_NS // WATCHDOG_EVERY_NS + 1
        assert "STOPPING=1" in supervisor.said
