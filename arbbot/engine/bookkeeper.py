"""The ledger against the venue: rows in, statements agreed, differences never explained away.

A *reading* is the sandwich rows - balances - rows with no new row in between, taken only when nothing is open, in
doubt or unconfirmed. The first one anchors the ledger; every later one must equal it.

The row of something that the balances contain may come later, by the venue's lag. A ledger that is compared bears it:
the difference goes with the next reading. An anchor does not, its row would be booked on top of balances that hold it:
so an anchor's last rows are read a lag after its balances, and must be those that were read before them.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from arbbot.domain.commands import Topic
from arbbot.domain.events import AskFailed, BalancesFetched, OrderReported, TransactionsFetched
from arbbot.domain.market import Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ZERO, decimals_of
from arbbot.domain.order import Balance, Fill, FillKey, RowKey, Transaction
from arbbot.domain.records import (
    AnchorSet,
    CurrencyStatement,
    Discrepancy,
    Holding,
    MarkSet,
    Price,
    RowBooked,
    StatementAgreed,
)
from arbbot.engine import rebasing
from arbbot.engine.attribution import Attribution
from arbbot.engine.bookings import external_entries, shows, trade_entries
from arbbot.engine.core import Core, ns
from arbbot.engine.missing import ROWS_TOLD, MissingRows
from arbbot.engine.statement import differences, explained
from arbbot.engine.tracker import OrderTracker
from arbbot.engine.transit import book_transit, call_if_absent, owner_by_report, settlement_entries, settling
from arbbot.engine.unread import Unread
from arbbot.engine.view import NEVER

CATCH_UP_S = (Decimal("0.1"), Decimal("0.25"), Decimal("0.5"), Decimal(1), Decimal(2))
"""Pauses between transaction polls while a fill waits for its row; the last repeats."""


class Reading(StrEnum):
    """How far the present sandwich is."""

    IDLE = "idle"
    ROWS_BEFORE = "rows_before"
    BALANCES = "balances"
    ROWS_AFTER = "rows_after"
    """Asked, or due: an anchor waits for them."""


class Bookkeeper:
    """Owns the transaction cursor, the sandwich and the attribution of rows."""

    def __init__(self, core: Core, tracker: OrderTracker) -> None:
        self._core = core
        self._tracker = tracker
        self._reading = Reading.IDLE
        self._ask_id: int | None = None
        self._before: tuple[int, frozenset[FillKey]] = (0, frozenset())
        """When the reading began: the newest row, and the fills without a row."""
        self._balances: tuple[Balance, ...] = ()
        self._polls = 0
        self._next_poll_ns = NEVER
        self._unowned = Attribution(core)
        self._unread = Unread(core)
        self._recent: dict[RowKey, int] = dict(core.state.rows)
        """Booked rows young enough to be read again, and their UTC microseconds."""
        self._difference: tuple[tuple[Holding, ...], int] | None = None
        self._difference_told = False
        self._foreign_rows: list[Transaction] = []
        """Rows booked as external that nobody was told of yet."""
        self._missing = MissingRows(core, self._unowned)
        self.balances: dict[str, Balance] = {}
        """As the venue last said."""
        self.heard_ns = NEVER
        """When one of its questions was last answered, or failed."""
        self.concluded = False
        """A whole reading has agreed in this process."""
        self.differs: str | None = None
        """What was told to a person and has not been equal since."""
        self.agreed_utc_us: int | None = None
        """When the last one did, whether or not anything had changed."""
        self.difference: dict[str, Decimal] = {}
        """Venue minus ledger (rounding in), of the last reading."""

    # --- time ----------------------------------------------------------------------------------------------

    def hurry(self) -> None:
        """Something filled or ended: read the rows now. An anchor that waits for its last rows begins anew."""
        self._polls = 0
        self._next_poll_ns = self._core.at.mono_ns
        if self._ask_id is None:
            self._reading = Reading.IDLE

    def rebase(self, who: str, reason: str) -> None:
        """The venue's balances become the opening at the next quiet moment; a reading under way began as another."""
        rebasing.ask(self._core, who, reason)
        self._ask_id = None
        self.hurry()

    def tick(self) -> None:
        """Start a reading or a catch-up poll when due; look up unknown rows, and alert on missing ones."""
        self._unowned.tick()
        rebasing.expire(self._core)
        self._missing.tick()
        if self._ask_id is not None or self._core.at.mono_ns < self._next_poll_ns:
            return
        if self._reading is not Reading.ROWS_AFTER:
            self._reading = Reading.ROWS_BEFORE if self._quiet() else Reading.IDLE
        self._ask_rows()

    def _quiet(self) -> bool:
        state = self._core.state
        if state.live or state.open_hedge_id or settling(self._core):
            return False
        return state.rebase_asked is not None or not (state.unconfirmed or len(self._unowned))

    def _ask_rows(self) -> None:
        state = self._core.state
        since: int | None = None
        if state.anchor is not None:
            since = max(self._overlap_start(), 1)
        self._ask_id = self._core.ask(Topic.TRANSACTIONS, since_id=since)

    def _overlap_start(self) -> int:
        """Where to read from: the newest row that is older than the overlap. What lies above it may still come late,
        with a lower id than rows already seen.
        """
        anchor = self._core.state.anchor
        assert anchor is not None
        if not self._recent:
            return max(anchor.cursor, self._core.state.rows_forgotten_to)
        floor_us = max(self._recent.values()) - ns(self._core.rules.account.overlap_s) // 1000
        older = [row_id for (row_id, _), utc_us in self._recent.items() if utc_us < floor_us]
        start = max(older, default=max(anchor.cursor, self._core.state.rows_forgotten_to))
        self._recent = {key: utc_us for key, utc_us in self._recent.items() if key[0] >= start}
        return start

    def _schedule(self, *, again: bool) -> None:
        """Catch up soon while something is missing, else wait for the next regular poll."""
        core = self._core
        pause = core.rules.account.poll_s
        if again:
            pause = CATCH_UP_S[min(self._polls, len(CATCH_UP_S) - 1)]
            self._polls += 1
        else:
            self._polls = 0
        self._ask_id = None
        self._reading = Reading.IDLE
        self._next_poll_ns = core.at.mono_ns + ns(pause)

    # --- answers -------------------------------------------------------------------------------------------

    def transactions(self, event: TransactionsFetched) -> None:
        """Book new rows; then go on with the sandwich, if this answer belongs to it."""
        new = 0 if self._core.state.anchor is None else self._book(event.rows)
        if event.ask_id != self._ask_id:
            return
        self.heard_ns = self._core.at.mono_ns
        newest = max((row.transaction_id for row in event.rows), default=0)
        now = (newest, frozenset(self._core.state.unconfirmed))
        if self._reading is Reading.ROWS_BEFORE and self._quiet():
            self._before = now
            self._reading = Reading.BALANCES
            self._ask_id = self._core.ask(Topic.BALANCES)
            return
        self._unread.read()
        if self._reading is Reading.ROWS_AFTER and self._quiet() and not new and now == self._before:
            self._conclude()
        else:
            self._schedule(again=not self._core.state.agreed)

    def balances_fetched(self, event: BalancesFetched) -> None:
        """The middle of the sandwich. An anchor's last rows are read when no late one can be missing any more."""
        self.balances = {balance.currency: balance for balance in event.balances}
        if event.ask_id != self._ask_id:
            return
        self.heard_ns = self._core.at.mono_ns
        self._balances = event.balances
        self._reading = Reading.ROWS_AFTER
        if self._core.anchoring:
            self._ask_id = None
            self._next_poll_ns = self._core.at.mono_ns + ns(self._core.rules.account.lag_s)
        else:
            self._ask_rows()

    def ask_failed(self, event: AskFailed) -> None:
        """Try again soon; a broken sandwich says nothing."""
        if event.ask_id == self._ask_id:
            self.heard_ns = self._core.at.mono_ns
            self._schedule(again=True)
        self._unread.failed(event)
        self._unowned.ask_failed(event)

    # --- rows ----------------------------------------------------------------------------------------------

    def _book(self, rows: tuple[Transaction, ...]) -> int:
        """Book every row not seen before; returns how many were new."""
        state, new = self._core.state, 0
        for row in sorted(rows, key=lambda each: each.transaction_id):
            if state.is_booked(row.key) or row.key in self._unowned:
                continue
            if self._awaits_its_fill(row):
                continue
            new += 1
            self._book_row(row)
        self._after_rows()
        return new

    def _after_rows(self) -> None:
        """Let the others know of rows without an owner, and a person of foreign ones, all in one breath."""
        core = self._core
        core.unattributed = len(self._unowned)
        if not self._foreign_rows:
            return
        shown = "; ".join(
            f"{row.transaction_id} (type {row.kind}): " + ", ".join(f"{delta} {name}" for name, delta in row.amounts)
            for row in self._foreign_rows[:ROWS_TOLD]
        )
        told = f"{len(self._foreign_rows)} transaction rows are not ours: {shown}"
        if any(row.market == core.route.fx.symbol for row in self._foreign_rows):
            told += f"; a conversion by hand lessens no {core.route.foreign.counter} drift: `arbbot rebase` does"
        self._foreign_rows.clear()
        core.alert(Severity.WARNING, "external_row", told)
        core.restrict(Mode.PAUSED, f"{told}; acknowledge with `arbbot resume`")

    def _book_row(self, row: Transaction) -> None:
        settlements = self._core.state.settlements
        client_order_id = self._core.state.order_of_row(row)
        lag_us = ns(self._core.rules.account.lag_s) // 1000
        name = settlements.order_of_row(row) or settlements.withdrawal_of_row(row, lag_us)
        if client_order_id is not None:
            self._book_own(row, client_order_id)
        elif name is not None:
            self._book_settlement(row, name)
        elif row.is_trade and (row.market in self._core.route.symbols or settlements.may_trade(row.market)):
            self._unowned.add(row)
            if self._core.state.agreed:
                held = tuple(Holding(currency, delta) for currency, delta in row.amounts)
                self._core.emit(Discrepancy(held, False, self._core.at.utc_us))
        else:
            self._book_external(row)

    def _awaits_its_fill(self, row: Transaction) -> bool:
        """True for a rounded row of a live order on the FX market before its fill is known: rows show money with fewer
        digits than it is traded in, and the true size comes with the order's next status.
        """
        state, fx = self._core.state, self._core.route.fx
        name = state.order_of_row(row)
        if row.market != fx.symbol or name not in state.live or (row.transaction_id, name) in state.fills:
            return False
        return decimals_of(dict(row.amounts).get(fx.base, ZERO)) < fx.base_decimals

    def _book_own(self, row: Transaction, client_order_id: str) -> None:
        core, order = self._core, self._core.state.orders[client_order_id]
        market = core.route.instrument(order.terms.market)
        base = market.base
        shown = dict(row.amounts).get(base, ZERO)
        size = abs(shown)
        if (shown > 0) != (order.terms.side is Side.BUY) or row.price is None:
            self._contradiction(f"row {row.transaction_id} does not fit {client_order_id}")
            self._book_external(row)
            return
        fill = Fill(row.transaction_id, order.terms.market, order.terms.side, size, row.price, row.fee)
        if row.order_id is not None:
            self._tracker.row_seen(order, row.order_id)
        held = core.state.fills.get((row.transaction_id, client_order_id))
        if held is None:
            self._tracker.book_fill(order, fill, "row")
            self._tracker.full(order)
        elif held.size != size and (market is not core.route.fx or not shows(size, held.size)):
            self._contradiction(f"row {row.transaction_id} says {size}, its fill said {held.size}")
        self._emit_row(RowBooked(row, client_order_id, trade_entries(row), core.at.utc_us))

    def _emit_row(self, record: RowBooked) -> None:
        self._core.emit(record)
        self._recent[record.row.key] = record.row.utc_us

    def _contradiction(self, text: str) -> None:
        self._core.alert(Severity.CRITICAL, "row_contradiction", text)
        self._core.restrict(Mode.HALTED, text)

    def _book_settlement(self, row: Transaction, name: str) -> None:
        withdrawal = self._core.state.settlements.withdrawals.get(name)
        if withdrawal is not None:
            call_if_absent(self._core, withdrawal)
        self._emit_row(RowBooked(row, name, settlement_entries(self._core.state, name, row), self._core.at.utc_us))

    def _book_external(self, row: Transaction) -> None:
        self._emit_row(RowBooked(row, None, external_entries(row), self._core.at.utc_us))
        self._foreign_rows.append(row)

    def reported(self, event: OrderReported) -> None:
        """`order_status` answered: rows that waited for it find their owner, or none."""
        for row, owner in self._unowned.reported(event):
            name = owner_by_report(self._core, row, event.report) if owner is None else None
            if name is not None:
                self._book_settlement(row, name)
            elif owner is None:
                self._book_external(row)
            elif not self._awaits_its_fill(row):
                self._book_own(row, owner)
        self._after_rows()

    # --- statements ----------------------------------------------------------------------------------------

    def _conclude(self) -> None:
        """A whole sandwich at a quiet moment: anchor, agree or differ."""
        core = self._core
        if core.anchoring:
            self.differs = None
            self._anchor()
            self.concluded = True
            self._schedule(again=False)
            return
        book_transit(core, self._balances)
        found = differences(core, self._balances)
        self.difference = {holding.currency: holding.total for holding in found}
        beyond = tuple(each for each in found if each.total and not explained(core, self._balances, each))
        if not beyond:
            self._difference = self.differs = None
            self.agreed_utc_us = core.at.utc_us
            self._agree(found)
            self.concluded = True
            self._schedule(again=False)
            return
        self._differ(beyond)
        self._schedule(again=self._core.state.mode is not Mode.HALTED)

    def _agree(self, found: tuple[Holding, ...]) -> None:
        core = self._core
        if core.state.agreed and not any(holding.total for holding in found):
            return
        shown = {balance.currency: balance.total for balance in self._balances}
        lines = tuple(
            CurrencyStatement(holding.currency, shown.get(holding.currency, ZERO), holding.total) for holding in found
        )
        core.emit(StatementAgreed(lines, core.at.utc_us))
        self.difference = {holding.currency: ZERO for holding in found}

    def _differ(self, beyond: tuple[Holding, ...]) -> None:
        """One reading may catch the venue in between; two, a lag apart and alike, are a fact."""
        core, now_ns = self._core, self._core.at.mono_ns
        if self._difference is None or self._difference[0] != beyond:
            self._difference = (beyond, now_ns)
            self._difference_told = False
            core.emit(Discrepancy(beyond, False, core.at.utc_us))
            return
        if now_ns - self._difference[1] < ns(core.rules.account.lag_s) or self._difference_told:
            return
        self._difference_told = True
        core.emit(Discrepancy(beyond, True, core.at.utc_us))
        told = ", ".join(f"{holding.total:+} {holding.currency}" for holding in beyond)
        self.differs = f"venue minus ledger: {told}"
        core.alert(Severity.CRITICAL, "ledger_difference", self.differs)
        core.restrict(Mode.HALTED, f"the ledger differs from the venue: {told}")

    def _anchor(self) -> None:
        core = self._core
        asked = core.state.rebase_asked
        if core.state.anchor is not None:
            book_transit(core, self._balances)
        cause, who, reason = ("rebase", asked.who, asked.reason) if asked else ("opening", "arbbot", "first start")
        shown = {balance.currency: balance.total for balance in self._balances}
        holdings = tuple(Holding(currency, shown.get(currency, ZERO)) for currency in self._anchor_currencies(shown))
        cursor = max(self._before[0], 0 if core.state.anchor is None else core.state.anchor.cursor)
        # A fill whose row is late is in these balances already.
        cursor = max(cursor, max((trade_id for trade_id, _ in core.state.unconfirmed), default=0))
        core.emit(AnchorSet(holdings, cursor, cause, who, reason, core.at.utc_us))
        self._recent.clear()
        self._unowned.clear()
        core.unattributed = 0
        self._difference = None
        self.difference = {holding.currency: ZERO for holding in holdings}

    def _anchor_currencies(self, shown: dict[str, Decimal]) -> list[str]:
        held = {currency for currency, total in shown.items() if total}
        return sorted(held | set(self._core.route.currencies))

    def mark(self) -> bool:
        """Note the prices: the first after an anchor are the zero of the float's revaluation, the last its end. False
        while there is nothing to note.
        """
        core = self._core
        if core.state.anchor is None:
            return False
        base, fx = core.view.mid(core.route.domestic.symbol), core.view.mid(core.route.fx.symbol)
        if base is not None and fx is not None:
            prices = (Price(core.route.base, base), Price(core.route.foreign.counter, fx))
            core.emit(MarkSet(prices, core.at.utc_us))
            return True
        return False
