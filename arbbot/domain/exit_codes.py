"""Every exit code of the program, in one place; supervisors and people read them."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """How a process ended."""

    OK = 0
    """Flat, nothing in doubt."""
    FAULT = 1
    """A fault of the program or its machine; a restart recovers."""
    USAGE = 2
    """The command line was not understood."""
    SETTINGS = 3
    """A setting is wrong, unknown or contradicts another."""
    SECRET = 4
    """A key or secret is missing, unreadable, readable by others, or may do what it must not."""
    JOURNAL = 5
    """The journal is locked by another process, belongs to another account, or is damaged."""
    LIVE_SWITCH = 6
    """Live mode without its second switch."""
    VENUE = 7
    """At start the venue could not be reached, its markets do not fit the route, or the ledger got no opening."""
    DAEMON = 8
    """No daemon answers on the control socket, or it refused the request."""
    FEED_DEAD = 20
    """The feed died; what was open was resolved."""
    AUTH = 21
    """The venue refused our key, whatever is left open; do not restart."""
    NOT_FLAT = 22
    """Stopped with an open, one-sided or doubtful order: a person must look."""
    CHECK_FAILED = 23
    """A preflight check failed."""
    SETTLEMENT_REFUSED = 24
    """A settlement was refused by its own rules, the daemon or the venue; nothing has left."""
    SETTLEMENT_OPEN = 25
    """A withdrawal or its conversion is in doubt or does not end, or one is under way and a journal is a wrong copy: a
    person must look.
    """
