"""One settlement from its first question to its last word: events in, records and commands out; no clock, no I/O.

First whatever an earlier one left open is followed to its end; while one is open or in doubt nothing new begins. Then
the plan, a person's yes, the lease, the conversion, the withdrawal, and a statement.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import NamedTuple

from arbbot.domain.events import Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.money import ZERO
from arbbot.treasury import conversion, statement, withdrawal
from arbbot.treasury.desk import Desk, Steps
from arbbot.treasury.plan import Facts, Means, Plan, Refused, destination, make
from arbbot.treasury.policy import Asked, Policy
from arbbot.treasury.records import (
    OrderState,
    PolicySeen,
    RequestState,
    SettlementConfirmed,
    SettlementRefused,
    TreasuryRecord,
)
from arbbot.treasury.resolve import Resolution, resolve
from arbbot.treasury.state import Request, TreasuryState
from arbbot.treasury.statement import AGREED_S
from arbbot.treasury.words import (
    AskPerson,
    Command,
    DaemonRefused,
    Done,
    Event,
    FactsRead,
    PersonSaid,
    ReadFacts,
    VenueUnread,
    View,
)

BOOKED_S = 90
"""How long the daemon may take to have booked a conversion's rows."""
CODES = {"daemon": ExitCode.DAEMON, "venue": ExitCode.VENUE, "auth": ExitCode.AUTH}
"""Of refusals whose cause lies elsewhere."""
BEHIND = frozenset({"journal_behind", "daemon_behind", "contradicted"})
"""Refusals that are told though something is under way: one of the two journals is wrong."""


class Output(NamedTuple):
    """Write the records, then run the command."""

    records: list[TreasuryRecord]
    command: Command


class Settler:
    """Runs one settlement, or takes a person's word on an earlier one; ends with Done."""

    def __init__(self, policy: Policy, state: TreasuryState, key: str, asked: Asked | Resolution) -> None:
        self.desk = Desk(policy, state, key)
        self._asked = asked if isinstance(asked, Asked) else Asked(who=asked.who)
        self._said = asked if isinstance(asked, Resolution) else None
        self._steps = self._all()

    def begin(self, at: Moment) -> Output:
        """The first command."""
        self.desk.at = at
        return self._output(next(self._steps))

    def answer(self, event: Event, at: Moment) -> Output:
        """The next one. Raises TreasuryError or TypeError for bugs and damage only."""
        self.desk.at = at
        return self._output(self._steps.send(event))

    def _output(self, command: Command) -> Output:
        records, self.desk.records = self.desk.records, []
        return Output(records, command)

    # --- the whole -----------------------------------------------------------------------------------------

    def _all(self) -> Steps:
        desk = self.desk
        if desk.state.fingerprint != desk.policy.fingerprint:
            desk.emit(PolicySeen(desk.policy.fingerprint, desk.utc_us, desk.policy.cooling_off_s))
        try:
            if self._said is not None:
                yield (yield from resolve(desk, self._said))
                return
            yield from self._follow()
            yield (yield from self._settle())
        except Refused as refused:
            desk.emit(SettlementRefused(refused.cause, refused.text, desk.utc_us))
            yield Done(CODES.get(refused.cause, ExitCode.SETTLEMENT_REFUSED), refused.text)

    def _follow(self) -> Steps:
        """What earlier settlements left open comes to its end first, or the present one does."""
        desk, state = self.desk, self.desk.state
        order = state.open_conversion()
        if order is not None:
            yield from conversion.follow(desk, order)
        for request in state.open_requests():
            yield from withdrawal.look(desk, request)
        yield from statement.write(desk)
        behind: Refused | None = None
        if state.conversions or state.requests:
            try:
                yield from self._view()
            except Refused as refused:
                behind = refused if refused.cause in BEHIND else None  # the others are said where a settlement begins
        left = self._left_open()
        if left is not None and behind is not None:
            desk.emit(SettlementRefused(behind.cause, behind.text, desk.utc_us))
            left = Done(ExitCode.SETTLEMENT_OPEN, f"{left.text}; {behind.text}")
        if left is not None:
            yield left

    def _left_open(self) -> Done | None:
        order, requests = self.desk.state.open_conversion(), self.desk.state.open_requests()
        if order is not None:
            return Done(ExitCode.SETTLEMENT_OPEN, f"{order.intended.name} is {order.state}: nothing new begins")
        for request in requests:
            name, stuck = request.intended.name, withdrawal.stuck(self.desk, request)
            if stuck is not None:
                return Done(ExitCode.SETTLEMENT_OPEN, f"{name} does not end, {stuck}: nothing new begins")
            words = f"{name} is {request.state}, request {request.request_id or 'unknown'} at the venue"
            return Done(ExitCode.OK, f"{words}: nothing new begins")
        return None

    def _settle(self) -> Generator[Command, Event, Done]:
        desk, policy = self.desk, self.desk.policy
        self._permitted()
        view = yield from self._quiet()
        means = view.means
        if self._asked.size is None and means.spendable + means.at_hand < policy.threshold:
            worth = means.spendable + means.at_hand
            return Done(ExitCode.OK, f"{worth:.2f} {policy.pays} may leave, less than the threshold: nothing to do")
        plan = make(policy, self._asked, (yield from self._facts()), means, desk.state.asked_on(desk.utc_us))
        yield from self._confirm(plan)
        answer = yield from desk.told("lease", "settle")
        if isinstance(answer, DaemonRefused):
            raise Refused("not_quiet", answer.reason)
        lease_id = str(answer.result["lease"])
        try:
            sent = yield from self._leased(plan, lease_id)
        except Refused as refused:
            yield from desk.told("release", refused.cause, lease=lease_id)
            yield from statement.write(desk)
            raise
        yield from desk.told("release", "done", lease=lease_id)
        if isinstance(sent, Done):
            return sent
        if sent.state is RequestState.IN_DOUBT:
            yield from withdrawal.look(desk, sent)
        yield from statement.write(desk)
        return self._ended(sent)

    def _ended(self, sent: Request) -> Done:
        policy = self.desk.policy
        words = f"{sent.intended.size:f} {policy.buys} to {sent.intended.address}: {sent.state}"
        if sent.state is RequestState.REFUSED:
            raise Refused("venue_refused", f"the venue refused to withdraw: {sent.cause}")
        if sent.state is RequestState.ABSENT:
            raise Refused("absent", f"{sent.intended.name}: the venue has never had it: {sent.cause}")
        if sent.state in (RequestState.ACCEPTED, RequestState.FINISHED):
            return Done(ExitCode.OK, f"{words}, request {sent.request_id} at the venue")
        return Done(ExitCode.SETTLEMENT_OPEN, f"{words}: {sent.cause}")

    # --- before anything is sent ---------------------------------------------------------------------------

    def _permitted(self) -> None:
        """What forbids any settlement, whatever there is to settle. Raises Refused."""
        desk, policy = self.desk, self.desk.policy
        if not policy.enabled:
            raise Refused("off", "settlement.enabled is false")
        destination(policy, self._asked)
        left_s = desk.state.cooling_left(desk.utc_us, policy.cooling_off_s)
        if left_s > 0:
            raise Refused(
                "cooling_off",
                f"settings or addresses of [settlement] changed; it cools off for {int(left_s) + 1} s more",
            )

    def _quiet(self) -> Generator[Command, Event, View]:
        """The account at a moment at which nothing is open and the ledger equals the venue: waits a little for the
        second, which takes seconds after any row. Raises Refused.
        """
        desk, begun_ns = self.desk, self.desk.at.mono_ns
        view = yield from self._view()
        while view.waiting is None and not view.agreed and desk.since(begun_ns) < AGREED_S:
            yield from desk.wait(1)
            view = yield from desk.view()
        if view.waiting is not None or not view.agreed:
            raise Refused("not_quiet", view.waiting or "the ledger has not been seen equal to the venue")
        return view

    def _view(self) -> Generator[Command, Event, View]:
        """How the account stands by a daemon that knows what this journal knows, and the other way round; what it has
        missed it is told. Raises Refused.
        """
        view = yield from self.desk.view()
        self._refuse_behind(view)
        _refuse_daemon_behind(self.desk, view)
        yield from self._remind(view)
        return view

    def _refuse_behind(self, view: View) -> None:
        """A journal that lacks what the daemon has noted is an older copy, or a new one in the place of a lost one: it
        knows neither what is open nor what has left today. Raises Refused.
        """
        strange = [name for name in (*view.orders, *view.withdrawals) if not self.desk.state.knows(name)]
        if strange:
            raise Refused(
                "journal_behind",
                f"the daemon knows of {', '.join(strange[:3])}, this request journal does not: is it an older copy? "
                "`arbbot settle --resolve NAME --as WORD --reason TEXT` tells it of each",
            )

    def _remind(self, view: View) -> Steps:
        """What the daemon missed of earlier ones, as when it did not run, it is told now. What it does not take,
        because its own rows say otherwise, wants a person. Raises Refused.
        """
        for name, told in view.orders.items():
            held = self.desk.state.conversions.get(name)
            if held is not None and held.state is OrderState.OVER and told.get("filled") is None:
                yield from conversion.tell(self.desk, held)
        for name, told in view.withdrawals.items():
            request = self.desk.state.requests.get(name)
            if request is None:
                continue
            denial = withdrawal.contradiction(request, told)
            if denial is None and withdrawal.word_of(request) not in (None, told.get("outcome")):
                denial = yield from withdrawal.tell(self.desk, request)
            if denial is not None:
                words = f"{name} is {request.state} here, but the daemon says: {denial}"
                yield from self.desk.call(name, request.state.value, words)
                raise Refused("contradicted", words)

    def _facts(self) -> Generator[Command, Event, Facts]:
        answer = yield ReadFacts()
        if isinstance(answer, VenueUnread):
            raise Refused("auth" if answer.auth_lost else "venue", answer.reason)
        if not isinstance(answer, FactsRead):
            raise TypeError(f"{answer} tells no facts")
        return answer.facts

    def _confirm(self, plan: Plan) -> Steps:
        desk, text = self.desk, plan.words(self.desk.policy)
        if self._asked.confirmed or not desk.policy.confirm:
            who = self._asked.who if self._asked.confirmed else "settlement.confirm = false"
            desk.emit(SettlementConfirmed(who, text, desk.utc_us))
            return
        answer = yield AskPerson(text)
        if not isinstance(answer, PersonSaid) or not answer.yes:
            raise Refused("not_confirmed", f"nobody said yes to: {text}")
        desk.emit(SettlementConfirmed(answer.who, text, desk.utc_us))

    # --- under the lease -----------------------------------------------------------------------------------

    def _leased(self, confirmed: Plan, lease_id: str) -> Generator[Command, Event, Request | Done]:
        """Convert and withdraw no more than was confirmed, by figures of now. Raises Refused."""
        desk = self.desk
        view = yield from desk.view()
        facts = yield from self._facts()
        _refuse_daemon_behind(desk, view)
        _refuse_another_account(view, facts)
        plan = self._again(confirmed, facts, view.means)
        if plan.convert > 0:
            order = yield from conversion.convert(desk, plan, lease_id)
            if order.state is not OrderState.OVER:
                return Done(ExitCode.SETTLEMENT_OPEN, f"{order.intended.name} is {order.state}: a person is called")
            view = yield from self._booked(order.intended.name)
        if view.lease != lease_id:
            raise Refused("lease_over", "the lease ran out; what was bought is withdrawn by the next settlement")
        plan = self._again(confirmed, facts, Means(ZERO, view.means.at_hand))
        request = yield from withdrawal.withdraw(desk, plan, lease_id)
        return request

    def _again(self, confirmed: Plan, facts: Facts, means: Means) -> Plan:
        """The plan by present facts, within what was confirmed: no more bought, at no greater cost, no more withdrawn.
        Raises Refused.
        """
        desk, total = self.desk, confirmed.withdraw + confirmed.fee
        policy = replace(desk.policy, max_request=min(total, desk.policy.max_request))
        means = replace(means, spendable=min(means.spendable, confirmed.worst_cost))
        plan = make(policy, self._asked, facts, means, desk.state.asked_on(desk.utc_us))
        if plan.to != confirmed.to or plan.fee > confirmed.fee:
            raise Refused("changed", f"the fee is {plan.fee:f} now, {confirmed.fee:f} was confirmed")
        if plan.convert > confirmed.convert:
            raise Refused("changed", f"{plan.convert:f} would be bought now, {confirmed.convert:f} was confirmed")
        return plan

    def _booked(self, name: str) -> Generator[Command, Event, View]:
        """Wait until the daemon has booked a conversion and seen its ledger equal again. Raises Refused."""
        desk, begun_ns = self.desk, self.desk.at.mono_ns
        while True:
            view = yield from desk.view()
            if view.agreed and view.orders.get(name, {}).get("complete") is True:
                return view
            if desk.since(begun_ns) > BOOKED_S:
                raise Refused("not_booked", f"the daemon has not booked {name} in {BOOKED_S} s")
            yield from desk.wait(1)


def _refuse_daemon_behind(desk: Desk, view: View) -> None:
    """A daemon that lacks what was sent under its own ledger, or a later one, runs on an older copy of its journal: it
    would count profit that has left once more. One whose ledger began since has let go of it. Raises Refused.
    """
    for sent in desk.state.newest_sent():
        noted_us = sent.utc_us if sent.anchor_us is None else sent.anchor_us
        known = sent.name in view.orders or sent.name in view.withdrawals
        if view.anchor_us is not None and view.anchor_us <= noted_us and not known:
            raise Refused(
                "daemon_behind",
                f"this request journal knows of {sent.name}, the daemon does not: does it run on an older copy of its "
                "journal? Profit that has left would be paid out again; `arbbot rebase --reason TEXT` counts it anew",
            )


def _refuse_another_account(view: View, facts: Facts) -> None:
    """On a quiet account both keys see the same balances, to the unit. Raises Refused."""
    seen = {name: total for name, total in (facts.balances or {}).items() if total}
    held = {name: total for name, total in view.balances.items() if total}
    if facts.balances is None or seen != held:
        raise Refused("another_account", "the treasury key does not see the daemon's balances: is it of this account?")
