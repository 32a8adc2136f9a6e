"""Lies about weights and drills, told of lives that have them, each with the words the judge must find."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from functools import cache

from arbbot.engine.rules import DrillRules, RampRules
from tests.sim.checker import Checker
from tests.sim.checker.profit import Converted
from tests.sim.lies import Doctor, Json, Lines, before, dropped, each, more, plan
from tests.sim.plan import Plan

TRIPPED: Json = {"name": "daily_loss", "measured": "1", "limit": "1", "mode": "halted", "utc_us": 1}
HALTED: Json = {"mode": "halted", "who": "ann", "own": True, "reason": "x", "utc_us": 1}
REBASED: Json = {"holdings": [], "cursor": 0, "cause": "rebase", "who": "ann", "reason": "x", "utc_us": 1}
CHOSEN: Json = {"before": "1", "weight": "1.2", "who": "ann", "reason": "x", "utc_us": 1}


@cache
def growing() -> Plan:
    """A life in which nothing goes wrong, and the weight goes up after each of its hedges."""
    ramp = RampRules(
        period_s=Decimal(10), step=Decimal("0.2"), max_weight=Decimal(2), min_hedges=1, min_edge_hedges=1,
        max_shortfall=Decimal("0.01"), max_slippage=Decimal("0.01"), max_rate_limited=Decimal("0.1"),
        max_one_sided=Decimal("0.1"),
    )  # fmt: skip
    return replace(plan(), rules=replace(plan().rules, ramp=ramp), disturbances=())


@cache
def without_ramp() -> Plan:
    """The same life without one."""
    return replace(growing(), rules=plan().rules)


def _lower(line: Json) -> None:
    line["weight"] = str(Decimal(line["before"]) - Decimal("0.1"))


def _stays(line: Json) -> None:
    line["weight"] = line["before"]


def _poor(line: Json) -> None:
    for holding in line["holdings"]:
        holding["total"] = str(Decimal(holding["total"]) / 1000)


def _dated(by_us: int) -> Callable[[Json], None]:
    def change(line: Json) -> None:
        line["utc_us"] += by_us

    return change


class NoneOneSided(Checker):
    """A judge who takes every hedge for one too many that is one-sided."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        assert self._limits.ramp is not None
        self._ramp._limits = replace(self._limits.ramp, max_one_sided=Decimal(-1))


class Halts(Doctor):
    """The daemon stops itself before each decision, and a person has resumed after the last."""

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            if kind == "ramp_decided":
                told += [("mode_changed", HALTED | {"mode": "active", "own": False}), ("mode_changed", HALTED)]
            told.append((kind, line))
        return told


class StaysAfterATrip(Doctor):
    """A limit tripped, and the weight stays above the beginning's."""

    def lines(self, lines: Lines) -> Lines:
        told: Lines = []
        for kind, line in lines:
            if kind == "ramp_decided" and Decimal(line["before"]) > 1:
                _stays(line)
                told.append(("limit_tripped", TRIPPED))
            told.append((kind, line))
        return told


class Made(dict[str, Decimal]):
    """Whatever is put in, every hedge has lost a thousand."""

    def __getitem__(self, key: str) -> Decimal:
        return Decimal(-1000)


class Exchanged(dict[str, Converted]):
    """Whatever is put in, every conversion has."""

    def __getitem__(self, key: str) -> Converted:
        return replace(super().__getitem__(key), realised=Decimal(-1000))


class LosesByHedges(Checker):
    """By the judge's own figures hedges lose; what the journal says of it counts for nothing."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self.profit.hedges = Made()


class LosesByConversions(Checker):
    """Conversions do."""

    def began(self, now_us: int) -> None:
        super().began(now_us)
        self.profit.conversions = Exchanged()


WEIGHTS: list[tuple[str, type[Checker], Callable[[], Plan]]] = [
    ("a decision begins at", each("ramp_decided", more("before")), growing),
    ("beyond a step or its cap", each("ramp_decided", more("weight", by="0.1")), growing),
    ("evidence: hedges", dropped("hedge_closed"), growing),
    ("evidence: settled hedges", dropped("hedge_settled"), growing),
    ("evidence: hedges of its size", each("hedge_opened", more("weighed", by="9")), growing),
    ("a loss", LosesByConversions, growing),
    ("evidence: requests", dropped("requests_counted"), growing),
    ("evidence: an undisturbed ledger", before("ramp_decided", "anchor_set", REBASED), growing),
    ("evidence: a stop", before("ramp_decided", "limit_tripped", TRIPPED), growing),
    ("evidence: a stop", Halts, growing),
    ("evidence: a shortfall", each("hedge_opened", more("expected_pnl", by="1000")), growing),
    ("a loss", LosesByHedges, growing),
    ("evidence: slippage", each("hedge_opened", more("buy_vwap", by="-9000")), growing),
    ("evidence: rate limits", each("requests_counted", lambda line: line.update(rate_limited=99)), growing),
    ("evidence: one-sided hedges", NoneOneSided, growing),
    ("for nothing, or too far", each("ramp_decided", _lower), growing),
    ("the weight stays", StaysAfterATrip, growing),
    ("is more than a weight of", each("hedge_opened", more("size")), growing),
    ("of capital", each("anchor_set", _poor), growing),
    ("twice in a period", each("ramp_decided", _dated(-10_000_000)), growing),
    ("which is no period", before("ramp_decided", "ramp_set", CHOSEN), growing),
    ("at the weight of before", before("hedge_opened", "limit_tripped", TRIPPED), growing),
    ("the cap is", before("hedge_opened", "ramp_set", CHOSEN | {"weight": "9"}), growing),
    ("nobody says who", before("hedge_opened", "ramp_set", CHOSEN | {"reason": ""}), growing),
    ("there is no ramp", before("hedge_opened", "ramp_set", CHOSEN), without_ramp),
]


@cache
def drilling() -> Plan:
    """A life in which nothing goes wrong, with drills."""
    drill = DrillRules(every_s=Decimal(4), budget=Decimal(5))
    return replace(plan(), rules=replace(plan().rules, drill=drill), disturbances=())


def _hidden(line: Json) -> None:
    line["drill"] = False


def _large(line: Json) -> None:
    line["buy_vwap"] = str(Decimal(line["buy_vwap"]) * 10)


def _all_drills(line: Json) -> None:
    line["drill"] = True


DRILLS: list[tuple[str, str, type[Checker], Callable[[], Plan]]] = [
    ("D", "there are to be none", each("hedge_opened", _all_drills), growing),
    ("D", "is a drill worth", each("hedge_opened", _large), drilling),
    ("D", "may bring that to", each("hedge_opened", more("expected_pnl", by="-9")), drilling),
    ("D", "may bring that to", LosesByHedges, drilling),
    ("D", "may bring that to", each("hedge_opened", more("fx_fee", by="0.5")), drilling),
    ("D", "so soon after a hedge", each("hedge_opened", _all_drills), drilling),
    ("D", "no drill at its end", each("hedge_settled", _hidden), drilling),
    ("S7", "below the net floor", each("hedge_opened", _hidden), drilling),
]
