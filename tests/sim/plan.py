"""What one life holds: rules, venue, account, prices and disturbances, all explicit, so that any of it can be left out.

Times are whole milliseconds of true time since the life began.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.engine.rules import Rules
from arbbot.exchange.rules import VenueRules
from tests.sim.clockwork import BIRTH_US


@dataclass(frozen=True, slots=True)
class Disturbance:
    """One thing that goes wrong on purpose. `kind` is a name of the catalogue.

    One that strikes something is armed at `at_ms` and strikes the next `count` times its `target` comes by, at the
    longest until `at_ms + for_ms` (0: without end). Others happen at `at_ms`. What `size` means, the kind says.
    """

    kind: str
    at_ms: int
    target: str = "any"
    count: int = 1
    for_ms: int = 0
    size: int = 0

    def __str__(self) -> str:
        words = [f"{self.at_ms / 1000:.3f}s {self.kind}"]
        if self.target != "any":
            words.append(f"of {self.target}")
        if self.count != 1:
            words.append(f"x{self.count}")
        if self.for_ms:
            words.append(f"for {self.for_ms / 1000:g}s")
        if self.size:
            words.append(f"size {self.size}")
        return " ".join(words)


@dataclass(frozen=True, slots=True)
class Quote:
    """From `at_ms` on the house quotes around these prices: the base in domestic currency, the foreign market's
    premium over it in basis points, and how much stands on a level on average (thousandths of a base unit)."""

    at_ms: int
    price: Decimal
    premium_bps: int
    depth: int


@dataclass(frozen=True, slots=True)
class Pace:
    """One-way latencies and how often the market is looked at, milliseconds."""

    up_ms: int
    down_ms: int
    jitter_ms: int
    idle_look_ms: int
    busy_look_ms: int


@dataclass(frozen=True, slots=True)
class Plan:
    """One life."""

    seed: int
    rules: Rules
    venue: VenueRules
    balances: tuple[tuple[str, Decimal], ...]
    fee_percent: Decimal
    levels: int
    """Price levels a side that the house quotes."""
    pace: Pace
    private: bool
    """Whether the account's private channels are subscribed."""
    signed_errors_only: bool
    """Whether unsigned error replies are no answer."""
    quiet: bool
    """Whether the books hardly ever change, so that REST must vouch for them."""
    windows: tuple[tuple[int, int], ...]
    """The rate budget: requests, seconds."""
    sqlite: bool
    """The journal is the real file, not its lines in memory."""
    clock_off_ms: int
    """Our wall clock minus the venue's."""
    length_ms: int
    """How long disturbances go on; then all is calm, and the life is stopped."""
    quotes: tuple[Quote, ...]
    disturbances: tuple[Disturbance, ...]
    settlements: tuple[int, ...] = ()
    """When a treasury settles; none where it is empty."""
    birth_us: int = BIRTH_US
    """True time at which it begins; some lives pass midnight UTC."""
