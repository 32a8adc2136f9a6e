"""What the parts of a settlement share: policy, memory, the present moment, and the records of the present event."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

from arbbot.domain.events import Moment
from arbbot.treasury.plan import Refused
from arbbot.treasury.policy import Policy
from arbbot.treasury.records import DAEMON, OWN, AnnouncementDenied, PersonCalled, TreasuryRecord
from arbbot.treasury.silence import SECOND_NS, Silence
from arbbot.treasury.state import TreasuryState
from arbbot.treasury.words import (
    AskDaemon,
    CallPerson,
    Command,
    DaemonRefused,
    DaemonSaid,
    Event,
    PersonCalledUp,
    View,
    Wait,
)

WHO = "treasury"
REASON_CHARS_MAX = 200

Steps = Generator[Command, Event, Any]
"""A part of a settlement: commands out, the answer to each in."""


def _one_line(text: str) -> str:
    """A reason as the daemon takes one: a venue's words may hold anything, and must not keep it from being told."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(plain.split())[:REASON_CHARS_MAX] or "no reason given"


class Desk:
    """One process of the treasury. `key` is its journal's own random name: it begins every name it mints."""

    def __init__(self, policy: Policy, state: TreasuryState, key: str) -> None:
        self.policy = policy
        self.state = state
        self.key = key
        self.at = Moment(0, 0)
        self.records: list[TreasuryRecord] = []
        self.anchor_us: int | None = None
        """When the daemon's ledger began, as it last said."""

    def emit(self, record: TreasuryRecord) -> None:
        """A durable fact: known now, in the journal before the next command runs."""
        self.state.apply(record)
        self.records.append(record)

    @property
    def utc_us(self) -> int:
        """Now."""
        return self.at.utc_us

    def since(self, mono_ns: int) -> Decimal:
        """Seconds of this process since a moment of it."""
        return Decimal(self.at.mono_ns - mono_ns) / SECOND_NS

    def silence(self, intended_us: int) -> Silence:
        """Listening begins, for something that was intended then."""
        return Silence(self.policy.bound_s, self.policy.lag_s, intended_us, self.at)

    # --- the daemon ----------------------------------------------------------------------------------------

    def told(self, verb: str, reason: str, **more: Any) -> Generator[Command, Event, DaemonSaid | DaemonRefused]:
        """Ask or tell the daemon something."""
        answer = yield AskDaemon({"verb": verb, "who": WHO, "reason": _one_line(reason), **more})
        if not isinstance(answer, DaemonSaid | DaemonRefused):
            raise TypeError(f"{answer} is no word of the daemon")
        return answer

    def view(self) -> Generator[Command, Event, View]:
        """How the account stands. Raises Refused."""
        answer = yield from self.told("settlement", "settle", pays=self.policy.pays, buys=self.policy.buys)
        if isinstance(answer, DaemonRefused):
            raise Refused("daemon" if answer.unreachable else "denied", answer.reason)
        try:
            view = View.of(answer.result)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise Refused("daemon", f"the daemon's answer is not understood: {error!r}") from error
        self.anchor_us = view.anchor_us
        return view

    def wait(self, seconds: Decimal | int) -> Generator[Command, Event, None]:
        """Let time pass."""
        yield Wait(Decimal(seconds))

    def denied(self, name: str, answer: DaemonRefused) -> bool:
        """An announcement was answered so: True where the daemon has said no. What it has of that name, if anything, is
        not ours then, and it is told nothing of it. Where it has not answered it may have taken note.
        """
        if not answer.unreachable:
            self.emit(AnnouncementDenied(name, answer.reason, self.utc_us))
        return not answer.unreachable

    def call(self, name: str, state: str, text: str) -> Steps:
        """Call a person by the daemon's alerts, once for each thing and each state it does not leave. Where the daemon
        does not hear of it this program calls, and the daemon is told by the next settlement. What is journaled has
        been taken: until then each settlement calls again.
        """
        if (name, state, DAEMON) in self.state.called:
            return
        answer = yield from self.told("announce", text, what="word", name=name, outcome="stuck")
        by = DAEMON if isinstance(answer, DaemonSaid) else OWN
        if (name, state, by) in self.state.called:
            return
        if by == OWN:
            called = yield CallPerson(name, text)
            if not isinstance(called, PersonCalledUp):
                raise TypeError(f"{called} is no word on a call")
            if not called.taken:
                return
        self.emit(PersonCalled(name, text, self.utc_us, state, by))
