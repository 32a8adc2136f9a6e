"""All mutants, by the invariant they break."""

from __future__ import annotations

from tests.mutants.catalogue import (
    books,
    days,
    decisions,
    drills,
    endings,
    evidence,
    exits,
    funding,
    identity,
    leaving,
    ledger,
    limits,
    memory,
    modes,
    ramp,
    rebases,
    risk,
    settlements,
)
from tests.mutants.mutant import Mutant, order

ALL: tuple[Mutant, ...] = tuple(
    sorted(
        (
            *identity.MUTANTS, *ledger.MUTANTS, *exits.MUTANTS, *books.MUTANTS, *decisions.MUTANTS, *limits.MUTANTS,
            *modes.MUTANTS, *ramp.MUTANTS, *rebases.MUTANTS, *risk.MUTANTS, *evidence.MUTANTS, *memory.MUTANTS,
            *days.MUTANTS, *drills.MUTANTS, *endings.MUTANTS, *funding.MUTANTS, *settlements.MUTANTS,
            *leaving.MUTANTS,
        ),
        key=order,
    )
)  # fmt: skip
