"""What a journal on disk tells: the report of a run, and everything about one hedge or conversion."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from arbbot import screen
from arbbot.bootstrap.explained import Explained
from arbbot.bootstrap.summary import dated, summary_lines
from arbbot.bootstrap.wiring import journal_identity, journal_path
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.ledger import LedgerError
from arbbot.domain.life import Started
from arbbot.domain.market import Route
from arbbot.domain.records import DurableRecord, OrderIntended
from arbbot.engine.ramp_told import ramp_of
from arbbot.engine.report import report as figures_of
from arbbot.engine.state import State, StateError
from arbbot.journal.sqlite import JournalRefused, Line, read_journal, rebind
from arbbot.settings import Settings, read_keys, rules


@dataclass(frozen=True, slots=True)
class Told:
    """A journal, read."""

    path: Path
    mode: str
    route: Route
    lines: tuple[Line, ...]

    def state(self) -> State:
        """The fold of all its records. Raises Failure (JOURNAL) where they do not follow each other."""
        return folded(self.lines, self.path)


def remembered(settings: Settings) -> State:
    """What the journal of these settings' mode remembers; nothing where there is none yet. Raises Failure (JOURNAL)."""
    path = journal_path(settings)
    if not path.exists():
        return State()
    try:
        with read_journal(path) as (_, lines):
            return folded(lines, path)
    except JournalRefused as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error


def folded(lines: Iterable[Line], path: Path, each: Callable[[DurableRecord], None] | None = None) -> State:
    """The fold of the records of the journal at `path`, each of them told of once it is taken in.

    Raises Failure (JOURNAL), which names the path, where they do not follow each other, as after a botched restore.
    """
    state = State()
    try:
        for line in lines:
            state.apply(line.record)
            if each is not None:
                each(line.record)
    except (StateError, LedgerError) as error:
        raise Failure(ExitCode.JOURNAL, f"{path}: damaged: {error}") from error
    return state


def last_journal(settings: Settings) -> Path:
    """The journal that was written last below the state directory. Raises Failure (JOURNAL)."""
    found = sorted(settings.state_dir.glob("**/journal.db"), key=last_written)
    if not found:
        raise Failure(ExitCode.JOURNAL, f"{settings.state_dir}: no journal yet; `arbbot run` makes one")
    return found[-1]


def last_written(path: Path) -> int:
    """When a journal was written to, its write-ahead log included."""
    beside = (path, path.with_name(path.name + "-wal"))
    return max(each.stat().st_mtime_ns for each in beside if each.exists())


def read(journal: Path | None, settings: Settings) -> Told:
    """Read a journal, the last one by default. Raises Failure (JOURNAL)."""
    path = journal or last_journal(settings)
    try:
        with read_journal(path) as (meta, lines):
            held = tuple(lines)
    except JournalRefused as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error
    starts = [line.record for line in held if isinstance(line.record, Started)]
    if not starts:
        raise Failure(ExitCode.JOURNAL, f"{path}: no process has started on it yet")
    return Told(path, meta["mode"], Route(*starts[-1].instruments), held)


def report(journal: Path | None, settings: Settings, as_json: bool) -> ExitCode:
    """Print what a run made and where it stands."""
    told = read(journal, settings)
    figures = figures_of(told.state(), told.route, told.mode)
    if as_json:
        screen.show_json({"journal": str(told.path), **dated(figures)})
    else:
        print(f"journal     {told.path} ({told.mode}, {told.route.name}), state {figures['state']}")
        print(*screen.harmless(summary_lines(figures)), sep="\n")
    return ExitCode.OK


def ramp(journal: Path | None, settings: Settings) -> dict[str, Any]:
    """The ramp by a journal: its weight, evidence and decisions."""
    return ramp_of(read(journal, settings).state(), rules(settings))


def explain(hedge_id: str, journal: Path | None, settings: Settings, as_json: bool) -> ExitCode:
    """Print everything that led to a hedge or conversion and came of it: orders, money, cause, and the records."""
    told = read(journal, settings)
    lines = about(told, hedge_id)
    if not lines:
        raise Failure(ExitCode.USAGE, f"{told.path}: no hedge or conversion {hedge_id}")
    told_of = Explained.of(lines, told.lines, told.route)
    if as_json:
        screen.show_json(told_of.answer())
    else:
        print(*screen.harmless(told_of.lines()), sep="\n")
    return ExitCode.OK


def adopt(settings: Settings, who: str, reason: str) -> ExitCode:
    """Bind the journal of these settings to the present key, after a rotation. Raises Failure (JOURNAL)."""
    path, identity = journal_path(settings), journal_identity(settings, read_keys(settings))
    try:
        before = rebind(path, identity, f"{who}, {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}: {reason}")  # noqa: TID251 - names a file
    except (JournalRefused, OSError) as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error
    print(f"{path}: bound to key {identity.account}, no longer to {before}; nothing is traded before the ledger agrees")
    return ExitCode.OK


def about(told: Told, hedge_id: str) -> list[Line]:
    """The lines of a hedge or conversion and of its orders, oldest first."""
    orders = {
        line.record.terms.client_order_id
        for line in told.lines
        if isinstance(line.record, OrderIntended) and line.record.terms.hedge_id == hedge_id
    }
    return [line for line in told.lines if _belongs(line.record, hedge_id, orders)]


def _belongs(record: DurableRecord, hedge_id: str, orders: set[str]) -> bool:
    terms = getattr(record, "terms", None)
    named = getattr(record, "client_order_id", None) or getattr(terms, "client_order_id", None)
    plan = getattr(record, "hedge_id", None) or getattr(record, "conversion_id", None)
    return plan == hedge_id or named in orders
