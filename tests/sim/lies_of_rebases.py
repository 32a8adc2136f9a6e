"""Lies about rebases, hedges that are given up, exits told as forced, and edges that the spike guard should not have
believed.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.sim.checker import Checker
from tests.sim.lies import Doctor, Json, Lines, before, each

ASKED: Json = {"who": "ann", "reason": "as it is", "utc_us": 1}
DROPPED: Json = {"why": "tea", "utc_us": 2}
UNDONE: Json = {"severity": "warning", "name": "rebase_undone", "text": "not done", "utc_us": 2}


def _rebased(line: Json) -> None:
    line["cause"] = "rebase"


def _given_up(line: Json) -> None:
    line["outcome"] = "abandoned"


def _forced(line: Json) -> None:
    line["forced"] = True


class DroppedAtWill(Doctor):
    """A rebase is asked for and dropped, although nobody wants that."""

    told: tuple[tuple[str, Json], ...] = (("rebase_dropped", DROPPED), ("alert_raised", UNDONE))

    def lines(self, lines: Lines) -> Lines:
        opens = any(kind == "hedge_opened" for kind, _ in lines)
        return [*([("rebase_asked", ASKED), *self.told] if opens else []), *lines]


class DroppedInSilence(DroppedAtWill):
    """And nobody is told."""

    told = (("rebase_dropped", DROPPED),)


class StopsWithout(Doctor):
    """A rebase waits when the process stops."""

    def lines(self, lines: Lines) -> Lines:
        return [pair for kind, line in lines for pair in [*self._asked(kind), (kind, line)]]

    def _asked(self, kind: str) -> Lines:
        return [("rebase_asked", ASKED)] if kind == "stopped" else []


class GivenUpForAnotherAmount(Doctor):
    """The alert on what is given up names another amount."""

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            told.append((kind, line))
            if kind == "hedge_closed":
                line["outcome"] = "abandoned"
                text = f"{line['hedge_id']}: +7 BTC stays as it is"
                told.append(
                    ("alert_raised", UNDONE | {"severity": "critical", "name": "hedge_abandoned", "text": text})
                )
        return told


def guarded(**limits: Any) -> type[Checker]:
    """A judge to whom the spike guard promises more."""

    class Strict(Checker):
        def began(self, now_us: int) -> None:
            super().began(now_us)
            assert self._limits.spike is not None
            self._decisions._spikes._limits = replace(self._limits.spike, **limits)

    return Strict


REBASES: list[tuple[str, str, type[Checker]]] = [
    ("S4", "which nobody waits for", each("anchor_set", _rebased)),
    ("S4", "an opening although", before("anchor_set", "rebase_asked", ASKED)),
    ("L6", "is not done", before("hedge_opened", "rebase_asked", ASKED)),
    ("L6", "nobody waits for", before("hedge_opened", "rebase_dropped", DROPPED)),
    ("L6", "has not waited for long", DroppedAtWill),
    ("L6", "dropped, and nobody is told", DroppedInSilence),
    ("L6", "although the process has stopped", StopsWithout),
    ("S13", "nobody waits for a rebase", each("hedge_closed", _given_up)),
    ("S13", "no plan leaves it open", each("hedge_closed", _given_up)),
    ("L1", "nobody is told how much", each("hedge_closed", _given_up)),
    ("L1", "nobody is told how much", GivenUpForAnotherAmount),
    ("S13", "nothing forces it", each("exit_planned", _forced)),
    ("S6", "too good", guarded(max_gross=Decimal(0))),
    ("S6", "stood for", guarded(persist_ms=60_000)),
    ("S6", "changes at most", guarded(persist_changes=500)),
    ("S6", "unconfirmed", guarded(skew_us=0)),
]
