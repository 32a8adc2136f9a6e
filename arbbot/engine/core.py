"""What the parts of the engine share: state, view, rules, and the outbox of the event being handled."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.commands import Ask, Command, Topic
from arbbot.domain.events import Moment
from arbbot.domain.market import Route, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.order import OrderKind, OrderState, OrderTerms, Purpose
from arbbot.domain.records import AlertRaised, DurableRecord, ModeChanged, OrderIntended, OrderMoved, Record
from arbbot.engine.own import OwnOrder
from arbbot.engine.rules import Rules
from arbbot.engine.state import State
from arbbot.engine.view import MarketView

SECOND_NS = 1_000_000_000
DUST_MARGIN = Decimal("1.05")
CLOCK_STEP_US = 1_000_000
NOTED_MOST = 100
"""Orders of which a process remembers when it wrote them down."""
CLOCK_OFF_S = 30
"""Told to people: no clock that is kept is so far off. The venue refuses requests by their time stamp from 150 s on."""


def ns(seconds: Decimal) -> int:
    """Whole nanoseconds of a number of seconds."""
    return int(seconds * SECOND_NS)


@dataclass(frozen=True, slots=True)
class Pending:
    """A question on its way, and when it was put."""

    question: Ask
    asked_ns: int


class Core:
    """One route's state and view, and the records and commands of the present event.

    `journal_key` is the journal's own random name: it begins every client order id, so that ids of other journals
    and of people are never taken for ours.
    """

    def __init__(self, route: Route, rules: Rules, state: State, journal_key: str) -> None:
        self.route = route
        self.rules = rules
        self.state = state
        self.journal_key = journal_key
        self.view = MarketView(route, ns(rules.feed.fresh_s), rules.trade.min_depth_levels)
        self.at = Moment(0, 0)
        self.changes = 0
        """Counts whatever may change more than books and time: what is worked out between two frames may be kept
        while this stands.
        """
        self.records: list[Record] = []
        self.commands: list[Command] = []
        self.asks: dict[int, Pending] = {}
        """Questions on their way, by ask id."""
        self.answered: Pending | None = None
        """The question that the present event answers."""
        self._asks_minted = 0
        self._noted_us: dict[str, int] = {}
        """When this process wrote its latest orders down, as `noted_us` has it."""
        self.venue_offset_ms = 0
        self.clock_base_us: int | None = None
        """Wall clock minus monotonic time when the venue's clock was last seen; None until this process has seen it."""
        self.unattributed = 0
        """Trade rows whose order is not known yet: they may be a doubt's, or somebody else's."""
        self.stopping: str | None = None
        """Why the process is to stop, once it is."""

    def intend(self, terms: OrderTerms) -> None:
        """Write an order down before it goes out."""
        self.emit(OrderIntended(terms, self.at.utc_us))
        venue_us = self.venue_us
        if venue_us is None:
            return
        self._noted_us[terms.client_order_id] = min(venue_us, self.at.utc_us)
        if len(self._noted_us) > NOTED_MOST:
            del self._noted_us[next(iter(self._noted_us))]

    def noted_us(self, client_order_id: str) -> int | None:
        """The earliest that an order can have been written down, in the venue's time: by the earlier of both clocks
        then, since a reply may be stamped wrongly. What became of the clocks later does not matter. None for an order
        of an earlier process or of long ago, and for one written while the venue's time was not known.
        """
        return self._noted_us.get(client_order_id)

    def emit(self, record: DurableRecord) -> None:
        """Make a durable fact: state changes now, the journal line is written before any command goes out."""
        self.changes += 1
        self.state.apply(record)
        self.records.append(record)

    def ask(
        self,
        topic: Topic,
        *,
        market: str | None = None,
        client_order_id: str | None = None,
        venue_order_id: int | None = None,
        since_id: int | None = None,
        since_event: str | None = None,
    ) -> int:
        """Put a question to the venue; returns its id."""
        self._asks_minted += 1
        question = Ask(self._asks_minted, topic, market, client_order_id, venue_order_id, since_id, since_event)
        self.asks[question.ask_id] = Pending(question, self.at.mono_ns)
        self.commands.append(question)
        return question.ask_id

    def asking(self, topic: Topic) -> bool:
        """True while a question of this topic is on its way."""
        return any(pending.question.topic is topic for pending in self.asks.values())

    def alert(self, severity: Severity, name: str, text: str) -> None:
        """Tell a person."""
        self.emit(AlertRaised(severity, name, text, self.at.utc_us))

    def change_mode(self, mode: Mode, who: str, reason: str, *, own: bool = False) -> None:
        """Move to a mode and alert; a no-op when already there. Automatic changes only ever make it stricter."""
        if self.state.mode is mode:
            return
        self.emit(ModeChanged(mode, who, reason, self.at.utc_us, own))
        severity = Severity.NOTICE if mode is Mode.ACTIVE else Severity.CRITICAL
        self.alert(severity, f"mode_{mode}", f"{mode} by {who}: {reason}")

    def restrict(self, mode: Mode, reason: str) -> None:
        """Change to a stricter mode by ourselves."""
        order = (Mode.ACTIVE, Mode.PAUSED, Mode.REDUCING, Mode.HALTED, Mode.PANIC)
        if order.index(mode) > order.index(self.state.mode):
            self.change_mode(mode, "arbbot", reason, own=True)

    def move(self, order: OwnOrder, state: OrderState, cause: str, venue_order_id: int | None = None) -> None:
        """Move an order along the table."""
        moved = OrderMoved(order.terms.client_order_id, state, venue_order_id, cause, self.at.utc_us)
        self.emit(moved)

    def mint(
        self,
        hedge_id: str,
        purpose: Purpose,
        market: str,
        side: Side,
        kind: OrderKind,
        size: Decimal,
        price: Decimal | None,
        *,
        expire_utc_ms: int | None = None,
        ahead: int = 0,
    ) -> OrderTerms:
        """Terms under a new client order id; `ahead` counts ids minted for the same batch but not yet intended."""
        number = self.state.orders_minted + 1 + ahead
        client_order_id = f"{self.journal_key}-{number:06d}"
        return OrderTerms(client_order_id, hedge_id, purpose, market, side, kind, size, price, expire_utc_ms)

    @property
    def dust(self) -> Decimal:
        """Base units that no market of the route would take as an order, at present prices, with a margin for the
        depth between the touch and the last price swept.
        """
        smallest = Decimal("Infinity")
        for slot in self.view.base_slots:
            instrument = self.route.instrument(slot.symbol)
            bid = None if slot.book is None else slot.book.bid
            worth = (
                instrument.lot if not bid else max(instrument.minimum_order_value * DUST_MARGIN / bid, instrument.lot)
            )
            smallest = min(smallest, worth)
        return smallest

    @property
    def clock_stepped(self) -> bool:
        """True when the wall clock has moved against the monotonic one since the venue's clock was last seen."""
        if self.clock_base_us is None:
            return False
        return abs(self.at.utc_us - self.at.mono_ns // 1000 - self.clock_base_us) > CLOCK_STEP_US

    @property
    def venue_us(self) -> int | None:
        """Now by the venue's clock; None before it was seen, and while ours stands stepped."""
        if self.clock_base_us is None or self.clock_stepped:
            return None
        return self.at.utc_us + self.venue_offset_ms * 1000

    @property
    def earliest_us(self) -> int:
        """The earlier of our clock and the venue's, which runs on by the monotonic one: ours may be set before the
        venue's is seen again.
        """
        return min(self.at.utc_us, self._run_on_us)

    @property
    def latest_us(self) -> int:
        """The later of the two: the latest that it can be by the venue's clock, where not both err."""
        return max(self.at.utc_us, self._run_on_us)

    @property
    def _run_on_us(self) -> int:
        """The venue's clock when last seen, and the monotonic time since."""
        base_us = self.clock_base_us
        ours_us = self.at.utc_us if base_us is None else base_us + self.at.mono_ns // 1000
        return ours_us + self.venue_offset_ms * 1000

    @property
    def clock_words(self) -> str:
        """What to add to a refusal where our clock may be the cause; empty where it is right."""
        off_s = abs(self.venue_offset_ms) // 1000
        where = "behind" if self.venue_offset_ms > 0 else "ahead of"
        return f"; our clock is {off_s} s {where} the venue's" if off_s >= CLOCK_OFF_S else ""

    @property
    def anchoring(self) -> bool:
        """True while the venue's balances are still to become the ledger's opening: at the first start, at a rebase."""
        return self.state.anchor is None or self.state.rebase_asked is not None

    @property
    def halting(self) -> bool:
        """True when what is open must be resolved without waiting: halted or stopping."""
        return self.stopping is not None or self.state.mode in (Mode.HALTED, Mode.PANIC)
