"""The closed choices among the settings that are not the engine's own."""

from __future__ import annotations

from enum import StrEnum


class RunMode(StrEnum):
    """Against what the daemon runs."""

    PAPER = "paper"
    """Live public market data, simulated fills, no key."""
    SANDBOX = "sandbox"
    """The venue's sandbox, or the built-in exchange on loopback."""
    LIVE = "live"
    """Real money; needs the second switch."""


class KeyRole(StrEnum):
    """What a key is for, so what rights it needs at the venue and no more."""

    TRADING = "trading"
    """The daemon's: reads and trades."""
    READ_ONLY = "read_only"
    """Of verbs that only look."""
    TREASURY = "treasury"
    """Withdraws and transfers, in verbs of its own; the daemon never has it."""
    PANIC = "panic"
    """Lists and cancels orders when nothing else works any more."""


class KeysFor(StrEnum):
    """In which modes the keys may be used."""

    ANY = "any"
    SANDBOX = "sandbox"
    LIVE = "live"


class WithdrawalRight(StrEnum):
    """What is done about a trading key that visibly may withdraw."""

    REFUSE = "refuse"
    """The daemon does not start, nor take it by rotation."""
    ALLOW = "allow"
    """Told, and used."""
    UNASKED = "unasked"
    """Not even looked at."""


class BookFeed(StrEnum):
    """Which order-book channel is believed."""

    SNAPSHOT = "snapshot"
    """The top 100 levels a side, sent on change."""
    DIFF = "diff"
    """Full depth, spliced from changes and audited against snapshots."""


class JournalSync(StrEnum):
    """What a committed journal line survives."""

    AUTO = "auto"
    """FULL in live mode, NORMAL otherwise."""
    NORMAL = "normal"
    """The death of the process."""
    FULL = "full"
    """That of the power supply too."""


class Switch(StrEnum):
    """On, off, or as the mode has it."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"
