"""What a decision to hedge rested on besides prices and fees: part of its record, for those who ask later."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Grounds:
    """The rules' figures at the moment of a decision. None where the spike guard was off."""

    fx_policy: str
    """`trade.fx_policy`: with `never` the FX leg is unpriced, and no figure of the decision has its fee in."""
    threshold_bps: Decimal
    """Gross edge that was asked for."""
    stood_ms: int | None
    """How long the edge had stood, since it was first seen at the threshold."""
    changes: int | None
    """Changes of the books that showed it."""
    median_bps: Decimal | None
    """Median of the premium in the guard's window."""
    samples: int | None
    """Samples that the median was taken of."""

    @property
    def unpriced(self) -> bool:
        """True where nothing is set aside for converting what the hedge leaves in foreign currency."""
        return self.fx_policy == "never"
