"""One withdrawal: announced, intended, sent once, and known by the venue's own list from then on.

No answer is doubt, and nothing is ever sent again: the venue would take it twice. In its list a request of ours is
recognised by currency, amount, network, address and time; it has never been there only when the venue could no longer
accept it, and two readings, a lag apart, show nothing.
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal

from arbbot.domain.funding import (
    FundingInDoubt,
    FundingRefused,
    RequestStatus,
    Withdrawal,
    WithdrawalAccepted,
    WithdrawalRequest,
)
from arbbot.treasury.desk import SECOND_US, Desk, Silence, Steps
from arbbot.treasury.plan import Plan, Refused
from arbbot.treasury.records import RequestIntended, RequestMoved, RequestState
from arbbot.treasury.state import Request
from arbbot.treasury.words import Answered, Command, DaemonRefused, Event, ReadRequests, RequestsListed, SendWithdrawal

LOOK_S = Decimal(5)
PATIENCE_S = Decimal(60)
"""Beyond the venue's bound: how long one process looks for a request in doubt."""
CLOCKS_APART_S = 30
"""A request of ours may be listed as so much older than its intent: clocks differ, and the list has whole seconds."""
TOLD = {
    RequestState.ACCEPTED: "accepted",
    RequestState.FINISHED: "finished",
    RequestState.RETURNED: "returned",
    RequestState.REFUSED: "refused",
    RequestState.ABSENT: "refused",
}
"""What the daemon is told of each state."""


def withdraw(desk: Desk, plan: Plan, lease_id: str) -> Generator[Command, Event, Request]:
    """Send it. Raises Refused where the daemon would not have it announced."""
    name, to = desk.state.mint(desk.key, "w"), plan.to
    desk.emit(RequestIntended(name, to.currency, to.network, to.address, plan.withdraw, plan.fee, desk.utc_us))
    answer = yield from desk.told(
        "announce", "settle", what="withdrawal", lease=lease_id, name=name, currency=to.currency,
        size=f"{plan.withdraw:f}", fee=f"{plan.fee:f}", network=to.network,
    )  # fmt: skip
    if isinstance(answer, DaemonRefused):
        _move(desk, name, RequestState.REFUSED, f"never sent: {answer.reason}")
        yield from tell(desk, desk.state.requests[name])
        raise Refused("denied", answer.reason)
    answered = yield SendWithdrawal(name, Withdrawal(to.currency, plan.withdraw, to.network, to.address, to.extras))
    if not isinstance(answered, Answered):
        raise TypeError(f"{answered} is no answer to a withdrawal")
    match answered.outcome:
        case WithdrawalAccepted(request_id):
            _move(desk, name, RequestState.ACCEPTED, "accepted by its reply", request_id)
        case FundingRefused(code, reason):
            _move(desk, name, RequestState.REFUSED, f"{code}: {reason}")
        case FundingInDoubt(reason):
            _move(desk, name, RequestState.IN_DOUBT, reason)
    request = desk.state.requests[name]
    if request.state is not RequestState.IN_DOUBT:
        yield from tell(desk, request)
    return request


def look(desk: Desk, request: Request) -> Steps:
    """Read the venue's list: until a doubt is over or patience is, else once."""
    looked_ns, policy, before = desk.at.mono_ns, desk.policy, request.state
    silence = Silence(desk, request.intended.utc_us)
    while not request.state.ended:
        answer = yield ReadRequests()
        found = isinstance(answer, RequestsListed) and _found(desk, request, answer.requests)
        if found or request.state is RequestState.ACCEPTED:
            break
        if isinstance(answer, RequestsListed) and silence.lasts():
            _move(desk, request.intended.name, RequestState.ABSENT, "the venue's list has never shown it")
        elif desk.since(looked_ns) > policy.bound_s + 3 * policy.lag_s + PATIENCE_S:
            break
        else:
            yield from desk.wait(LOOK_S)
    if request.state is not before:
        yield from tell(desk, request)
    yield from _call_when_stuck(desk, request)


def tell(desk: Desk, request: Request) -> Steps:
    """Let the daemon know; what it has never heard of it need not know."""
    outcome = TOLD.get(request.state)
    if outcome is not None:
        yield from desk.told(
            "announce", request.cause, what="word", name=request.intended.name, outcome=outcome,
            venue_id=request.request_id,
        )  # fmt: skip


def _found(desk: Desk, request: Request, listed: tuple[WithdrawalRequest, ...]) -> bool:
    """Take over what the list says of it; False where it says nothing."""
    if request.request_id is None:
        candidates = [each for each in listed if _is(request, each) and each.request_id not in desk.state.known_ids()]
        if not candidates:
            return False
        mine = min(candidates, key=lambda each: each.request_id)
        _move(desk, request.intended.name, RequestState.ACCEPTED, "found in the venue's list", mine.request_id)
    row = next((each for each in listed if each.request_id == request.request_id), None)
    if row is None:
        return False
    if row.status is RequestStatus.FINISHED:
        _move(desk, request.intended.name, RequestState.FINISHED, "the venue says finished")
    elif row.status is not None and row.status.is_returned:
        _move(desk, request.intended.name, RequestState.RETURNED, f"the venue says {row.status}")
    return True


def _is(request: Request, listed: WithdrawalRequest) -> bool:
    """Whether a line of the list can be this request."""
    told = request.intended
    return (
        listed.currency == told.currency
        and listed.size == told.size
        and listed.network in (told.network, None)
        and (listed.address is None or listed.address.partition("?")[0] == told.address)
        and listed.utc_us >= told.utc_us - CLOCKS_APART_S * SECOND_US
    )


def _call_when_stuck(desk: Desk, request: Request) -> Steps:
    name, age_us = request.intended.name, desk.utc_us - request.intended.utc_us
    if request.state is RequestState.IN_DOUBT:
        yield from desk.call(name, f"in doubt: {request.cause}; look at the venue's list of withdrawals")
    elif request.state is RequestState.ACCEPTED and age_us > int(desk.policy.stuck_s * SECOND_US):
        yield from desk.call(name, f"request {request.request_id} not finished after {age_us // 3_600_000_000} h")


def _move(desk: Desk, name: str, state: RequestState, cause: str, request_id: int | None = None) -> None:
    desk.emit(RequestMoved(name, state, request_id, cause, desk.utc_us))
