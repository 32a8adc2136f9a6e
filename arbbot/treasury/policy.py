"""What a settlement may do: every bound of it, and the mark by which a change of any of them is known."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Destination:
    """An address that money may go to. `extras` are fields of the call as the venue spells them: a memo or tag of the
    chain, and the travel rule's.
    """

    currency: str
    network: str
    address: str
    extras: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Policy:
    """Complete and frozen. Sizes are units of `buys`, fees in, unless named otherwise; times seconds of market time."""

    enabled: bool
    confirm: bool
    """A person has to say yes to each."""
    pays: str
    """Currency of the route that profit is in."""
    buys: str
    """What it is turned into."""
    allowed: tuple[Destination, ...]
    threshold: Decimal
    """Less than this is left where it is; units of `pays`."""
    max_request: Decimal
    max_per_day: Decimal
    """Of a UTC day: all that was asked for and not refused."""
    max_fee: Decimal
    """A withdrawal fee above this is disbelieved."""
    max_price: Decimal
    """Units of `pays` for one of `buys`."""
    reach: Decimal
    """Worst price swept against the touch, a fraction."""
    cooling_off_s: Decimal
    """After any change of what stands here, and after the first start with it."""
    stuck_s: Decimal
    """A request that has not ended by then calls a person."""
    bound_s: Decimal
    """The venue refuses requests older than this; only then, and `lag_s` later, can one be absent."""
    lag_s: Decimal

    @property
    def market(self) -> str:
        """Symbol of the market that converts."""
        return self.buys + self.pays

    @property
    def fingerprint(self) -> str:
        """The same for the same bounds and destinations. How late the venue's answers may come is neither."""
        names = [each.name for each in fields(self) if each.name not in ("bound_s", "lag_s")]
        text = "\n".join(f"{name}={getattr(self, name)!r}" for name in names)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a person or a timer wants of this settlement. None: as the policy has it."""

    size: Decimal | None = None
    """Units that shall arrive."""
    address: str | None = None
    network: str | None = None
    confirmed: bool = False
    """The yes was given beforehand."""
    who: str = "timer"
