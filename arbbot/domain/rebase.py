"""The durable records of a person's wish for a new opening of the ledger, until `records.AnchorSet` fulfils it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class RebaseAsked:
    """A person wants the venue's balances to become the ledger's opening, at the next quiet moment."""

    kind: ClassVar[str] = "rebase_asked"
    durable: ClassVar[bool] = True
    who: str
    reason: str
    utc_us: int


@dataclass(frozen=True, slots=True)
class RebaseDropped:
    """It will not be done."""

    kind: ClassVar[str] = "rebase_dropped"
    durable: ClassVar[bool] = True
    why: str
    utc_us: int


RebaseRecord = RebaseAsked | RebaseDropped
