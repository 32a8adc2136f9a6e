"""T1 to T3 by the venue alone: the requests it holds, and the fills that paid for them, whatever any journal says.

Which request is whose, is known from the moment at which the venue took it; nothing is recognised by its looks.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.exchange.events import OwnTrade, VenueEvent
from arbbot.exchange.withdrawals import RETURNED, Request, RequestStatus
from tests.sim.checker.day import DAY_US
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

ZERO = Decimal(0)
THEIRS = "trsim-"
"""What names of the treasury begin with."""
BUYS = "usdt"
APART_US = 300_000_000
"""Two clocks, and what was on its way: the venue takes nothing that is stamped 150 s off, or that comes so late."""
NEVER_WAS = ("absent", "refused")
FOUND = ("accepted", "finished", "returned")
BEEN_FINISHED = (RequestStatus.FINISHED, RequestStatus.REVERSED)


@dataclass(frozen=True, slots=True)
class Caps:
    """What the policy of the moment allows."""

    max_request: Decimal
    max_per_day: Decimal
    addresses: frozenset[str]
    cooling_off_s: Decimal


@dataclass(slots=True)
class Sent:
    """Bytes of a withdrawal that went out, and which requests the venue made of them."""

    name: str
    day: int | None = None
    """Days since 1970, of its intent by the treasury's clock."""
    taken: list[int] = field(default_factory=list)
    state: str = "intended"
    """By the treasury's journal."""
    told_id: int | None = None
    shown: bool = False
    """A list that spells it as it was asked for has shown it to the treasury."""
    forgotten: bool = False
    """The journal was put back to a copy that has never heard of it."""


class LeavingJudge:
    """Listens to the venue; what the treasury sends is told as it goes out and as it is taken."""

    def __init__(self, truth: Truth, report: Report) -> None:
        self._truth = truth
        self._report = report
        self._bought: dict[str, Decimal] = {}
        self._sent: list[Sent] = []
        self._addresses: set[str] = set()
        self._heard_of: dict[str, str] = {}
        """What the daemon was last told of each."""
        truth.venue.subscribe(self._heard)

    def _heard(self, event: VenueEvent) -> None:
        if not isinstance(event, OwnTrade) or event.user_id != self._truth.account.user_id:
            return
        name = event.client_order_id or ""
        if name.startswith(THEIRS):
            sign = 1 if event.side.value == "buy" else -1
            self._bought[name] = self._bought.get(name, ZERO) + sign * event.trade.amount

    def _requests(self) -> list[Request]:
        return self._truth.venue.withdrawals.of(self._truth.account)

    # --- the wire -------------------------------------------------------------------------------------------

    def sends(self, name: str, day: int | None = None) -> Sent:
        """A withdrawal goes out under this name: the first and the last one that does, whatever the journal forgot."""
        if any(each.name == name for each in self._sent):
            self._report.fail("T3", f"{name} is sent twice")
        self._sent.append(Sent(name, day))
        return self._sent[-1]

    def has_sent(self, name: str) -> bool:
        """Whether a withdrawal has ever gone out under this name."""
        return any(each.name == name for each in self._sent)

    def took(self, sent: Sent) -> None:
        """Its bytes have been at the venue: what is new there is of them."""
        known = {taken for each in self._sent for taken in each.taken}
        sent.taken += [each.request_id for each in self._requests() if each.request_id not in known]
        if len(sent.taken) > 1:
            self._report.fail("T3", f"{sent.name} is {len(sent.taken)} requests at the venue")

    def shown(self, ids: Container[int]) -> None:
        """The treasury has read a list that holds these, in the words in which they were asked for."""
        for each in self._sent:
            each.shown = each.shown or any(taken in ids for taken in each.taken)

    def may_come_back(self, size: Decimal) -> bool:
        """Whether a row of this size may be a request that came back, by all that the daemon has heard. No row says it:
        one that somebody paid in may be held for one until the word is there.
        """
        requests = {each.request_id: each for each in self._requests() if each.leaves == size}
        return any(
            taken in requests and (requests[taken].status in RETURNED or self._heard_of.get(each.name) != "finished")
            for each in self._sent
            for taken in each.taken
        )

    # --- the journals ---------------------------------------------------------------------------------------

    def forget(self, names: Container[str]) -> None:
        """The treasury's journal does not hold these any more."""
        for each in self._sent:
            each.forgotten = each.forgotten or each.name in names

    def moved(self, name: str, state: str, request_id: int | None) -> None:
        """The treasury's journal says what became of a withdrawal."""
        for each in self._sent:
            if each.name == name and not each.forgotten:
                each.state, each.told_id = state, each.told_id if request_id is None else request_id
                self._true(each)

    def told(self, name: str, outcome: str, filled: str | None) -> None:
        """The daemon is told what became of something: whatever the treasury remembers, it must be so."""
        if outcome == "over":
            bought = self._bought.get(name, ZERO)
            if filled is None or Decimal(filled) != bought:
                self._report.fail("T3", f"the daemon hears that {name} filled {filled}, it filled {bought}")
            return
        self._heard_of[name] = outcome
        for each in self._sent:
            if each.name == name:
                self._true(Sent(name, taken=each.taken, state=outcome))

    def _true(self, sent: Sent) -> None:
        """T3: what is said of a withdrawal is so at the venue."""
        held = [each for each in self._requests() if each.request_id in sent.taken]
        if sent.state in NEVER_WAS and held:
            self._report.fail("T3", f"{sent.name} is said to be {sent.state}, the venue holds {held[0].request_id}")
        if sent.state in FOUND and not held:
            self._report.fail("T3", f"{sent.name} is said to be {sent.state}, the venue holds no such request")
        if sent.told_id is not None and sent.told_id not in sent.taken:
            self._report.fail("T3", f"{sent.name} is said to be request {sent.told_id}, it is {sent.taken}")
        right = {"finished": BEEN_FINISHED, "returned": tuple(RETURNED)}.get(sent.state)
        if right is not None and held and held[0].status not in right:
            self._report.fail("T3", f"{sent.name} is said to be {sent.state}, the venue has {held[0].status.name}")

    # --- looks ----------------------------------------------------------------------------------------------

    def look(self, caps: Caps) -> None:
        """T1 to T3 at any moment, by the venue's own books."""
        self._addresses |= caps.addresses
        requests = self._requests()
        known = {taken for each in self._sent for taken in each.taken}
        for each in requests:
            if each.request_id not in known:
                self._report.fail("T3", f"the venue holds request {each.request_id}, which nobody sent")
            if each.leaves > caps.max_request:
                self._report.fail("T2", f"request {each.request_id} takes {each.leaves}, one may {caps.max_request}")
            if each.to.address not in self._addresses:
                self._report.fail("T2", f"request {each.request_id} goes to {each.to.address}, which was never listed")
            if each.currency != BUYS:
                self._report.fail("T1", f"request {each.request_id} takes {each.currency}")
        self._day(requests, caps)
        left = sum((each.leaves for each in requests if each.status not in RETURNED), ZERO)
        bought = sum(self._bought.values(), ZERO)
        if left > bought:
            self._report.fail("T1", f"{left} {BUYS} have been withdrawn, settlements have bought {bought}")
        for sent in self._sent:
            if sent.state in NEVER_WAS and not sent.forgotten:
                self._true(sent)  # it may have come late

    def _day(self, requests: list[Request], caps: Caps) -> None:
        """T2: all that the venue took on one of its days, what it gave back later in. What came about midnight, and was
        intended on another day by the treasury's clock, is of that one's cap.
        """
        intended = {taken: each.day for each in self._sent for taken in each.taken}
        days: dict[int, Decimal] = {}
        for each in requests:
            day, since_us = divmod(each.at_us, DAY_US)
            at_the_edge = not APART_US <= since_us < DAY_US - APART_US
            if not at_the_edge or intended.get(each.request_id) in (None, day):
                days[day] = days.get(day, ZERO) + each.leaves
        for taken in days.values():
            if taken > caps.max_per_day:
                self._report.fail("T2", f"the venue took {taken} {BUYS} on one day, {caps.max_per_day} may be")

    def finish(self) -> None:
        """T3: at the end requests and intents are each other's, one to one; a doubt is one only while nothing tells."""
        for each in self._sent:
            if each.forgotten:
                continue
            self._true(each)
            if each.state in FOUND and each.told_id not in each.taken:
                self._report.fail("T3", f"{each.name} is {each.state}, and its request is not known")
            if each.state not in (*FOUND, *NEVER_WAS) and each.taken and each.shown:
                self._report.fail("T3", f"{each.name} is {each.state}, although the list has shown {each.taken[0]}")
