"""A person's wish that the venue's balances become the ledger's opening: the bookkeeper fulfils it at a quiet moment,
or it is dropped, and the person is told.
"""

from __future__ import annotations

from arbbot.domain.mode import Severity
from arbbot.domain.rebase import RebaseAsked, RebaseDropped
from arbbot.engine.core import Core

WAITS_US = 3_600_000_000
"""Who asked looked at the balances of that hour: later ones, after a crash say, want another look."""


def ask(core: Core, who: str, reason: str) -> None:
    """It waits from now on, also for the next process."""
    core.emit(RebaseAsked(who, reason, core.at.utc_us))


def drop(core: Core, why: str) -> None:
    """It will not be done, if there is one."""
    asked = core.state.rebase_asked
    if asked is None:
        return
    core.emit(RebaseDropped(why, core.at.utc_us))
    core.alert(Severity.WARNING, "rebase_undone", f"the rebase by {asked.who} was not done, {why}: ask for it again")


def expire(core: Core) -> None:
    """Drop it when it has waited for too long."""
    asked = core.state.rebase_asked
    if asked is not None and core.at.utc_us - asked.utc_us >= WAITS_US:
        drop(core, "no moment was quiet for an hour")
