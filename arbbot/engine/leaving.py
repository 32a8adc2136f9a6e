"""With which exit code a process leaves, and what a person is told of what it leaves behind."""

from __future__ import annotations

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.mode import Severity
from arbbot.engine import rebasing
from arbbot.engine.core import Core
from arbbot.engine.report import what_is_left

NO_OPENING = "; the ledger has no opening yet"


def last_word(core: Core, code: ExitCode) -> ExitCode:
    """The exit code of a stop that was asked for with `code`: OK only when flat, with the venue's word for it.

    A refused key stays one whatever is left: starting again with it helps nobody, and its supervisor has to know.
    A stop before the ledger ever began has the venue's word for nothing, and says so in `core.stopping`.
    """
    state = core.state
    rebasing.drop(core, "the process stopped first")
    if state.live or state.open_hedge_id is not None or abs(state.position) >= core.dust:
        core.alert(Severity.CRITICAL, "stopped_not_flat", what_is_left(state, core.route.base))
        return code if code is ExitCode.AUTH else ExitCode.NOT_FLAT
    if code is not ExitCode.OK or state.agreed:
        return code
    if state.anchor is None:
        core.stopping = f"{core.stopping}{NO_OPENING}"
        return ExitCode.VENUE
    core.alert(Severity.CRITICAL, "stopped_unreconciled", "flat by our fills, but not by the venue's balances")
    return ExitCode.NOT_FLAT
