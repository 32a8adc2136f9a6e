"""Another trading key for a running daemon: proven before it is used, and used from a quiet moment on.

What was sent by the old key is answered for by the old key; the journal is bound to the new one before the first
request that it signs. Whatever goes wrong before that leaves everything as it was.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.rights import account_of
from arbbot.bootstrap.key_rights import may_trade, whose, withdrawal_words
from arbbot.bootstrap.terminal import say_if_broken
from arbbot.bootstrap.wiring import Taps, gateway
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import BalancesFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.engine.refusal import EXPLANATIONS
from arbbot.engine.risk import busy
from arbbot.engine.step import Engine
from arbbot.journal.sqlite import JournalRefused, SqliteJournal
from arbbot.ports import Clock, Telemetry
from arbbot.runtime.control import Refused
from arbbot.settings import Keys, RunMode, Settings, read_keys
from arbbot.telemetry.redact import Redactor

LOOK_EVERY_S = 0.05
PATIENCE_S = 600.0
"""Of this machine's time, for a moment at which nothing is open: a doubt takes some four minutes, a hedge seconds."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a rotation looks at and changes."""

    settings: Settings
    keys: Keys | None
    """Those of the start."""
    source: BitstampGateway
    journal: SqliteJournal
    engine: Engine
    clock: Clock
    redactor: Redactor
    told: Telemetry


class Rotation:
    """At most one at a time; what became of the last is kept for whoever asks."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._key_id = "" if parts.keys is None else parts.keys.key_id
        self._task: asyncio.Task[None] | None = None
        self._words = "no rotation was asked for"
        self._done = False

    def begin(self, who: str, reason: str) -> dict[str, Any]:
        """Start one. Raises Refused where there is one already, or nothing to read a new key from."""
        settings = self._parts.settings
        if self._task is not None and not self._task.done():
            raise Refused("a rotation is under way already")
        if settings.mode is RunMode.PAPER:
            raise Refused("paper mode has no key")
        if settings.keys.key_id is not None or settings.keys.secret is not None:
            raise Refused(
                "the key was given by a variable, which a running process cannot read again: name files or Vault, or "
                "stop, change it, `arbbot adopt`, start"
            )
        self._words, self._done = "reading the new key", False
        self._task = asyncio.create_task(self._run(who, reason), name="the rotation of keys")
        self._task.add_done_callback(say_if_broken)
        return self.state()

    def state(self) -> dict[str, Any]:
        """How far it is: under_way, done, and words."""
        under_way = self._task is not None and not self._task.done()
        return {"under_way": under_way, "done": self._done, "words": self._words}

    async def close(self) -> None:
        """Break off what is under way; the old key stays."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self, who: str, reason: str) -> None:
        utc_us = self._parts.clock.now().utc_us
        try:
            async with asyncio.timeout(PATIENCE_S):
                words = await self._rotated(who, reason)
        except (Failure, JournalRefused) as failure:
            why = failure.reason if isinstance(failure, Failure) else str(failure)
            alert = AlertRaised(Severity.WARNING, "key_rotation", f"the old key stays: {why}", utc_us)
        except TimeoutError:
            why = f"nothing new was used within {PATIENCE_S:g} s: {self._words}"
            alert = AlertRaised(Severity.WARNING, "key_rotation", f"the old key stays: {why}", utc_us)
        else:
            self._done = True
            alert = AlertRaised(Severity.NOTICE, "key_rotation", words, utc_us)
        self._words = alert.text
        self._parts.told.fold((alert,), self._parts.clock.now())

    async def _rotated(self, who: str, reason: str) -> str:
        parts = self._parts
        keys = await asyncio.to_thread(read_keys, parts.settings)
        if keys is None or keys.key_id == self._key_id:
            raise Failure(ExitCode.SECRET, f"there is no new key: the one at hand is still {self._key_id}")
        parts.redactor.learn(keys.secret.get_secret_value())
        self._words = f"proving {keys.key_id}"
        await self._prove(keys)
        while (refusal := busy(parts.engine.core)) is not None:
            self._words = f"{keys.key_id} is proven, and waits: {EXPLANATIONS[refusal]}"
            await asyncio.sleep(LOOK_EVERY_S)
        # Nothing is awaited from here on: the moment stays quiet.
        before = self._key_id
        parts.journal.rebind(keys.key_id, f"from {before!r}: {who}, while it ran: {reason}")
        parts.source.rekey(Credentials(keys.key_id, keys.secret.get_secret_value()))
        self._key_id = keys.key_id
        return f"{keys.key_id} is in use, {before} no longer, by {who}: {reason}; the old one may be revoked now"

    async def _prove(self, keys: Keys) -> None:
        """See that a key is of our account, reads and trades it, and may no more. Raises Failure."""
        parts = self._parts
        base, market = parts.engine.core.route.base, parts.engine.core.route.domestic.symbol
        async with gateway(parts.settings, keys, parts.clock, lambda _event, _at: None, Taps()) as probe:
            theirs = await account_of(probe)
            if isinstance(theirs, str):
                raise Failure(ExitCode.AUTH, f"{keys.key_id} is refused: {theirs}")
            findings = [whose(await account_of(parts.source), theirs)]
            read = await probe.perform(Ask(0, Topic.BALANCES))
            findings.append((isinstance(read, BalancesFetched), f"reads no balances: {getattr(read, 'reason', '')}"))
            findings.append(await may_trade(probe, market))
            fit, words = await withdrawal_words(parts.settings, probe, base, answer_needed=True)
            findings.append((fit is not False, words))
        for fit, words in findings:
            if not fit:
                raise Failure(ExitCode.SECRET, f"{keys.key_id} {words}")
