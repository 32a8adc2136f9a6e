"""What a journal says of a rehearsal, counted record by record and recomputed where it matters.

Own sums are: the net edge of each hedge and whether it owes a conversion's fee, the drift that decides that, what was
booked twice, doubts and answers, and the holdings that are held against the venue's own books. The engine's are: what
is open, completed and in doubt at the end (`engine.state` folds the records) and the figures that are shown
(`engine.report`). The prices and the legs' fees of a decision are those that its record names.
"""

from __future__ import annotations

from array import array
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

from arbbot.domain.ledger import LedgerAccount, LedgerError
from arbbot.domain.life import Started
from arbbot.domain.market import Direction, Route
from arbbot.domain.mode import Mode
from arbbot.domain.money import ZERO
from arbbot.domain.order import FillKey, OrderState, RowKey
from arbbot.domain.records import (
    AlertRaised,
    AnchorSet,
    DurableRecord,
    FillBooked,
    HedgeClosed,
    HedgeOpened,
    ModeChanged,
    OrderIntended,
    OrderMoved,
    RowBooked,
    StatementAgreed,
)
from arbbot.domain.trips import LimitTripped
from arbbot.engine.report import report
from arbbot.engine.rules import FxPolicy, TradeRules
from arbbot.engine.state import State, StateError
from arbbot.journal.sqlite import JournalRefused, read_journal

Key = TypeVar("Key", RowKey, FillKey)
TRADED = (LedgerAccount.TRADING, LedgerAccount.FEES)
Span = tuple[int, int]
"""Microseconds since 1970, first and last."""


def net_edge(opened: HedgeOpened, domestic: str, fx_fee: Decimal) -> Decimal:
    """The decision's net edge by the formula, from the prices and the legs' fees it recorded, and this FX fee."""
    paid, got = opened.buy_vwap * (1 + opened.buy_fee), opened.sell_vwap * (1 - opened.sell_fee)
    if opened.buy_market == domestic:
        return got * opened.fx_vwap * (1 - fx_fee) / paid - 1
    return got / (paid * opened.fx_vwap * (1 + fx_fee)) - 1


def fx_fee_owed(opened: HedgeOpened, domestic: str, policy: FxPolicy, drift: Decimal) -> Decimal:
    """What a hedge has to count for its conversion: the taker's rate, which is one for all markets here. `band` lets it
    off where the drift, what all trades so far have left of the foreign currency, ends no further from zero.
    """
    after = drift + opened.size * opened.sell_vwap * (1 - opened.sell_fee)
    if opened.buy_market != domestic:
        after = drift - opened.size * opened.buy_vwap * (1 + opened.buy_fee)
    free = policy is FxPolicy.NEVER or (policy is FxPolicy.BAND and abs(after) <= abs(drift))
    return ZERO if free else opened.buy_fee


@dataclass(slots=True)
class Tally:
    """Counts of one journal. `spikes` are spans in which a price was off on purpose."""

    net_floor: Decimal
    fx_policy: FxPolicy
    spikes: tuple[Span, ...] = ()
    state: State = field(default_factory=State)
    route: Route | None = None
    mode: str = ""
    starts: int = 0
    opened: int = 0
    at_a_loss: list[str] = field(default_factory=list)
    """Hedges decided at or below the net floor, by id."""
    least_net: Decimal | None = None
    in_spikes: int = 0
    """Hedges decided while a spike stood."""
    alerts: Counter[str] = field(default_factory=Counter)
    unhedged_halts: list[tuple[int, int | None]] = field(default_factory=list)
    """From when to when a trip of `limits.unhedged_s` stood; None: nobody has reset it."""
    doubts: int = 0
    resolved: Counter[str] = field(default_factory=Counter)
    """Doubts by the state that ended them."""
    longest_doubt_us: int = 0
    answers_us: array[int] = field(default_factory=lambda: array("q"))
    """From each order's intent to its first answer, market time."""
    broken: list[str] = field(default_factory=list)
    """Promises that the journal itself breaks, in words."""
    rows: set[RowKey] = field(default_factory=set)
    holdings: dict[str, Decimal] = field(default_factory=dict)
    """Per currency, by adding up the journal's rows."""
    rebase_differences: dict[str, Decimal] = field(default_factory=dict)
    """What rebases took for granted: the venue's balance then minus the sum of the rows."""
    _intended: dict[str, int] = field(default_factory=dict)
    _doubtful: dict[str, int] = field(default_factory=dict)
    _known: set[str] = field(default_factory=set)
    _fills: set[FillKey] = field(default_factory=set)
    _allowed: bool = True
    _open: int = 0
    _drift: Decimal = ZERO
    """Foreign currency that the daemon's own trades have left since the opening, fees in."""

    def take(self, record: DurableRecord) -> None:
        """Count one record."""
        self.state.apply(record)
        match record:
            case Started():
                self.starts += 1
                self.route = Route(*record.instruments)
            case HedgeOpened():
                self._hedge(record)
            case HedgeClosed():
                self._open -= 1
            case OrderIntended():
                self._intent(record)
            case OrderMoved():
                self._moved(record)
            case FillBooked():
                self._once(self._fills, (record.fill.trade_id, record.client_order_id), "fill")
            case ModeChanged():
                self._moded(record)
            case AlertRaised() | LimitTripped():
                self._told(record)
            case RowBooked() | StatementAgreed() | AnchorSet():
                self._money(record)

    def _told(self, record: AlertRaised | LimitTripped) -> None:
        if isinstance(record, AlertRaised):
            self.alerts[record.name] += 1
        elif record.name == "unhedged_s":
            self.unhedged_halts.append((record.utc_us, None))

    def _moded(self, record: ModeChanged) -> None:
        self._allowed = record.mode is Mode.ACTIVE
        if self._allowed and self.unhedged_halts and self.unhedged_halts[-1][1] is None:
            self.unhedged_halts[-1] = (self.unhedged_halts[-1][0], record.utc_us)

    def _money(self, record: RowBooked | StatementAgreed | AnchorSet) -> None:
        if isinstance(record, RowBooked):
            self._row(record)
        elif isinstance(record, AnchorSet):
            self._anchor(record)
        else:
            for line in record.currencies:
                self._add(line.currency, line.rounding)

    def figures(self) -> dict[str, Any]:
        """The engine's own report at the end."""
        assert self.route is not None
        return report(self.state, self.route, self.mode)

    def answer_ms(self, share: float) -> int | None:
        """This share of the orders was answered within so many market milliseconds."""
        if not self.answers_us:
            return None
        ranked = sorted(self.answers_us)
        return ranked[min(len(ranked) - 1, int(share * len(ranked)))] // 1000

    def _hedge(self, record: HedgeOpened) -> None:
        assert self.route is not None
        self.opened += 1
        self._open += 1
        if not self._allowed or self._open > 1:
            self.broken.append(f"{record.hedge_id} was opened where none may be, beside {self._open - 1} others")
        if record.drill:
            return
        domestic = self.route.domestic.symbol
        owed = fx_fee_owed(record, domestic, self.fx_policy, self._drift)
        if record.fx_fee != owed:
            self.broken.append(f"{record.hedge_id} counts an FX fee of {record.fx_fee}, it owes {owed}")
        net = net_edge(record, domestic, owed)
        self.least_net = net if self.least_net is None else min(self.least_net, net)
        buys_domestic = record.buy_market == domestic
        if net <= self.net_floor or buys_domestic != (record.direction is Direction.BUY_DOMESTIC):
            self.at_a_loss.append(record.hedge_id)
        if any(first <= record.utc_us <= last for first, last in self.spikes):
            self.in_spikes += 1

    def _intent(self, record: OrderIntended) -> None:
        name = record.terms.client_order_id
        if name in self._known:
            self.broken.append(f"client order id {name} was intended twice")
        self._known.add(name)
        self._intended[name] = record.utc_us

    def _moved(self, record: OrderMoved) -> None:
        name = record.client_order_id
        intended_us = self._intended.pop(name, None)
        if intended_us is not None:
            self.answers_us.append(record.utc_us - intended_us)
        if record.state is OrderState.IN_DOUBT:
            if name not in self._doubtful:  # it also learns its venue id while in doubt
                self.doubts += 1
                self._doubtful[name] = record.utc_us
        elif name in self._doubtful:
            lasted_us = record.utc_us - self._doubtful.pop(name)
            self.resolved[record.state.value] += 1
            self.longest_doubt_us = max(self.longest_doubt_us, lasted_us)

    def _row(self, record: RowBooked) -> None:
        row = record.row
        self._once(self.rows, row.key, "row")
        for currency, delta in row.amounts:
            self._add(currency, delta)
        if row.fee and row.fee_currency is not None:
            self._add(row.fee_currency, -row.fee)
        for entry in record.entries:
            if entry.account in TRADED and self.route is not None and entry.currency == self.route.foreign.counter:
                self._drift -= entry.delta

    def _anchor(self, record: AnchorSet) -> None:
        now = {holding.currency: holding.total for holding in record.holdings}
        if self.holdings:
            for currency in now.keys() | self.holdings.keys():
                missed = now.get(currency, ZERO) - self.holdings.get(currency, ZERO)
                self.rebase_differences[currency] = self.rebase_differences.get(currency, ZERO) + missed
        self.holdings, self._drift = now, ZERO

    def _add(self, currency: str, delta: Decimal) -> None:
        self.holdings[currency] = self.holdings.get(currency, ZERO) + delta

    def _once(self, seen: set[Key], key: Key, what: str) -> None:
        if key in seen:
            self.broken.append(f"{what} {key[0]} of {key[1]} was booked twice")
        seen.add(key)


def tally(path: Path, trade: TradeRules, spikes: tuple[Span, ...] = ()) -> Tally:
    """Read a journal from beginning to end, one record at a time. Raises JournalRefused, which names the path."""
    counts = Tally(trade.net_floor, trade.fx_policy, spikes)
    with read_journal(path) as (meta, lines):
        counts.mode = meta["mode"]
        try:
            for line in lines:
                counts.take(line.record)
        except (StateError, LedgerError) as error:
            raise JournalRefused(f"{path}: damaged: {error}") from error
    return counts
