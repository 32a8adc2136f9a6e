"""A person's word on what does not end by itself: told to the daemon, which may know better, and then written down.

Nothing is sent. What only the daemon knows of, because this journal is an older copy or a new one, is taken over so.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace
from decimal import Decimal

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.money import ZERO
from arbbot.treasury import withdrawal
from arbbot.treasury.desk import Desk
from arbbot.treasury.plan import Refused
from arbbot.treasury.records import OrderState, PersonResolved, RequestState
from arbbot.treasury.silence import SECOND_US
from arbbot.treasury.state import Conversion, Request
from arbbot.treasury.words import Command, DaemonRefused, Done, Event, View

ABSENT, FINISHED, RETURNED = "absent", "finished", "returned"
ENDS = (ABSENT, FINISHED, RETURNED)
"""What a person can say; else it is the venue's id of it."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """What the command line says."""

    name: str
    what: str | int
    """One of ENDS, or the venue's id."""
    who: str
    reason: str


def resolve(desk: Desk, said: Resolution) -> Generator[Command, Event, Done]:
    """Take a person's word. Raises Refused where it does not fit, is too early, or the daemon has seen otherwise."""
    view = yield from desk.view()
    order, request = desk.state.conversions.get(said.name), desk.state.requests.get(said.name)
    if said.name in desk.state.denied:  # ours was never sent: what the daemon has is another's
        order = request = None
    if order is not None:
        record = _of_order(desk, said, order, view)
    elif request is not None:
        record = _of_request(desk, said, request)
    else:
        record = _of_the_daemon_s(desk, said, view)
    yield from _told(desk, said, view, record)
    desk.emit(record)
    return Done(ExitCode.OK, f"{said.name} is {record.state}, by {said.who}'s word: {said.reason}")


def _of_order(desk: Desk, said: Resolution, order: Conversion, view: View) -> PersonResolved:
    """One that is over takes another word as long as the daemon waits for rows of what it is said to have filled."""
    if order.over and not _waits(view, said.name):
        raise Refused("resolved", f"{said.name} is over already: {order.filled:f} filled")
    _demand_age(desk, said, order.intended.utc_us)
    match said.what:
        case int():
            return _record(desk, said, OrderState.LIVE.value)
        case "absent":
            return _record(desk, said, OrderState.OVER.value, filled=ZERO)
        case "finished":
            return _record(desk, said, OrderState.OVER.value, filled=order.intended.size)
    raise Refused("resolved", f"{said.name} is a conversion: say absent, finished (all of it), or the venue's id of it")


def _of_request(desk: Desk, said: Resolution, request: Request) -> PersonResolved:
    reversed_since = request.state is RequestState.FINISHED and said.what == RETURNED
    if request.state in (RequestState.FINISHED, RequestState.RETURNED) and not reversed_since:
        raise Refused("resolved", f"{said.name} is {request.state} already")
    _demand_age(desk, said, request.intended.utc_us)
    if isinstance(said.what, int):
        if said.what in desk.state.known_ids() - {request.request_id}:
            raise Refused("resolved", f"{said.what} is the venue's id of another withdrawal")
        return _record(desk, said, RequestState.ACCEPTED.value)
    return _record(desk, said, RequestState(said.what).value)


def _of_the_daemon_s(desk: Desk, said: Resolution, view: View) -> PersonResolved:
    """What leaves by one of these counts against the day on which the word is given: nobody knows another. None of them
    is followed, so a withdrawal takes its end alone.
    """
    if said.name in view.withdrawals:
        told = view.withdrawals[said.name]
        if isinstance(said.what, int):
            words = (
                "this journal does not know what was asked for, so it cannot follow it: say how it ended, once it has"
            )
            raise Refused("resolved", f"{said.name} is the daemon's alone: {words}")
        total = Decimal(str(told.get("total", 0))) if said.what == FINISHED else None
        return replace(_record(desk, said, said.what, total=total), venue_id=told.get("venue_id"))
    if said.name not in view.orders:
        raise Refused("resolved", f"neither this journal nor the daemon knows of {said.name}")
    if said.what != ABSENT and said.what != FINISHED:
        raise Refused("resolved", f"{said.name} is a conversion: say absent, or finished with what is booked of it")
    told = view.orders[said.name]
    known = told.get("filled") if told.get("filled") is not None else told.get("rowed")
    return _record(
        desk, said, OrderState.OVER.value, filled=Decimal(str(known or 0)) if said.what == FINISHED else ZERO
    )


def _record(
    desk: Desk, said: Resolution, state: str, filled: Decimal | None = None, total: Decimal | None = None
) -> PersonResolved:
    venue_id = said.what if isinstance(said.what, int) else None
    return PersonResolved(said.name, state, venue_id, filled, total, said.who, said.reason, desk.utc_us)


def _waits(view: View, name: str) -> bool:
    """Whether the daemon was told of fills of which not all rows have come."""
    told = view.orders.get(name, {})
    return told.get("filled") is not None and told.get("complete") is False


def _demand_age(desk: Desk, said: Resolution, intended_us: int) -> None:
    """As long as the venue may still accept it nobody can know. Raises Refused."""
    bound_s = desk.policy.bound_s + desk.policy.lag_s
    if said.what == ABSENT and desk.utc_us - intended_us <= bound_s * SECOND_US:
        raise Refused("resolved", f"the venue may take {said.name} until {bound_s:f} s after it was sent: too early")


def _told(desk: Desk, said: Resolution, view: View, record: PersonResolved) -> Generator[Command, Event, None]:
    """Let the daemon know of what it knows. Raises Refused."""
    if said.name in view.orders:
        if view.orders[said.name].get("filled") is not None and not _waits(view, said.name):
            return
        outcome = "over" if record.filled is not None else "named"
    elif said.name in view.withdrawals:
        outcome = withdrawal.TOLD[RequestState(record.state)]
        outcome = withdrawal.TOLD[RequestState.REFUSED] if record.state == ABSENT else outcome
    else:
        return
    answer = yield from desk.told(
        "announce", f"{said.who}: {said.reason}", what="word", name=said.name, outcome=outcome,
        filled=None if record.filled is None else f"{record.filled:f}", venue_id=record.venue_id,
    )  # fmt: skip
    if isinstance(answer, DaemonRefused):
        raise Refused("daemon" if answer.unreachable else "denied", answer.reason)
