"""S3 and S4: every fill and row is the venue's, once; the ledger adds up to what the venue shows."""

from __future__ import annotations

from decimal import Decimal

from arbbot.exchange.matching import Side
from arbbot.exchange.rules import Booking
from arbbot.exchange.withdrawals import RequestStatus
from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.leaving import BUYS, THEIRS
from tests.sim.checker.limits import Limits
from tests.sim.checker.report import Report
from tests.sim.checker.treasury import TreasuryJudge
from tests.sim.checker.truth import Truth

ZERO = Decimal(0)


class MoneyJudge:
    """Looks at bookings before, and at statements after they are folded."""

    def __init__(self, limits: Limits, fold: Fold, truth: Truth, treasury: TreasuryJudge, report: Report) -> None:
        self._limits = limits
        self._treasury = treasury
        self._fold = fold
        self._truth = truth
        self._report = report
        self._read: dict[str, Decimal] = {}
        """Totals of the balances that the process asked for last, of those it was answered."""
        self._asked_ns = 0

    def began(self) -> None:
        """A process starts."""
        self._asked_ns = 0

    def balances_read(self, totals: dict[str, Decimal], asked_ns: int) -> None:
        """A balances reply reached the process; one that is overtaken by the reply to a later question is old."""
        if asked_ns >= self._asked_ns:
            self._read, self._asked_ns = totals, asked_ns

    def before(self, kind: str, line: Json) -> None:
        """A booking that is about to be folded."""
        if kind == "fill_booked":
            self._fill(line)
        elif kind == "row_booked":
            self._row(line)

    def after(self, kind: str, line: Json) -> None:
        """A statement that has been folded."""
        if kind in ("statement_agreed", "anchor_set"):
            self._statement(kind)
        if kind == "anchor_set" and self._limits.views_in_time:
            self._opening()
        if kind == "statement_agreed":
            for currency, rounding in self._fold.rounding.items():
                cap = self._limits.dust_cap if currency == self._truth.base else self._limits.rounding_cap
                if abs(rounding) > cap:
                    self._report.fail("S4", f"the rounding account of {currency} holds {rounding}")

    def look(self) -> None:
        """At the venue, at any instant: of a total, what is not available backs orders and withdrawals that may still
        take it, and nothing else does.
        """
        held: dict[str, Decimal] = {}
        for order in self._truth.account.orders.values():
            spec = self._truth.venue.spec(order.market)
            currency = spec.counter if order.side is Side.BUY else spec.base
            held[currency] = held.get(currency, ZERO) + order.reserved
        if self._truth.venue.rules.withdrawal_booking is Booking.RESERVED:
            for request in self._truth.venue.withdrawals.of(self._truth.account):
                open_still = request.status in (RequestStatus.OPEN, RequestStatus.IN_PROCESS)
                held[request.currency] = held.get(request.currency, ZERO) + (request.leaves if open_still else ZERO)
        for currency, balance in self._truth.account.balances.items():
            reserved, available = held.get(currency, ZERO), balance.available
            if available < 0 or available + reserved != balance.total:
                text = f"{available} {currency} available and {reserved} held are not the venue's {balance.total}"
                self._report.fail("S4", text)

    def _fill(self, line: Json) -> None:
        fill, name = line["fill"], line["client_order_id"]
        trade_id = fill["trade_id"]
        if (trade_id, name) in self._fold.fills:
            self._report.fail("S3", f"trade {trade_id} of {name} is booked twice")
        known = self._truth.fills.get((trade_id, name))
        if known is None:
            self._report.fail("S3", f"trade {trade_id} of {name} is not known to the venue")
            return
        told = (fill["market"], fill["side"], Decimal(fill["size"]))
        true = (known.market, known.side, known.size)
        if told != true or Decimal(fill["price"]) != known.price:
            self._report.fail("S3", f"trade {trade_id} is booked as {told} at {fill['price']}, it was {true}")

    def _row(self, line: Json) -> None:
        row, told = line["row"], line["client_order_id"]
        row_id, key = row["transaction_id"], (row["transaction_id"], row["order_id"])
        if key in self._fold.rows or row_id <= self._fold.cursor:
            self._report.fail("S3", f"row {row_id} is booked twice, or was in the opening")
        sums: dict[str, Decimal] = {}
        for entry in line["entries"]:
            sums[entry["currency"]] = sums.get(entry["currency"], ZERO) + Decimal(entry["delta"])
        if any(sums.values()):
            self._report.fail("S4", f"row {row_id} is booked out of balance: {sums}")
        true = self._truth.row(key)
        if true is None:
            self._report.fail("S3", f"row {row_id} is not known to the venue")
            return
        owner = self._truth.owner(true) or self._treasury.owner(true, told)
        if owner != told:
            self._report.fail("S3", f"row {row_id} is booked for {told}, it is {owner}'s")
        settled = told is not None and told.startswith(THEIRS)
        if told is not None and not settled and (row_id, told) not in self._fold.fills:
            self._report.fail("S3", f"row {row_id} is booked for {told}, its fill is not")
        if not settled or true.market is not None:  # what left before its row is booked from where it was in transit
            self._amounts(row_id, line, dict(true.amounts), true.fee, trade=true.market is not None)

    def _amounts(self, row_id: int, line: Json, amounts: dict[str, Decimal], fee: Decimal, *, trade: bool) -> None:
        """What is booked equals the row, to half a displayed unit in the counter currency of a trade."""
        booked: dict[str, Decimal] = {}
        for entry in line["entries"]:
            if entry["account"] == "venue":
                booked[entry["currency"]] = booked.get(entry["currency"], ZERO) + Decimal(entry["delta"])
        true = dict(amounts)
        paid = line["row"]["fee_currency"]
        if paid is not None:
            true[paid] = true.get(paid, ZERO) - fee
        half = Decimal(1).scaleb(-self._limits.row_decimals) / 2
        for currency in sorted(true.keys() | booked.keys()):
            room = half if trade and currency == paid else ZERO
            if abs(true.get(currency, ZERO) - booked.get(currency, ZERO)) > room:
                text = f"row {row_id} books {booked.get(currency)} {currency}, the venue {true.get(currency)}"
                self._report.fail("S4", text)

    def _statement(self, kind: str) -> None:
        """At quiescence the ledger is what the venue showed, exactly."""
        for currency, owned in self._fold.owned.items():
            if self._read.get(currency, ZERO) != owned:
                text = f"{kind}: the ledger has {owned} {currency}, the reply said {self._read.get(currency)}"
                self._report.fail("S4", text)
            elif not self._truth.was_shown(currency, owned):
                self._report.fail("S4", f"{kind}: {owned} {currency} was not the venue's of late")

    def _opening(self) -> None:
        """An opening holds every row up to its cursor and none above: those will be booked on top of it."""
        held = self._truth.held_by(self._fold.cursor)
        for currency, owned in self._fold.owned.items():
            if currency == BUYS and self._treasury.caps is not None:
                continue  # what is in transit has left the balance, and no row says so
            if held.get(currency, ZERO) != owned:
                text = f"the opening has {owned} {currency}, rows up to {self._fold.cursor} make {held.get(currency)}"
                self._report.fail("S4", text)

    def all_fills(self) -> None:
        """Every fill of the venue's is booked, but what went against its word and may be news still."""
        for (trade_id, name), fill in self._truth.fills.items():
            if self._truth.is_news(fill):
                continue
            if trade_id > self._fold.cursor and (trade_id, name) not in self._fold.fills:
                self._report.fail("S3", f"trade {trade_id} of {name} was never booked")

    def all_rows(self, *, lag_us: int, now_us: int) -> None:
        """Every row that the venue has shown for longer than this is booked."""
        fold = self._fold
        for row in self._truth.rows():
            name = (row.row_id, row.order_id)
            shown_us = max(row.at_us, self._truth.hidden_until_us.get(name, 0))
            if not (row.row_id <= fold.cursor or name in fold.rows) and shown_us < now_us - lag_us:
                self._report.fail("L6", f"row {row.row_id} of type {row.row_type} was never booked")
