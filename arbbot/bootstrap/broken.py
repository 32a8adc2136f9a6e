"""What is said when the daemon broke or cannot start: the line for the operator, the traceback for the log."""

from __future__ import annotations

from structlog.typing import FilteringBoundLogger

from arbbot.domain.events import Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.engine.state import State
from arbbot.engine.step import Engine
from arbbot.ports import JournalFault, Telemetry
from arbbot.runtime.daemon import DaemonFault
from arbbot.telemetry.redact import Redactor

REASON_CHARACTERS_MAX = 300


def failure(
    fault: DaemonFault,
    engine: Engine,
    logger: FilteringBoundLogger,
    redactor: Redactor,
    telemetry: Telemetry,
    now: Moment,
) -> Failure:
    """Log the traceback, and make the one line: what broke, and what is not known to be over. Who is alerted hears of
    it too; the journal, which may be what broke, does not.
    """
    cause = fault.__cause__ or fault
    logger.critical("the daemon broke", kind="fault", exc_info=cause)
    if isinstance(cause, JournalFault):
        reason = f"the journal cannot be written: {cause}"
    else:
        reason = f"a fault of the program, its traceback is in the log: {type(cause).__name__}: {cause}"
    cleaned = str(redactor.clean(reason))  # before it is cut: half a secret is not known as one
    reason = " ".join(cleaned.split())[:REASON_CHARACTERS_MAX]
    told = f"{reason}; nothing more was sent but cancels; {_left(engine)}"
    telemetry.fold([AlertRaised(Severity.CRITICAL, "fault", told, now.utc_us)], now)
    return Failure(ExitCode.FAULT, told)


def why_left(engine: Engine, code: ExitCode) -> str:
    """Why it stopped, and what it had to leave open where it had to."""
    reason = engine.core.stopping or "no reason was given"
    return f"{reason}; {_left(engine)}" if code in (ExitCode.NOT_FLAT, ExitCode.AUTH) else reason


def not_started(failure: Failure, state: State, base: str) -> Failure:
    """A start that failed, told with what the journal holds open: nobody looks after it until one succeeds."""
    if not state.open_orders() and state.position == 0:
        return failure
    return Failure(failure.code, f"{failure.reason}; open by the journal: {what_is_left(state, base)}")


def _left(engine: Engine) -> str:
    return what_is_left(engine.core.state, engine.core.route.base)


def what_is_left(state: State, base: str) -> str:
    """Exposure and orders that are not known to be over, with ids and amounts."""
    low, high = state.exposure()
    orders = ", ".join(
        f"{order.terms.client_order_id} ({order.state}: {order.terms.side} {order.may_fill:f} {order.terms.market})"
        for order in state.open_orders()
    )
    return f"exposure [{low:f}, {high:f}] {base}; not known to be over: {orders or 'nothing'}"
