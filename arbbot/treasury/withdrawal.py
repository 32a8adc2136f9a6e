"""One withdrawal: intended, announced, sent once, and known by the venue's own list from then on.

A line between the daemon's yes and the wire says that it is announced: what was only intended when the process ended,
was never sent. No answer is doubt, and nothing is ever sent again: the venue would take it twice. In its list one is
recognised by currency, amount, network, address and time. It has never been there only when the venue could no longer
accept it, two readings, a lag apart, show nothing that could be it, and the daemon has not seen it leave.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from decimal import Decimal
from typing import Any

from arbbot.domain.funding import (
    LISTED_MOST,
    LISTED_S,
    FundingInDoubt,
    FundingRefused,
    RequestStatus,
    Withdrawal,
    WithdrawalAccepted,
    WithdrawalRequest,
)
from arbbot.treasury.desk import Desk, Steps
from arbbot.treasury.plan import Plan, Refused
from arbbot.treasury.records import RequestIntended, RequestMoved, RequestState
from arbbot.treasury.silence import SECOND_US
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
    RequestState.ABSENT: "absent",
}
"""What the daemon is told of each state."""


def withdraw(desk: Desk, plan: Plan, lease_id: str) -> Generator[Command, Event, Request]:
    """Send it. Raises Refused where the daemon would not have it announced."""
    name, to = desk.state.mint(desk.key, "w"), plan.to
    desk.emit(
        RequestIntended(
            name, to.currency, to.network, to.address, plan.withdraw, plan.fee, desk.utc_us, desk.anchor_us,
            announces=True,
        )
    )  # fmt: skip
    answer = yield from desk.told(
        "announce", "settle", what="withdrawal", lease=lease_id, name=name, currency=to.currency,
        size=f"{plan.withdraw:f}", fee=f"{plan.fee:f}", network=to.network,
    )  # fmt: skip
    if isinstance(answer, DaemonRefused):
        denied = desk.denied(name, answer)
        _move(desk, name, RequestState.REFUSED, f"never sent: {answer.reason}")
        if not denied:
            yield from tell(desk, desk.state.requests[name])
        raise Refused("denied", answer.reason)
    _move(desk, name, RequestState.ANNOUNCED, "noted by the daemon, about to be sent")
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
    """Read the venue's list, or of one that it leaves out what the venue says of its id: until a doubt is over or
    patience is, else once. What was never sent needs no look.
    """
    if request.state is RequestState.INTENDED:
        _move(desk, request.intended.name, RequestState.REFUSED, "never sent: the process ended before that")
        yield from tell(desk, request)
        return
    looked_ns, policy, before = desk.at.mono_ns, desk.policy, request.state
    silence = desk.silence(request.intended.utc_us)
    while not request.state.ended:
        listed = yield from _listed(None)
        number = request.request_id
        if number is not None and listed is not None and all(each.request_id != number for each in listed):
            listed = yield from _listed(number)
        if (listed is not None and _found(desk, request, listed)) or request.state is RequestState.ACCEPTED:
            break
        why = None if listed is None else _no_proof(desk, request, listed)
        if why is not None:
            _doubt(desk, request, why)
        elif listed is not None and silence.lasts(desk.at):
            yield from _call_absent(desk, request)
            break
        if desk.since(looked_ns) > policy.bound_s + 3 * policy.lag_s + PATIENCE_S:
            break
        yield from desk.wait(LOOK_S)
    if request.state not in (before, RequestState.ABSENT):
        yield from tell(desk, request)
    why = stuck(desk, request)
    if why is not None:
        yield from desk.call(request.intended.name, request.state.value, why)


def _listed(request_id: int | None) -> Generator[Command, Event, tuple[WithdrawalRequest, ...] | None]:
    """The list, or the one of this id; None where the venue does not answer."""
    answer = yield ReadRequests(request_id)
    return answer.requests if isinstance(answer, RequestsListed) else None


def tell(desk: Desk, request: Request) -> Generator[Command, Event, str | None]:
    """Let the daemon know; what it has never heard of it need not know. Returns why it does not take the word."""
    outcome = word_of(request)
    if outcome is None:
        return None
    answer = yield from desk.told(
        "announce", request.cause, what="word", name=request.intended.name, outcome=outcome,
        venue_id=request.request_id,
    )  # fmt: skip
    return answer.reason if isinstance(answer, DaemonRefused) and not answer.unreachable else None


def word_of(request: Request) -> str | None:
    """What the daemon is told of it. A person who calls it absent has looked: then nothing is out any more."""
    if request.state is RequestState.ABSENT and request.by_person:
        return TOLD[RequestState.REFUSED]
    return TOLD.get(request.state)


def contradiction(request: Request, told: Mapping[str, Any]) -> str | None:
    """What the daemon's books show of one that never was, by our word: nobody has looked at it yet."""
    never = request.state in (RequestState.REFUSED, RequestState.ABSENT) and not request.by_person
    left = told.get("in_transit") is not None or told.get("rowed") is not None
    return "it has left the balance" if never and left else None


def stuck(desk: Desk, request: Request) -> str | None:
    """Why a person should look at it; None where it is to be waited for."""
    age_us = desk.utc_us - request.intended.utc_us
    if request.state.ended:
        return None
    if request.state is not RequestState.ACCEPTED:
        return f"in doubt: {request.cause}; look at the venue's list of withdrawals"
    if age_us > int(desk.policy.stuck_s * SECOND_US):
        return f"request {request.request_id} not finished after {age_us // 3_600_000_000} h"
    return None


def _call_absent(desk: Desk, request: Request) -> Steps:
    """The list has never shown it. It stays in doubt where the daemon has seen it leave, does not answer, or lacks what
    it had noted before it was sent: then its books are no witness, and a person's word ends it.
    """
    name, cause = request.intended.name, "the venue's list has never shown it"
    try:
        view = yield from desk.view()
    except Refused as refused:
        _doubt(desk, request, f"{cause}, and the daemon cannot be asked: {refused.text}")
        return
    if name not in view.withdrawals:
        advice = f"if the venue's pages lack it too, `arbbot settle --resolve {name} --as absent --reason TEXT`"
        _doubt(desk, request, f"{cause}, and the daemon lacks it (an older copy?): {advice}")
        return
    answer = yield from desk.told("announce", cause, what="word", name=name, outcome=TOLD[RequestState.ABSENT])
    if isinstance(answer, DaemonRefused):
        _doubt(desk, request, f"{cause}, but the daemon says: {answer.reason}")
        return
    _move(desk, name, RequestState.ABSENT, cause)


def _doubt(desk: Desk, request: Request, why: str) -> None:
    """It stays in doubt, for this reason."""
    if (request.state, request.cause) != (RequestState.IN_DOUBT, why):
        _move(desk, request.intended.name, RequestState.IN_DOUBT, why)


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
    """Whether a line of the list is this request."""
    told = request.intended
    return (
        listed.currency == told.currency
        and listed.size == told.size
        and listed.network in (told.network, None)
        and (listed.address is None or _is_address(listed.address, told.address))
        and listed.utc_us >= told.utc_us - CLOCKS_APART_S * SECOND_US
    )


def _no_proof(desk: Desk, request: Request, listed: tuple[WithdrawalRequest, ...]) -> str | None:
    """Why a list that does not show it, as we would write it, does not prove it absent; None where it may."""
    like = _like(desk, request, listed)
    if like is not None:
        return f"request {like} in the venue's list may be it"
    if desk.utc_us - request.intended.utc_us > LISTED_S * SECOND_US:
        return "it is older than what the venue's list tells of"
    if len(listed) >= LISTED_MOST and min(each.utc_us for each in listed) >= _earliest(desk, request):
        return f"the venue's list ends at {LISTED_MOST} requests, all of which are younger"
    return None


def _like(desk: Desk, request: Request, listed: tuple[WithdrawalRequest, ...]) -> int | None:
    """A line that is nobody's we know and could be this request, should the venue write it otherwise than we believe:
    the fee in or out, the chain's other name, a clock as far off as it lets requests through. Its id, or None.
    """
    told, known, since_us = request.intended, desk.state.known_ids(), _earliest(desk, request)
    sizes = (told.size, told.size - told.fee, told.size + told.fee)
    for each in listed:
        strange = each.currency == told.currency and each.utc_us >= since_us and each.request_id not in known
        theirs = each.address is not None and _is_address(each.address, told.address)
        if strange and (theirs or each.size in sizes):
            return each.request_id
    return None


def _earliest(desk: Desk, request: Request) -> int:
    """When the venue can have dated it at the earliest: its clock may be as far off as it lets requests through."""
    return request.intended.utc_us - int((desk.policy.bound_s + desk.policy.lag_s) * SECOND_US)


def _is_address(listed: str, told: str) -> bool:
    """A memo may follow it; and the letters of some chains are one whether small or large."""
    return listed.partition("?")[0].casefold() == told.casefold()


def _move(desk: Desk, name: str, state: RequestState, cause: str, request_id: int | None = None) -> None:
    desk.emit(RequestMoved(name, state, request_id, cause, desk.utc_us))
