"""What settlements have announced and done: part of the durable state, a fold of their records and rows.

Money that a settlement moves is no trading and nobody else's either: it stands on the ledger's TREASURY account, and on
TRANSIT between its leaving the balance and its row. Names are the treasury's own: client order ids, and the names of
withdrawals.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import ROUND_UP, Decimal
from itertools import combinations, product

from arbbot.domain import lease as rec
from arbbot.domain.ledger import Entry, LedgerAccount
from arbbot.domain.money import ZERO, decimals_of, unit
from arbbot.domain.order import Transaction

KEPT = 200
"""Orders and withdrawals that are over and kept in memory; older ones are in the journal only."""
UNROWED_MOST = 8
"""Withdrawals announced, not refused, and without a row, before no more may be announced."""
FULL_DECIMALS = 5
"""Markets of currencies trade in so many; rows may show fewer."""
_CENT_OF_CENTS = Decimal("1e-10")
ENDED = frozenset({"finished", "refused", "returned"})
DAY_US = 86_400_000_000


@dataclass(slots=True)
class AnnouncedOrder:
    """One conversion of a settlement."""

    announced: rec.SettlementOrderAnnounced
    venue_id: int | None = None
    filled: Decimal | None = None
    """What the treasury says has filled, once it is over."""
    rowed: Decimal = ZERO
    """Base units of its booked rows."""
    slack: Decimal = ZERO
    """How much their display can hide; all of it once the ledger has begun anew, for its opening holds what filled."""
    paid: Decimal = ZERO
    """Of the paying currency by its booked rows, fees in."""
    counted: Decimal | None = ZERO
    """What of it stands in `Settlements.spent`; None for one from before the anchor."""

    @property
    def complete(self) -> bool:
        """Over, and every fill booked."""
        return self.filled is not None and self.rowed >= self.filled - self.slack


@dataclass(slots=True)
class AnnouncedWithdrawal:
    """One withdrawal of a settlement."""

    announced: rec.WithdrawalAnnounced
    outcome: str = "announced"
    venue_id: int | None = None
    out: Decimal | None = None
    """What has left the balance, and no row says so."""
    rowed: Decimal | None = None
    """What its booked row took, fee in."""
    back: bool = False
    """It came back after its row."""
    held: Decimal | None = None
    """What a row brought that can be its return, or a deposit of as much: in transit until the venue calls this one
    returned or finished.
    """
    strange: Decimal | None = None
    """The same, booked as somebody else's: the venue had called it finished, and may reverse it."""
    told_venue_us: int | None = None
    """When the treasury last said what became of it, by the venue's clock; None where that was not known."""
    told_latest_us: int = 0
    """The latest that this can have been."""
    against: LedgerAccount = LedgerAccount.TRANSIT
    """What its leaving is booked against. Where the ledger began anew meanwhile: TREASURY if it was out, for the
    opening holds what was left; EXTERNAL if it was still to leave, for the opening holds it as principal.
    """

    @property
    def total(self) -> Decimal:
        """The most that leaves the balance: the fee on top."""
        return self.announced.size + self.announced.fee

    @property
    def takes(self) -> tuple[Decimal, ...]:
        """What may leave the balance: no source tells whether the fee comes on top or out of it."""
        return tuple(dict.fromkeys((self.total, self.announced.size)))

    @property
    def unrowed(self) -> bool:
        """It may take money of which no row has told yet."""
        return self.rowed is None and (self.out is not None or self.outcome not in ("refused", "returned"))


@dataclass(slots=True)
class Settlements:
    """Everything about settlements that must survive the process."""

    lease: rec.LeaseGranted | None = None
    leases_granted: int = 0
    orders: dict[str, AnnouncedOrder] = field(default_factory=dict)
    withdrawals: dict[str, AnnouncedWithdrawal] = field(default_factory=dict)
    order_by_venue_id: dict[int, str] = field(default_factory=dict)
    spent: Decimal = ZERO
    """Numeraire of profit that conversions took since the anchor: by their rows where all have come, else the worst."""

    # --- questions -----------------------------------------------------------------------------------------

    def owns(self, name: str | None) -> bool:
        """Whether a row's owner is one of these."""
        return name in self.orders or name in self.withdrawals

    def open_orders(self) -> list[AnnouncedOrder]:
        """Orders that the treasury has not called over, or whose fills have not all been booked."""
        return [order for order in self.orders.values() if not order.complete]

    def awaits_rows(self) -> bool:
        """Whether an order is called over of whose fills not all rows have come."""
        return any(order.filled is not None for order in self.open_orders())

    def unrowed(self, currency: str | None = None) -> list[AnnouncedWithdrawal]:
        """Withdrawals that may take money of which no row has told yet."""
        return [each for each in self.of(currency) if each.unrowed]

    def of(self, currency: str | None) -> list[AnnouncedWithdrawal]:
        """Withdrawals of a currency; None for all."""
        return [each for each in self.withdrawals.values() if currency in (None, each.announced.currency)]

    def may_trade(self, market: str | None) -> bool:
        """Whether a trade row of this market can be a settlement's."""
        return any(order.announced.market == market for order in self.orders.values())

    def order_of_row(self, row: Transaction) -> str | None:
        """The announced order behind a trade row, where its venue id is known."""
        return None if row.order_id is None else self.order_by_venue_id.get(row.order_id)

    def withdrawn_on(self, currency: str, utc_us: int) -> Decimal:
        """What withdrawals announced on a moment's UTC day take of a currency; a refused one never existed."""
        return sum(
            (
                each.total
                for each in self.of(currency)
                if each.announced.utc_us // DAY_US == utc_us // DAY_US and each.outcome != "refused"
            ),
            ZERO,
        )

    def withdrawal_of_row(self, row: Transaction, lag_us: int) -> str | None:
        """The announced withdrawal that a row takes to the venue or brings back, to the unit; None for other rows.

        Nothing about a row tells a return from a deposit: one that the venue has called finished does not come back.
        The leaving of one that has come back may be read after that word, and when another of the same size is under
        way, but was before both: by the venue's clock, to the moment where one fits so, else give or take the lag.
        """
        if row.is_trade or len(row.amounts) != 1:
            return None
        (currency, delta), fee = row.amounts[0], row.fee
        of_currency = [(name, each) for name, each in self.withdrawals.items() if each.announced.currency == currency]
        if delta > 0:
            back = [(name, each) for name, each in of_currency if _returns(each, delta - fee) and each.held is None]
            told = (name for name, each in back if each.outcome == "returned")
            awaited = (name for name, each in back if each.outcome != "finished")
            return next(told, None) or next(awaited, None)
        gone = [
            (name, each)
            for name, each in of_currency
            if each.rowed is None and -delta + fee in (*each.takes, each.announced.size + fee)
        ]
        waiting = [(name, each) for name, each in gone if each.unrowed]
        returned = [(name, each) for name, each in gone if each.outcome == "returned"]
        for slack_us in (0, lag_us):
            for name, each in waiting:
                sent_us = each.announced.venue_utc_us
                if sent_us is not None and sent_us <= row.utc_us + slack_us:
                    return name
            for name, each in returned:
                told_us = each.told_latest_us if slack_us else each.told_venue_us
                if told_us is not None and row.utc_us - slack_us <= told_us:
                    return name
        return next((name for name, _ in waiting), None)  # the venue's time may not have been known, or told wrongly

    def explaining(
        self, currency: str, difference: Decimal, slack: Decimal
    ) -> list[tuple[AnnouncedWithdrawal, Decimal]]:
        """The withdrawals whose leaving (or coming back without a row) makes venue minus ledger this difference, within
        a slack of display, each with its share; the fewest that do. Empty where none do.
        """
        moved = [
            [(each, each.out)] if each.out is not None else [(each, -taken) for taken in each.takes]
            for each in self.unrowed(currency)
        ]
        for count in range(1, min(len(moved), UNROWED_MOST) + 1):
            for chosen in (way for some in combinations(moved, count) for way in product(*some)):
                if abs(difference - sum(delta for _, delta in chosen)) <= slack:
                    return list(chosen)
        return []

    # --- folding -------------------------------------------------------------------------------------------

    def take(self, record: rec.LeaseRecord) -> tuple[Entry, ...]:
        """Take one record in; returns what it books. Raises KeyError for a name nothing has announced."""
        match record:
            case rec.LeaseGranted():
                self.lease, self.leases_granted = record, self.leases_granted + 1
            case rec.LeaseEnded():
                self.lease = None
            case rec.SettlementOrderAnnounced():
                self.orders[record.client_order_id] = AnnouncedOrder(record, counted=record.worst_cost_numeraire)
                self.spent += record.worst_cost_numeraire
                self._forget(record.utc_us)
            case rec.WithdrawalAnnounced():
                self.withdrawals[record.name] = AnnouncedWithdrawal(record)
                self._forget(record.utc_us)
            case rec.SettlementTold():
                self._told(record)
            case rec.TransitBooked():
                gone = -sum(entry.delta for entry in record.entries if entry.account is LedgerAccount.VENUE)
                self.withdrawals[record.name].out = Decimal(gone) if record.out else None
                return record.entries
            case rec.ReturnBooked():
                withdrawal = self.withdrawals[record.name]
                withdrawal.strange = None if record.ours else withdrawal.held
                withdrawal.back, withdrawal.held = record.ours, None
                return record.entries
            case rec.LeaseDenied():
                pass
        return ()

    def _told(self, record: rec.SettlementTold) -> None:
        order = self.orders.get(record.name)
        if order is None:
            withdrawal = self.withdrawals[record.name]
            withdrawal.outcome, withdrawal.told_venue_us = record.outcome, record.venue_utc_us
            withdrawal.told_latest_us = record.latest_utc_us or record.utc_us
            withdrawal.venue_id = withdrawal.venue_id if record.venue_id is None else record.venue_id
            return
        if record.venue_id is not None:
            order.venue_id = record.venue_id
            self.order_by_venue_id[record.venue_id] = record.name
        if record.outcome == "over":
            order.filled = record.filled
            self._count(order)

    def stranger(self, row: Transaction) -> None:
        """A row that was booked as somebody else's: where it can be a return, the venue's word may make it one yet."""
        if row.is_trade or len(row.amounts) != 1:
            return
        (currency, delta), fee = row.amounts[0], row.fee
        for each in self.of(currency):
            if each.strange is None and _returns(each, delta - fee):
                each.strange = delta - fee
                return

    def row(self, name: str, row: Transaction) -> list[tuple[str, Decimal]]:
        """A booked row of one of these; returns how much its display can hide, per currency."""
        withdrawal = self.withdrawals.get(name)
        if withdrawal is not None:
            delta, fee = row.amounts[0][1], row.fee
            if delta > 0 and withdrawal.outcome == "returned":
                withdrawal.back = True
            elif delta > 0:
                withdrawal.held = delta - fee
            else:
                withdrawal.rowed, withdrawal.out = fee - delta, None
            return []
        order, amounts = self.orders[name], dict(row.amounts)
        told = order.announced
        hidden = {
            currency: unit(decimals_of(shown)) / 2
            for currency, shown in row.amounts
            if decimals_of(shown) < FULL_DECIMALS
        }
        base = told.market.removesuffix(told.pays)
        order.rowed += amounts.get(base, ZERO)
        order.slack += hidden.get(base, ZERO)
        order.paid += row.fee - amounts.get(told.pays, ZERO)
        if row.order_id is not None:
            order.venue_id = row.order_id
            self.order_by_venue_id[row.order_id] = name
        self._count(order)
        return [] if order.counted is None else list(hidden.items())

    def _count(self, order: AnnouncedOrder) -> None:
        """Once all is known of an order, what it really cost stands for the worst it could have; a row that comes all
        the same counts too.
        """
        if order.complete and order.counted is not None:
            told = order.announced
            paid = (order.paid * told.worst_cost_numeraire / told.worst_cost).quantize(_CENT_OF_CENTS, ROUND_UP)
            self.spent += paid - order.counted
            order.counted = paid

    def restart(self) -> None:
        """A new opening of the ledger: it holds what was left; profit is counted anew."""
        self.spent = ZERO
        for order in self.orders.values():
            order.counted, order.slack = None, order.announced.size
        for each in self.withdrawals.values():
            each.back = each.back or each.held is not None
            each.held = each.strange = None
            if each.out is not None:
                each.against = LedgerAccount.TREASURY
            elif each.unrowed:
                each.against = LedgerAccount.EXTERNAL

    def _forget(self, utc_us: int) -> None:
        """Drop the oldest that are over; withdrawals of the day count against its cap."""
        while len(self.orders) > KEPT and next(iter(self.orders.values())).complete:
            gone = self.orders.pop(next(iter(self.orders)))
            if gone.venue_id is not None:
                self.order_by_venue_id.pop(gone.venue_id, None)
        while len(self.withdrawals) > KEPT:
            oldest = next(iter(self.withdrawals.values()))
            counts = oldest.outcome != "refused" and oldest.announced.utc_us > utc_us - DAY_US
            if oldest.outcome not in ENDED or counts:
                break
            del self.withdrawals[oldest.announced.name]


def _returns(each: AnnouncedWithdrawal, brought: Decimal) -> bool:
    """Whether so much can be what a withdrawal's row took, come back."""
    return not each.back and brought > 0 and brought == each.rowed
