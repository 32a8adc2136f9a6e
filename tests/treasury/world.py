"""A venue and a daemon played by hand for one treasury: what they answer, what is lost, and where the process dies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from arbbot.domain.book import Book
from arbbot.domain.commands import PlaceOrder
from arbbot.domain.events import Moment, OrderAcked, OrderRefused, OrderReported, OrderUnanswered
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import (
    Currency,
    CurrencyNetwork,
    FundingInDoubt,
    FundingRefused,
    RequestStatus,
    WithdrawalAccepted,
    WithdrawalFee,
    WithdrawalRequest,
)
from arbbot.domain.market import Instrument, Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import Fill, OrderReport, VenueOrderStatus
from arbbot.treasury.plan import Facts
from arbbot.treasury.policy import Asked, Destination, Policy
from arbbot.treasury.records import RequestState, TreasuryRecord
from arbbot.treasury.resolve import Resolution
from arbbot.treasury.settler import Output, Settler
from arbbot.treasury.state import TreasuryState
from arbbot.treasury.words import (
    Answered,
    AskDaemon,
    AskPerson,
    CallPerson,
    Command,
    DaemonRefused,
    DaemonSaid,
    Done,
    Event,
    FactsRead,
    PersonCalledUp,
    PersonSaid,
    ReadFacts,
    ReadOrder,
    ReadRequests,
    RequestsListed,
    SendWithdrawal,
    Wait,
    Waited,
)

D = Decimal
PROFIT, PRICE = D(300), D("1.0001")
ADDRESS, OTHER = "0x" + "a1" * 20, "0x" + "b2" * 20
POLICY = Policy(
    enabled=True, confirm=False, pays="usd", buys="usdt", allowed=(Destination("usdt", "ethereum", ADDRESS),),
    threshold=D(50), max_request=D(500), max_per_day=D(800), max_fee=D(10), max_price=D("1.02"), reach=D("0.002"),
    cooling_off_s=D(0), stuck_s=D(86_400), bound_s=D(150), lag_s=D(5),
)  # fmt: skip
NOW = Moment(10**12, 1_795_000_000_000_000)
BOOK = Book("usdtusd", 1, [["0.9998", "5000"]], [["1.0001", "5000"], ["1.0002", "90000"]])
FACTS = Facts(
    instrument=Instrument("usdtusd", "usdt", "usd", 5, 5, D(10)),
    halted=False,
    taker=D("0.0005"),
    book=BOOK,
    fees=(WithdrawalFee("usdt", "ethereum", D(5)), WithdrawalFee("btc", "bitcoin", D("0.00008"))),
    currency=Currency(
        "usdt", 6, deposit=True, withdrawal=True,
        networks=(
            CurrencyNetwork("ethereum", True, True, D(10), 6),
            CurrencyNetwork("tron", False, False, D(10), 6),
        ),
    ),
    balances=None,
)  # fmt: skip


class Died(Exception):
    """The process was killed."""


@dataclass(slots=True)
class World:
    """One account with profit, one daemon that lends it, one venue. `troubles` say what happens to a reply."""

    policy: Policy = POLICY
    facts: Facts = FACTS
    profit: Decimal = PROFIT
    journal: list[TreasuryRecord] = field(default_factory=list)
    at: Moment = NOW
    person: bool = True
    order_trouble: str = ""
    """lost_before, lost_after, refused, partial, old_reply (a part, and what is left is not told), never_ends."""
    request_trouble: str = ""
    """lost_before, lost_after, refused, late; dies_before, dies_after: the process is killed once as it sends."""
    daemon_trouble: Callable[[Mapping[str, Any]], str | None] = lambda request: None
    fate: RequestStatus = RequestStatus.IN_PROCESS
    die_after: int | None = None
    """Records, counted over the world's life, after which the process dies before its next command."""
    daemon_up: bool = True
    webhook_up: bool = True
    refusal: str = "Not allowed to withdraw to specified USDT address"
    waiting: str | None = None
    strange: bool = False
    """The daemon's answers are those of another version."""
    unequal: int = 0
    sees: bool = False
    """The venue takes a withdrawal off the balance at once, and the daemon has seen it; else it reserves it."""
    shows: Callable[[WithdrawalRequest], WithdrawalRequest] = lambda each: each
    """How the venue's list writes a request."""
    price: Decimal = PRICE
    """At which conversions fill: units of what is paid for one of what is bought."""
    anchor_us: int = NOW.utc_us - 10**9
    """When the daemon's ledger began."""

    spent: Decimal = ZERO
    bought: Decimal = ZERO
    lease: str | None = None
    leases: int = 0
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)
    withdrawals: dict[str, dict[str, Any]] = field(default_factory=dict)
    placed: list[PlaceOrder] = field(default_factory=list)
    sent: list[SendWithdrawal] = field(default_factory=list)
    requests: list[WithdrawalRequest] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    """Names of the withdrawals that the venue has taken."""
    fills: dict[str, Decimal] = field(default_factory=dict)
    asked_daemon: list[Mapping[str, Any]] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    asked_person: list[str] = field(default_factory=list)
    called: list[str] = field(default_factory=list)
    """Names of what the webhook was told does not end."""
    asked_for: list[int | None] = field(default_factory=list)
    """The venue's ids that it was asked about."""
    withdrawn: Decimal = ZERO

    # --- a life --------------------------------------------------------------------------------------------

    def settle(self, asked: Asked | Resolution | None = None, most: int = 4000) -> Done:
        """One process to its end. Raises Died where it is killed."""
        state = TreasuryState()
        for record in self.journal:
            state.apply(record)
        settler = Settler(self.policy, state, "tk", asked or Asked())
        output = settler.begin(self.at)
        for _ in range(most):
            self.write(output)
            if isinstance(output.command, Done):
                return output.command
            output = settler.answer(self.answer(output.command), self.at)
        raise AssertionError("the settlement does not end")

    def write(self, output: Output) -> None:
        """Commit record by record, as a death in between would leave them."""
        for record in output.records:
            self.journal.append(record)
            if self.die_after is not None and len(self.journal) == self.die_after:
                self.lease = None
                raise Died
        self.commands.append(output.command)

    def code(self, asked: Asked | Resolution | None = None) -> ExitCode:
        """How one settlement ends."""
        return self.settle(asked).code

    def kinds(self) -> list[str]:
        """What the journal says, in words."""
        return [record.kind for record in self.journal]

    def replayed(self) -> TreasuryState:
        """What the journal comes to."""
        state = TreasuryState()
        for record in self.journal:
            state.apply(record)
        return state

    def later(self, seconds: int | Decimal) -> None:
        """Time passes."""
        step_us = int(D(seconds) * 1_000_000)
        self.at = Moment(self.at.mono_ns + step_us * 1000, self.at.utc_us + step_us)

    @property
    def at_hand(self) -> Decimal:
        return self.bought - self.withdrawn

    # --- answers -------------------------------------------------------------------------------------------

    def answer(self, command: Command) -> Event:
        """The one event that answers a command."""
        self.later(D("0.05"))
        match command:
            case AskDaemon(request):
                return self.daemon(request)
            case ReadFacts():
                return FactsRead(self.facts if self.facts.balances else replace(self.facts, balances=self.balances()))
            case PlaceOrder():
                return self.place(command)
            case ReadOrder(name):
                return self.report(name)
            case SendWithdrawal():
                return self.send(command)
            case ReadRequests(request_id):
                return self.listed(request_id)
            case AskPerson(text):
                self.asked_person.append(text)
                return PersonSaid(self.person, "ann")
            case CallPerson(name):
                self.called.append(name)
                return PersonCalledUp(self.webhook_up)
            case Wait(seconds):
                self.later(seconds)
                return Waited()
        raise AssertionError(command)

    def listed(self, request_id: int | None) -> RequestsListed:
        """The venue's list, or what it says of one alone."""
        if request_id is None:
            shown = self.requests[:1000] if self.request_trouble != "late" else []
            return RequestsListed(tuple(self.shows(each) for each in shown))
        self.asked_for.append(request_id)
        return RequestsListed(tuple(each for each in self.requests if each.request_id == request_id))

    def agrees(self) -> bool:
        """Whether its ledger has been seen equal; not before it was asked so often."""
        self.unequal -= 1
        return self.unequal < 0

    def balances(self) -> dict[str, Decimal]:
        """As both keys see them."""
        return {self.policy.pays: D(10_000) - self.spent, self.policy.buys: self.at_hand}

    def daemon(self, request: Mapping[str, Any]) -> Event:
        """The daemon's own rules, in short."""
        self.asked_daemon.append(request)
        if not self.daemon_up:
            return DaemonRefused("no daemon answers", unreachable=True)
        trouble = self.daemon_trouble(request)
        if trouble is not None:
            return DaemonRefused(trouble)
        if request.get("what") in ("order", "withdrawal") and request["name"] in (*self.orders, *self.withdrawals):
            return DaemonRefused("this name was announced before")
        match request["verb"], request.get("what"):
            case "settlement", _:
                return DaemonSaid(self.view())
            case "lease", _:
                self.leases += 1
                self.lease = f"l{self.leases}"
                return DaemonSaid({"lease": self.lease})
            case "release", _:
                self.lease = None
                return DaemonSaid({})
            case "announce", "order":
                self.orders[request["name"]] = {"filled": None, "paid": "0", "complete": False, "venue_id": None}
                return DaemonSaid({})
            case "announce", "withdrawal":
                assert D(request["size"]) + D(request["fee"]) <= self.at_hand
                self.withdrawals[request["name"]] = {"outcome": "announced"}
                return DaemonSaid({})
        return self.word(request)

    def word(self, request: Mapping[str, Any]) -> Event:
        """What it is told."""
        name, outcome = request["name"], request["outcome"]
        if name in self.orders and outcome == "over":
            told = self.orders[name]
            told.update(filled=request["filled"], complete=True, paid=str(D(request["filled"]) * self.price))
            return DaemonSaid({})
        if name in self.orders and outcome == "named":
            self.orders[name]["venue_id"] = request["venue_id"]
            return DaemonSaid({})
        if outcome in ("refused", "absent") and self.sees and name in self.taken:
            return DaemonRefused("it has left the balance")
        if name in self.withdrawals and outcome != "stuck":
            self.withdrawals[name]["outcome"] = outcome
            return DaemonSaid({})
        return DaemonSaid({}) if outcome == "stuck" else DaemonRefused(f"{name}: {outcome} means nothing here")

    def view(self) -> dict[str, Any]:
        """`settlement`."""
        if self.strange:
            return {"lease": None}
        return {
            "lease": self.lease,
            "agreed": self.agrees(),
            "waiting": self.waiting,
            "withdrawable": {"size": str(max(self.profit - self.spent, D(0))), "principal": {self.policy.pays: "9000"}},
            "at_hand": str(self.at_hand),
            "orders": {name: dict(told) for name, told in self.orders.items()},
            "withdrawals": {name: dict(told) for name, told in self.withdrawals.items()},
            "balances": {name: str(total) for name, total in self.balances().items()},
            "anchor_utc_us": self.anchor_us,
        }

    def place(self, command: PlaceOrder) -> Event:
        """The conversion at the venue."""
        self.placed.append(command)
        terms, trouble = command.terms, self.order_trouble
        name = terms.client_order_id
        assert name in self.orders, "sent before it was announced"
        if trouble == "refused":
            return OrderRefused(name, "400.009", "no")
        if trouble == "lost_before":
            return OrderUnanswered(name, "timed out")
        filled = terms.size if trouble not in ("partial", "old_reply") else (terms.size / 3).quantize(D("0.01"))
        self.fills[name] = filled
        self.bought += filled
        self.spent += filled * self.price * D("1.0005")
        return OrderUnanswered(name, "timed out") if trouble == "lost_after" else OrderAcked(name, 77)

    def report(self, name: str) -> Event:
        """`order_status`."""
        filled = self.fills.get(name)
        if filled is None:
            return OrderReported(0, name, None, None)
        size = next(each.terms.size for each in self.placed if each.terms.client_order_id == name)
        fills = (Fill(1, self.policy.market, Side.BUY, filled, self.price, None),)
        status = VenueOrderStatus.FINISHED if filled == size else VenueOrderStatus.CANCELED
        if self.order_trouble == "never_ends":
            status = VenueOrderStatus.OPEN
        left = None if self.order_trouble == "old_reply" else size - filled
        return OrderReported(0, name, None, OrderReport(77, name, status, left, fills))

    def send(self, command: SendWithdrawal) -> Event:
        """The withdrawal at the venue, which takes the same one twice if it is asked twice."""
        self.sent.append(command)
        asked, trouble = command.asked, self.request_trouble
        assert command.name in self.withdrawals, "sent before it was announced"
        assert self.replayed().requests[command.name].state is RequestState.ANNOUNCED, "sent before it was written"
        if trouble in ("dies_before", "dies_after"):
            self.request_trouble, self.lease = "", None
        if trouble == "dies_before":
            raise Died
        if trouble == "refused":
            return Answered(FundingRefused("text", self.refusal))
        if trouble == "lost_before":
            return Answered(FundingInDoubt("timed out"))
        request_id = 500 + len(self.requests)
        utc_us = self.at.utc_us // 1_000_000 * 1_000_000
        self.requests.insert(
            0,
            WithdrawalRequest(
                request_id, utc_us, asked.currency, asked.size, self.fate, asked.network, asked.address, None
            ),
        )
        self.taken.append(command.name)
        self.withdrawn += asked.size + 5
        if trouble == "dies_after":
            raise Died
        return Answered(WithdrawalAccepted(request_id) if not trouble else FundingInDoubt("timed out"))

    def end(self, status: RequestStatus) -> None:
        """The venue ends the newest request."""
        newest = self.requests[0]
        self.requests[0] = replace(newest, status=status)
        if status.is_returned:
            self.withdrawn -= newest.size + 5
