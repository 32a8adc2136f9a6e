"""The last line of a settlement: what left, what it cost, and how the ledger stands.

Each conversion and each withdrawal stands in one of them, also where a later process found out what became of it. What
comes back after that is taken back by a line of its own, so that all of them together say what has left.
"""

from __future__ import annotations

from collections.abc import Generator
from decimal import Decimal

from arbbot.domain.money import ZERO
from arbbot.treasury.desk import Desk, Steps
from arbbot.treasury.plan import Refused
from arbbot.treasury.records import StatementWritten
from arbbot.treasury.state import Conversion, Request
from arbbot.treasury.words import Command, Event, View

AGREED_S = 30
"""How long a settlement, and its statement, wait for the ledger to equal the venue."""


def write(desk: Desk) -> Steps:
    """A statement for everything that was sent, is known, and stands in none. Without a daemon the next one writes."""
    requests, bought = desk.state.unstated()
    if not requests and not bought:
        return
    view = yield from _agreed(desk)
    if view is None:
        return
    for request in requests:
        before = [each for each in bought if each.intended.utc_us <= request.intended.utc_us]
        bought = [each for each in bought if each not in before]
        _emit(desk, view, request.intended.name, request.state.value, request, before)
    for each in bought:
        _emit(desk, view, each.intended.name, each.state.value, None, [each])


def _agreed(desk: Desk) -> Generator[Command, Event, View | None]:
    """How the account stands, once its ledger is seen equal to the venue, or after a while as it is."""
    begun_ns = desk.at.mono_ns
    view: View | None = None
    while view is None or not view.agreed:
        try:
            view = yield from desk.view()
        except Refused:
            break
        if view.agreed or desk.since(begun_ns) > AGREED_S:
            break
        yield from desk.wait(2)
    return view


def _emit(
    desk: Desk, view: View, name: str, state: str, request: Request | None, conversions: list[Conversion]
) -> None:
    names = tuple(each.intended.name for each in conversions)
    desk.emit(
        StatementWritten(
            name=name,
            state=state,
            spent=sum((Decimal(str(view.orders.get(each, {}).get("paid", 0))) for each in names), ZERO),
            bought=sum((each.filled for each in conversions), ZERO),
            withdrawn=ZERO if request is None else request.gone - desk.state.stated_gone.get(name, ZERO),
            at_hand=view.means.at_hand,
            withdrawable=view.means.spendable,
            principal=view.principal,
            agreed=view.agreed,
            utc_us=desk.utc_us,
            conversions=names,
        )
    )
