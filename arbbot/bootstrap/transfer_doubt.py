"""What a transfer's lost answer meant: its row tells that it was done, and only a long silence that it was not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Protocol

from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.transfer_log import TransferLog, Written
from arbbot.domain.events import Moment
from arbbot.domain.failure import Failure
from arbbot.domain.order import Transaction
from arbbot.treasury.silence import SECOND_NS, Silence

LOOK_S = 2.0
"""Between two looks at the account's rows, of market time."""
SHORT_S = Decimal(8)
"""Right after the answer was lost: a row usually comes within that."""
ACKNOWLEDGE = "the daemon will find its row, take it for a person's doing and pause: `arbbot resume --reason TEXT`"


class Clock(Protocol):
    """Market time."""

    def now(self) -> Moment:
        """The present moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


async def looked_for(
    log: TransferLog,
    written: Written,
    rows: Callable[[], Awaitable[tuple[Transaction, ...]]],
    clock: Clock,
    silence: Silence,
    patience_s: Decimal,
) -> Written:
    """Look for its row until it is there, or the silence lasts, or patience is over: then it stays in doubt. `rows`
    raises Failure where the venue does not tell.
    """
    begun_ns = clock.now().mono_ns
    while True:
        at = clock.now()
        try:
            found = [row for row in await rows() if written.is_row(row)]
        except Failure as failure:
            say(f"treasury: {failure.reason}")
        else:
            if found:
                words = f"by its row {found[0].transaction_id}; {ACKNOWLEDGE}"
                return log.end(written.name, "found", words, at.utc_us)
            if silence.lasts(at):
                words = "by two readings after the last moment it could be taken"
                return log.end(written.name, "absent", words, at.utc_us)
        if clock.now().mono_ns - begun_ns > patience_s * SECOND_NS:
            return written
        await clock.sleep(LOOK_S)
