"""A treasury at the rig's door: asks for the lease, announces, and moves money at the played venue."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from arbbot.domain import lease_words as words
from arbbot.domain.lease import LeaseDenied
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import OrderKind, OrderTerms, Purpose, Transaction, VenueOrderStatus
from tests.engine.played_venue import Placed
from tests.engine.rig import D, Rig, rules
from tests.engine.scenes import hedge

CONVERTING = rules(band=D(1), retry_s=D(1))
"""Whatever a hedge leaves is converted at once, so that its profit is closed."""
TUSD = "USDT"


def with_profit(rig: Rig) -> Rig:
    """One hedge, its euros converted, and a statement that agreed: some twenty dollars of closed profit."""
    hedge(rig)
    rig.run(12)
    assert rig.state.agreed
    assert rig.state.foreign.open_pnl == 0
    assert rig.engine.lease.figures("USD").size > 20
    return rig


@dataclass(slots=True)
class Treasurer:
    """What it does at the daemon's door and at the venue. Everything is called by one name unless told otherwise."""

    rig: Rig
    lease: str | None = None
    taken: dict[str, Decimal] = field(default_factory=dict)
    pays: str = "USD"
    """What its conversions are paid with."""

    def denials(self) -> list[str]:
        return [each.reason for each in self.rig.all(LeaseDenied)]

    def ask(self) -> bool:
        self.rig.step(words.LeaseAsked("treasury", "settle"))
        held = self.rig.state.settlements.lease
        self.lease = None if held is None else held.lease_id
        return held is not None

    def order(self, name: str = "t-c1", size: str = "20", price: str = "1.001", fee: str = "0.0004") -> bool:
        before = len(self.denials())
        self.rig.step(words.OrderAnnounced(self.lease or "none", name, TUSD, self.pays, D(size), D(price), D(fee)))
        return len(self.denials()) == before

    def trade(
        self, name: str = "t-c1", size: str = "20", price: str = "1", lag_s: int = 0, decimals: int = 8,
        side: Side = Side.BUY, age_s: int = 0,
    ) -> int:  # fmt: skip
        """The order fills at the venue, so long ago; returns its id there. One without a name is a person's."""
        venue, bought, total = self.rig.venue, D(size) * side.sign, D(size) * D(price) * side.sign
        fee = (abs(total) * D("0.0004")).quantize(D("0.00001"))
        market = f"{TUSD}{self.pays}"
        terms = OrderTerms(name, "", Purpose.CONVERT, market, side, OrderKind.IOC, D(size), D(price), None)
        placed = Placed(terms, venue.mint(), 0, status=VenueOrderStatus.FINISHED)
        venue.orders.append(placed)
        venue.totals[TUSD] = venue.totals.get(TUSD, D(0)) + bought
        venue.totals[self.pays] -= total + fee
        unit = D(1).scaleb(-decimals)
        shown = ((TUSD, bought.quantize(unit)), (self.pays, (-total).quantize(unit)))
        row_id, utc_us = venue.mint(), self.rig.at.utc_us - age_s * 10**6
        row = Transaction(row_id, utc_us, 2, shown, fee, self.pays, placed.venue_order_id, market, D(price))
        venue.rows.append((self.rig.at.mono_ns + lag_s * 10**9, row))
        return placed.venue_order_id

    def over(self, name: str = "t-c1", filled: str = "20") -> None:
        self.rig.step(words.SettlementWord(name, "over", None, D(filled), "done"))

    def request(self, name: str = "t-w1", size: str = "15", fee: str = "5") -> bool:
        before = len(self.denials())
        self.rig.step(words.RequestAnnounced(self.lease or "none", name, TUSD, D(size), D(fee), "ethereum"))
        return len(self.denials()) == before

    def told(self, outcome: str, name: str = "t-w1") -> None:
        self.rig.step(words.SettlementWord(name, outcome, 77, None, "as the venue says"))

    def leave(self, size: str = "15", fee: str = "5", *, row: bool = True, lag_s: int = 0) -> None:
        """The money leaves the balance at the venue, with its row, late, or without one."""
        self.rig.venue.totals[TUSD] -= D(size) + D(fee)
        if row:
            self.write(-D(size), D(fee), lag_s=lag_s)

    def write(self, delta: Decimal, fee: Decimal = ZERO, *, kind: int = 1, lag_s: int = 0) -> None:
        """A row alone."""
        venue = self.rig.venue
        row = Transaction(venue.mint(), self.rig.at.utc_us, kind, ((TUSD, delta),), fee, TUSD, None, None, None)
        venue.rows.append((self.rig.at.mono_ns + lag_s * 10**9, row))

    def release(self) -> None:
        self.rig.step(words.LeaseReleased(self.lease or "none", "treasury", "done"))

    def converted(self) -> Treasurer:
        """With twenty USDT at hand, under a lease, everything agreed."""
        with_profit(self.rig)
        assert self.ask()
        assert self.order(), self.denials()
        self.trade()
        self.over()
        self.rig.run(3)
        assert self.rig.state.agreed
        return self

    def on(self, account: LedgerAccount, currency: str = TUSD) -> Decimal:
        """A balance of the ledger."""
        return self.rig.state.ledger.balance(account, currency)
