"""A treasury beside the daemon, in the same virtual time: its own key, its own memory, its own deaths and lost replies.

It runs the real settlement machine and the real bytes. What it asks of the daemon takes time, may be handled after it
has given up, or die with the process that was to answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from decimal import Decimal
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from arbbot.bitstamp import codec_funding, funding_outcome, funding_requests
from arbbot.bitstamp.replies import interpret
from arbbot.bitstamp.reply import Reply
from arbbot.bitstamp.requests import build
from arbbot.domain.commands import Ask, PlaceOrder, Topic
from arbbot.domain.events import BalancesFetched, BookFetched, FeesFetched, MarketsFetched
from arbbot.exchange.matching import Side
from arbbot.runtime.control import Refused
from arbbot.runtime.lease_verbs import lease_event, lease_outcome, settlement
from arbbot.treasury.journal import decode, encode
from arbbot.treasury.plan import Facts
from arbbot.treasury.policy import Asked, Destination, Policy
from arbbot.treasury.records import (
    ConversionIntended,
    ConversionMoved,
    OrderState,
    RequestIntended,
    RequestMoved,
    RequestState,
    TreasuryRecord,
)
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
    VenueUnread,
    Wait,
    Waited,
)
from tests.sim.checker.leaving import Caps
from tests.sim.clockwork import MS, SECOND
from tests.sim.counter import Counter
from tests.sim.lists import ids
from tests.sim.plan import Plan
from tests.sim.process import Process
from tests.sim.treasury_wire import TreasuryWire
from tests.sim.world import World

if TYPE_CHECKING:
    from arbbot.domain.events import Event as EngineEvent

D = Decimal
JOURNAL_KEY = "trsim"
MARKET, NETWORK = "usdtusd", "ethereum"
ADDRESS, OTHER_ADDRESS = "0x" + "5eA1" * 10, "0x" + "7cB2" * 10
DAEMON_US = 30 * SECOND
FEE, LEAST = D("0.03"), D("0.1")
COOLING_OFF_S = (0, 0, 0, 8, 25)
CALM_AT_S = (20, 60, 200)
"""After faults have stopped: when it settles once more."""
TAKEN = 0.6
"""How likely its webhook takes a call while there are faults."""
ALIKE_US = 25 * SECOND
"""With clocks no further apart its own requests must be known by their time."""
OTHER = Destination("usdt", NETWORK, OTHER_ADDRESS)
ENDED = frozenset(
    {OrderState.OVER, RequestState.FINISHED, RequestState.RETURNED, RequestState.REFUSED, RequestState.ABSENT}
)


def policy_of(plan: Plan) -> Policy:
    """What this life's treasury may do: caps that a life of minutes reaches."""
    rng, account = Random(f"{plan.seed}/policy"), plan.rules.account
    cooling_off_s = D(Random(f"{plan.seed}/cooling off").choice(COOLING_OFF_S)) if plan.disturbances else D(0)
    max_request, max_per_day = rng.choice(((3, 5), (20, 30), (100, 150)))
    return Policy(
        enabled=True, confirm=False, pays="usd", buys="usdt", allowed=(Destination("usdt", NETWORK, ADDRESS),),
        threshold=D("0.01"), max_request=D(max_request), max_per_day=D(max_per_day), max_fee=D(1),
        max_price=D("1.02"), reach=D("0.01"), cooling_off_s=cooling_off_s, stuck_s=D(rng.choice((20, 10_000))),
        bound_s=account.doubt_bound_s, lag_s=account.lag_s,
    )  # fmt: skip


def _caps(policy: Policy) -> Caps:
    """Of it, what the judge goes by."""
    addresses = frozenset(each.address for each in policy.allowed)
    return Caps(policy.max_request, policy.max_per_day, addresses, policy.cooling_off_s)


class Treasurer:
    """Settles when told to. One settlement at a time, as the lock of its journal has it."""

    def __init__(self, world: World, counter: Counter, process: Callable[[], Process | None]) -> None:
        self._world = world
        self._process = process
        self._rng = Random(f"{world.plan.seed}/treasurer")
        self.policy = policy_of(world.plan)
        """In force from the next settlement on."""
        self.lines: list[tuple[str, str]] = []
        """Its journal: kind and body of each."""
        self._copies = [0]
        """How long the journal was when something of it was kept."""
        self._open: set[str] = set()
        """What was intended and has not ended, by the journal."""
        self._to_come = len(CALM_AT_S)
        self._settler: Settler | None = None
        self._turn = 0
        """Counts commands: an answer to an earlier one comes too late."""
        self._dies_in: int | None = None
        self._wire = TreasuryWire(world, counter, self._rng, FEE, MARKET)
        venue = world.venue
        chain = venue.networks["usdt", NETWORK]
        venue.networks["usdt", NETWORK] = replace(chain, fee=FEE, minimum=LEAST)
        market = venue.listing(MARKET)
        market.spec = replace(market.spec, minimum_order_value=LEAST)
        for side, price in ((Side.BUY, "0.9995"), (Side.SELL, "1.0005"), (Side.SELL, "1.0010")):
            venue.house_limit(MARKET, side, D(price), D(40 if price == "1.0005" else 100_000), world.clock.now_us)

    def calm(self) -> None:
        """Faults stop; what is left open is looked at a few times more."""
        self._wire.faults = False
        for after_s in CALM_AT_S:
            self._world.clock.after(after_s * SECOND, self._settle_calmly)

    def _settle_calmly(self) -> None:
        self._to_come -= 1
        self.settle()

    @property
    def at_rest(self) -> bool:
        """Nothing runs, and nothing is open that a settlement to come could still end."""
        return self._settler is None and not (self._open and self._to_come)

    def restore(self) -> bool:
        """The machine is lost in the midst of all; its journal comes back as it was kept some time before: whether
        anything is missing from it.
        """
        if self._settler is not None:
            self._end("lost")
        kept = self._rng.choice(self._copies)
        older = kept < len(self.lines)
        self._world.reached("treasury journal " + ("restored" if older else "as it was"))
        self.lines = self.lines[:kept]
        self._copies = [each for each in self._copies if each <= kept]
        self._open.clear()
        self._world.checker.treasury.restored(self.lines)
        return older

    def settings_change(self) -> bool:
        """Somebody puts another address in the place of the first, and would wait for nothing; whether it is news."""
        if OTHER in self.policy.allowed:
            return False
        self.policy = replace(self.policy, allowed=(OTHER,), cooling_off_s=D(0))
        return True

    def settle(self) -> None:
        """Start a settlement, unless one runs."""
        if self._settler is not None:
            return
        self._world.reached("settlement begun")
        self._copies.append(len(self.lines))
        self._world.checker.treasury.begun(_caps(self.policy), self._world.clock.moment().utc_us)
        self._dies_in = self._rng.randint(1, 9) if self._wire.faults and self._rng.random() < 0.3 else None
        state = TreasuryState()
        for kind, body in self.lines:
            state.apply(decode(kind, body))
        self._settler = Settler(self.policy, state, JOURNAL_KEY, Asked())
        self._take(self._settler.begin(self._world.clock.moment()))

    def _take(self, output: Output) -> None:
        """Write down, then do; or die in between."""
        for record in output.records:
            self._write(record)
            if self._dies_in is not None:
                self._dies_in -= 1
                if self._dies_in == 0:
                    self._world.reached("settlement killed")
                    self._end("killed")
                    return
        if isinstance(output.command, Done):
            self._world.reached(f"settlement ended {int(output.command.code)}")
            self._end(f"{int(output.command.code)} {output.command.text}")
            return
        self._turn += 1
        self._perform(output.command, self._turn)

    def _write(self, record: TreasuryRecord) -> None:
        world, line = self._world, (record.kind, encode(record))
        self.lines.append(line)
        world.trace.note(world.clock.now_us, f"treasury {line[0]} {line[1]}")
        world.checker.treasury.line(*line)
        state = getattr(record, "state", None)
        if isinstance(record, ConversionIntended | RequestIntended):
            self._open.add(record.name)
        elif isinstance(record, ConversionMoved | RequestMoved) and record.state in ENDED:
            self._open.discard(record.name)
        world.reached(f"treasury {record.kind}" + ("" if state is None else f" {state}"))

    def _end(self, how: str) -> None:
        self._world.trace.note(self._world.clock.now_us, f"treasury ends: {how}")
        self._settler, self._turn = None, self._turn + 1

    def _later(self, delay_us: int, event: Event, turn: int) -> None:
        self._world.clock.after(delay_us, lambda: self._answer(event, turn))

    def _answer(self, event: Event, turn: int) -> None:
        if self._settler is not None and turn == self._turn:
            self._take(self._settler.answer(event, self._world.clock.moment()))

    # --- commands -------------------------------------------------------------------------------------------

    def _perform(self, command: Command, turn: int) -> None:
        match command:
            case AskDaemon(request):
                self._ask_daemon(request, turn)
            case Wait(seconds):
                self._later(int(seconds * SECOND), Waited(), turn)
            case AskPerson():
                self._later(0, PersonSaid(True, "ann"), turn)
            case CallPerson():
                taken = not self._wire.faults or self._rng.random() < TAKEN
                self._later(50 * MS, PersonCalledUp(taken), turn)
            case ReadFacts():
                self._later(50 * MS, self._facts(), turn)
            case PlaceOrder():
                order = build(command, {})
                self._world.checker.treasury.ordered(command.terms.client_order_id, order.body)
                answer, late_us = self._wire.send(order, risky=True)
                self._later(late_us, _word(interpret(command, [answer], self._wire.reading)), turn)
            case ReadOrder(name, venue_id):
                ask = Ask(1, Topic.ORDER_STATUS, client_order_id=None if venue_id else name, venue_order_id=venue_id)
                answer, late_us = self._wire.send(build(ask, {}))
                self._later(late_us, _word(interpret(ask, [answer], self._wire.reading)), turn)
            case SendWithdrawal(_, asked):
                wanted = funding_requests.withdraw(asked)
                judge = self._world.checker.treasury
                sent = judge.withdraws(wanted.body)
                answer, late_us = self._wire.send(wanted, risky=True, arrived=lambda: judge.took(sent))
                outcome = funding_outcome.withdrawal(answer, self._wire.reading.require_signed_errors)
                self._later(late_us, Answered(outcome), turn)
            case ReadRequests(request_id):
                self._list(request_id, turn)

    def _list(self, request_id: int | None, turn: int) -> None:
        answer, late_us = self._wire.send(funding_requests.withdrawal_requests(request_id))
        listed = self._wire.read(answer, codec_funding.withdrawal_requests)
        if listed is None:
            self._later(late_us, VenueUnread("unread"), turn)
            return
        assert isinstance(answer, Reply)
        self._world.clock.after(late_us, partial(self._listed, ids(answer.body), turn))
        self._later(late_us, RequestsListed(listed), turn)

    # --- the daemon -----------------------------------------------------------------------------------------

    def _ask_daemon(self, request: Mapping[str, Any], turn: int) -> None:
        """It answers in the same call once its loop turns; nobody may be there by then, or be there any more."""
        world, process = self._world, self._process()
        if process is None or not world.alive:
            self._later(100 * MS, DaemonRefused("no daemon answers", unreachable=True), turn)
            return
        self._later(DAEMON_US, DaemonRefused("no answer in time", unreachable=True), turn)

        def handled() -> None:
            answer = self._handled(process, request)
            if answer is not None:
                self._later(5 * MS, answer, turn)
            elif not world.alive:
                self._later(100 * MS, DaemonRefused("broken off", unreachable=True), turn)

        generation = world.generation
        world.clock.after(5 * MS, lambda: world.to_process(generation, handled))

    def _handled(self, process: Process, request: Mapping[str, Any]) -> DaemonSaid | DaemonRefused | None:
        """None: the process died over it."""
        world, plain = self._world, dict(request)
        try:
            if plain["verb"] == "settlement":
                return DaemonSaid(settlement(process.engine, plain, world.clock.moment()))
            process.said = []
            process.deliver(lease_event(plain))
            if not world.alive or process.exit is not None:
                return None
            return DaemonSaid(lease_outcome(process.engine, process.said))
        except Refused as refused:
            return DaemonRefused(str(refused))

    # --- the venue ------------------------------------------------------------------------------------------

    def _facts(self) -> Event:
        answers = {
            topic: interpret(ask, [self._wire.send(build(ask, {}))[0]], self._wire.reading)
            for topic in (Topic.MARKETS, Topic.BALANCES, Topic.FEES, Topic.BOOK)
            for ask in (Ask(1, topic, market=MARKET),)
        }
        markets, balances = answers[Topic.MARKETS], answers[Topic.BALANCES]
        fees, book = answers[Topic.FEES], answers[Topic.BOOK]
        if not isinstance(markets, MarketsFetched) or not isinstance(balances, BalancesFetched):
            return VenueUnread("unread")
        told = self._wire.read(self._wire.send(funding_requests.withdrawal_fees())[0], codec_funding.withdrawal_fees)
        listed = self._wire.read(
            self._wire.send(funding_requests.currencies())[0], codec_funding.currencies, private=False
        )
        rates = dict(fees.rates) if isinstance(fees, FeesFetched) else {}
        return FactsRead(
            Facts(
                instrument=next((each for each in markets.instruments if each.symbol == MARKET), None),
                halted=MARKET in markets.halted,
                taker=rates[MARKET].taker if MARKET in rates else None,
                book=book.book if isinstance(book, BookFetched) else None,
                fees=told,
                currency=next((each for each in listed or () if each.code == "usdt"), None),
                balances={each.currency: each.total for each in balances.balances},
            )
        )

    def _listed(self, told: frozenset[int], turn: int) -> None:
        """A list reached it, in which it may know its own again."""
        apart_us = abs(self._world.clock.wall_off_us)
        if (
            self._settler is not None
            and turn == self._turn
            and self._wire.listing.spelling is None
            and apart_us < ALIKE_US
        ):
            self._world.checker.treasury.shown(told)


def _word(event: EngineEvent) -> Any:
    """The gateway's word on an order."""
    return event
