"""What the parts of a settlement share: policy, memory, the present moment, and the records of the present event."""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal
from typing import Any

from arbbot.domain.events import Moment
from arbbot.treasury.plan import Refused
from arbbot.treasury.policy import Policy
from arbbot.treasury.records import PersonCalled, TreasuryRecord
from arbbot.treasury.state import TreasuryState
from arbbot.treasury.words import AskDaemon, Command, DaemonRefused, DaemonSaid, Event, View, Wait

WHO = "treasury"
REASON_CHARS_MAX = 200
SECOND_NS = 1_000_000_000
SECOND_US = 1_000_000

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

    def past_acceptance(self, intended_us: int, looked_ns: int) -> bool:
        """True when the venue can no longer accept what was intended then, nor hide it: by the wall clock, and by this
        process's own, from when it began to look.
        """
        bound_s = self.policy.bound_s + self.policy.lag_s
        return self.since(looked_ns) > bound_s and self.utc_us - intended_us > int(bound_s * SECOND_US)

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
            return View.of(answer.result)
        except (KeyError, TypeError, ValueError, ArithmeticError) as error:
            raise Refused("daemon", f"the daemon's answer is not understood: {error!r}") from error

    def wait(self, seconds: Decimal | int) -> Generator[Command, Event, None]:
        """Let time pass."""
        yield Wait(Decimal(seconds))

    def call(self, name: str, text: str) -> Steps:
        """Call a person, once for each thing: by the journal, and by the daemon's alerts."""
        if name not in self.state.called:
            self.emit(PersonCalled(name, text, self.utc_us))
            yield from self.told("announce", text, what="word", name=name, outcome="stuck")


READINGS = 2


class Silence:
    """How often the venue has shown nothing of something in doubt since it could no longer accept it."""

    def __init__(self, desk: Desk, intended_us: int) -> None:
        self._desk = desk
        self._intended_us = intended_us
        self._looked_ns = self._last_ns = desk.at.mono_ns
        self._readings = 0

    def lasts(self) -> bool:
        """One more whole reading shows nothing; True when that is proof: a lag apart, and often enough."""
        desk = self._desk
        if not desk.past_acceptance(self._intended_us, self._looked_ns):
            return False
        if self._readings == 0 or desk.since(self._last_ns) >= desk.policy.lag_s:
            self._readings, self._last_ns = self._readings + 1, desk.at.mono_ns
        return self._readings >= READINGS
