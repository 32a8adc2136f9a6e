"""`arbbot settle`: one settlement, or one again and again, from its settings to its exit code."""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot import screen
from arbbot.bootstrap.settle_hands import Hands
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import journal_path, make_state_dir
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings import RunMode, Settings, settlement_policy
from arbbot.treasury.journal import RequestJournal, RequestJournalRefused, open_requests
from arbbot.treasury.policy import Asked, Policy
from arbbot.treasury.records import RequestMoved, SettlementRefused, TreasuryRecord
from arbbot.treasury.resolve import Resolution
from arbbot.treasury.settler import Settler
from arbbot.treasury.state import TreasuryError, TreasuryState
from arbbot.treasury.words import Done

NAME = "treasury.db"
SHOWN = 10
"""Requests and conversions of the past that are shown, the newest first."""


def settle(
    settings: Settings, asked: Asked | Resolution, every_s: Decimal | None, socket: Path | None, as_json: bool
) -> ExitCode:
    """Settle once, or every so many market seconds until stopped; the code of the last one. Raises Failure."""
    if settings.mode is RunMode.PAPER:
        raise Failure(ExitCode.SETTINGS, "settle: paper mode has no account at the venue; say --mode sandbox or live")
    make_state_dir(settings.state_dir)
    path = journal_path(settings).with_name(NAME)
    try:
        journal = open_requests(path, settings.mode.value, settings.venue.rest_url)
    except (RequestJournalRefused, OSError) as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error
    try:
        treasury = _Treasury(settings, asked, socket or settings.control_socket, journal)
        return asyncio.run(treasury.serve(every_s, as_json))
    except (RequestJournalRefused, TreasuryError) as error:
        raise Failure(ExitCode.JOURNAL, str(error)) from error
    finally:
        journal.close()


class _Treasury:
    """One process."""

    def __init__(self, settings: Settings, asked: Asked | Resolution, socket: Path, journal: RequestJournal) -> None:
        self._settings = settings
        self._policy: Policy = settlement_policy(settings)
        self._asked = asked
        self._socket = socket
        self._journal = journal

    async def serve(self, every_s: Decimal | None, as_json: bool) -> ExitCode:
        """Until the settlement, or the supervisor, says that it is over."""
        stopped = asyncio.Event()
        if every_s is not None:
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with Hands(self._settings, self._policy, self._socket, self._asked.who) as hands:
            while True:
                done, state = await self._one(hands)
                self._tell(done, state, as_json)
                if every_s is None or stopped.is_set():
                    return done.code
                with suppress(TimeoutError):
                    async with asyncio.timeout(float(every_s) / hands.clock.speed):
                        await stopped.wait()
                if stopped.is_set():
                    return done.code

    async def _one(self, hands: Hands) -> tuple[Done, TreasuryState]:
        """One settlement. Every record is in the journal before the command that follows it runs."""
        state = self._journal.state()
        settler = Settler(self._policy, state, self._journal.key, self._asked)
        output = settler.begin(hands.clock.now())
        while True:
            self._journal.append(output.records)
            self._say(output.records)
            if isinstance(output.command, Done):
                return output.command, state
            try:
                event = await hands.perform(output.command)
            except Failure as failure:  # no key, most often: told by the journal too
                refused = SettlementRefused(failure.code.name.lower(), failure.reason, hands.clock.now().utc_us)
                state.apply(refused)
                self._journal.append([refused])
                return Done(failure.code, failure.reason), state
            output = settler.answer(event, hands.clock.now())

    def _say(self, records: list[TreasuryRecord]) -> None:
        """What happens, as it happens."""
        for record in records:
            if not isinstance(record, SettlementRefused):
                say(f"settle: {_line(_worded(record))}")

    def _tell(self, done: Done, state: TreasuryState, as_json: bool) -> None:
        if as_json:
            screen.show(_answer(done, state), as_json=True)
        if done.code is ExitCode.OK:
            say(f"settle: {_line(done.text)}")
        else:
            say(f"arbbot: settle: {_line(done.text)}")


def _line(text: str) -> str:
    """One line for a terminal: a venue's words may hold anything."""
    return str(screen.harmless(" ".join(text.split())))


def _worded(record: TreasuryRecord) -> str:
    told = {name: value for name, value in asdict(record).items() if name != "utc_us" and value not in (None, "")}
    head = record.kind.replace("_", " ")
    if isinstance(record, RequestMoved):
        return f"{record.name} is {record.state}: {record.cause}"
    return f"{head}: " + ", ".join(f"{name} {_plain(value)}" for name, value in told.items())


def _plain(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value.normalize():f}"
    if isinstance(value, tuple):  # of names, or of names with figures
        return " ".join(each if isinstance(each, str) else f"{each[0]}={_plain(each[1])}" for each in value)
    return str(value)


def _answer(done: Done, state: TreasuryState) -> dict[str, Any]:
    """What came of it, and what this treasury remembers of the past."""
    conversions = list(state.conversions.values())[: -SHOWN - 1 : -1]
    requests = list(state.requests.values())[: -SHOWN - 1 : -1]
    statement = state.last_statement
    return {
        "code": int(done.code),
        "text": done.text,
        "refused": None if done.code is ExitCode.OK or state.last_refusal is None else state.last_refusal.cause,
        "conversions": [
            asdict(each.intended) | {"state": each.state.value, "filled": each.filled, "venue_id": each.venue_id}
            for each in conversions
        ],
        "requests": [
            asdict(each.intended)
            | {"state": each.state.value, "request_id": each.request_id, "cause": each.cause, "total": each.total}
            for each in requests
        ],
        "statement": None if statement is None else asdict(statement) | {"principal": dict(statement.principal)},
    }
