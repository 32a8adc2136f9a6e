"""Lends a quiet account to the treasury for a bounded time, and judges what it announces by the engine's own figures.

While the lease holds no hedge and no conversion of ours begins. Everything the treasury is about to send is announced
before, so that its rows are known for what they are, whenever they come. Nothing here sends anything.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from arbbot.domain.lease import (
    LeaseDenied,
    LeaseEnded,
    LeaseGranted,
    SettlementOrderAnnounced,
    SettlementTold,
    WithdrawalAnnounced,
)
from arbbot.domain.lease_words import LeaseAsked, LeaseReleased, OrderAnnounced, RequestAnnounced, SettlementWord
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ONE, ZERO
from arbbot.engine import risk
from arbbot.engine.bookkeeper import Bookkeeper
from arbbot.engine.core import Core, ns
from arbbot.engine.refusal import EXPLANATIONS
from arbbot.engine.settlements import UNROWED_MOST, AnnouncedWithdrawal
from arbbot.engine.transit import judge_return
from arbbot.engine.withdrawable import Withdrawable, principal, surplus, withdrawable

ORDER_WORDS = frozenset({"named", "over"})
REQUEST_WORDS = frozenset({"accepted", "finished", "refused", "absent", "returned"})
NEVER_THERE = frozenset({"refused", "absent"})
STUCK = "stuck"


class LeaseDesk:
    """Grants, takes note, ends."""

    def __init__(self, core: Core, books: Bookkeeper) -> None:
        self._core = core
        self._books = books
        self._since_ns: int | None = None
        """When this process first saw the present lease: no step of the wall clock makes it longer."""
        self.handlers: dict[type, Callable[[Any], None]] = {
            LeaseAsked: self.asked,
            LeaseReleased: self.released,
            OrderAnnounced: self.order,
            RequestAnnounced: self.request,
            SettlementWord: self.word,
        }

    # --- the lease -----------------------------------------------------------------------------------------

    def asked(self, event: LeaseAsked) -> None:
        """Grant one, if the account is quiet."""
        core, state = self._core, self._core.state
        problem = self._unfit()
        if problem is None and state.settlements.lease is not None:
            problem = f"{state.settlements.lease.lease_id} has not ended"
        if problem is None:
            refusal = risk.busy(core)
            problem = None if refusal is None else EXPLANATIONS[refusal]
        if problem is not None:
            self._deny("lease", problem)
            return
        lease_id = f"{core.journal_key}-l{state.settlements.leases_granted + 1:05d}"
        until_us = core.at.utc_us + ns(core.rules.account.lease_s) // 1000
        core.emit(LeaseGranted(lease_id, event.who, event.reason, until_us, core.at.utc_us))
        self._since_ns = core.at.mono_ns

    def released(self, event: LeaseReleased) -> None:
        """The treasury gives it back."""
        lease = self._core.state.settlements.lease
        if lease is None or lease.lease_id != event.lease_id:
            self._deny("release", f"{event.lease_id} does not hold")
            return
        self._end(f"released by {event.who}: {event.reason}")

    def tick(self) -> None:
        """End one that has lasted for its time, by either clock."""
        core, lease = self._core, self._core.state.settlements.lease
        if lease is None:
            return
        if self._since_ns is None:
            self._since_ns = core.at.mono_ns
        over = core.at.mono_ns - self._since_ns >= ns(core.rules.account.lease_s)
        if not over and core.at.utc_us < lease.until_utc_us:
            return
        open_names = [order.announced.client_order_id for order in core.state.settlements.open_orders()]
        self._end("its time was over")
        if open_names:
            text = f"{lease.lease_id} of {lease.who} ran out with orders not called over: {', '.join(open_names)}"
            core.alert(Severity.WARNING, "lease_expired", text)

    def _end(self, cause: str) -> None:
        core, lease = self._core, self._core.state.settlements.lease
        assert lease is not None
        core.emit(LeaseEnded(lease.lease_id, cause, core.at.utc_us))
        self._since_ns = None
        self._books.hurry()

    def _unfit(self) -> str | None:
        """Why no money should leave now, whoever holds a lease."""
        core = self._core
        if core.stopping is not None:
            return "the daemon is stopping"
        if core.state.mode not in (Mode.ACTIVE, Mode.PAUSED):
            return f"trading is {core.state.mode}: {core.state.mode_reason}"
        if abs(core.state.position) >= core.dust:
            return "a base position is left over"
        if core.state.external_unacknowledged:
            return "somebody else's transaction rows wait for `arbbot resume`"
        refusal = risk.unreconciled(core) or risk.clock(core)
        return None if refusal is None else EXPLANATIONS[refusal]

    def _deny(self, asked: str, reason: str) -> None:
        self._core.emit(LeaseDenied(asked, reason, self._core.at.utc_us))

    # --- figures -------------------------------------------------------------------------------------------

    def figures(self, pays: str) -> Withdrawable:
        """What may be spent of a currency of the route, now."""
        core = self._core
        balance = self._books.balances.get(pays)
        available = ZERO if balance is None else max(balance.available, ZERO)
        return withdrawable(
            core.state,
            core.route,
            pays,
            available,
            core.view.fees,
            lambda symbol: core.view.exit_book(symbol, core.at.mono_ns),
        )

    def at_hand(self, currency: str) -> Decimal:
        """What settlements have converted and not withdrawn: what lies over principal of a currency off the route, and
        over it in what the venue holds available too, for it may reserve what it says nothing of.
        """
        balance, state = self._books.balances.get(currency), self._core.state
        available = ZERO if balance is None else balance.available
        return max(min(surplus(state, currency), available, available - principal(state, currency)), ZERO)

    # --- announcements -------------------------------------------------------------------------------------

    def order(self, event: OrderAnnounced) -> None:
        """An order is about to be sent."""
        core, state = self._core, self._core.state
        problem = self._not_leased(event.lease_id) or self._unfit() or self._order_problem(event)
        if problem is not None:
            self._deny("order", f"{event.client_order_id}: {problem}")
            return
        rate = ONE
        if event.counter != core.route.numeraire:
            fx = core.view.exit_book(core.route.fx.symbol, core.at.mono_ns)
            assert fx is not None  # else none of it may be spent
            assert fx.ask is not None
            rate = fx.ask
        lease = state.settlements.lease
        assert lease is not None
        core.emit(
            SettlementOrderAnnounced(
                lease_id=lease.lease_id,
                client_order_id=event.client_order_id,
                market=event.market,
                side=event.side,
                size=event.size,
                limit_price=event.limit_price,
                pays=event.counter,
                worst_cost=event.worst_cost,
                worst_cost_numeraire=event.worst_cost * rate,
                utc_us=core.at.utc_us,
            )
        )

    def _order_problem(self, event: OrderAnnounced) -> str | None:
        core, settlements = self._core, self._core.state.settlements
        if event.client_order_id in core.state.orders or settlements.owns(event.client_order_id):
            return "this id was announced before"
        if event.counter not in core.route.currencies[1:] or event.base in core.route.currencies:
            return f"no settlement buys {event.base} with {event.counter} here"
        if settlements.open_orders():
            return "another order of a settlement is not over"
        if not (event.size > 0 and event.limit_price > 0 and 0 <= event.fee < 1):
            return "size, price and fee make no order"
        most = self.figures(event.counter).size
        if event.worst_cost > most:
            return f"it may cost {event.worst_cost:f} {event.counter}, of which {most:f} may be withdrawn"
        return None

    def request(self, event: RequestAnnounced) -> None:
        """A withdrawal is about to be asked for."""
        core, lease = self._core, self._core.state.settlements.lease
        problem = self._not_leased(event.lease_id) or self._unfit() or self._request_problem(event)
        if problem is not None:
            self._deny("withdrawal", f"{event.name}: {problem}")
            return
        assert lease is not None
        core.emit(
            WithdrawalAnnounced(
                lease.lease_id, event.name, event.currency, event.size, event.fee, event.network, core.at.utc_us,
                core.venue_us,
            )
        )  # fmt: skip

    def _request_problem(self, event: RequestAnnounced) -> str | None:
        core, settlements = self._core, self._core.state.settlements
        if core.state.settlements.owns(event.name) or event.name in core.state.orders:
            return "this name was announced before"
        if event.currency in core.route.currencies:
            return f"{event.currency} is what is traded with: settlements withdraw what they have bought"
        if not (event.size > 0 and event.fee >= 0):
            return "size and fee make no withdrawal"
        if settlements.open_orders():
            return "an order of a settlement is not over"
        if len(settlements.unrowed()) >= UNROWED_MOST:
            return f"{UNROWED_MOST} withdrawals wait for their rows already"
        most = self.at_hand(event.currency)
        if event.size + event.fee > most:
            return f"it takes {event.size + event.fee:f} {event.currency}, of which {most:f} lie over principal"
        cap = core.rules.account.withdrawn_per_day
        today = settlements.withdrawn_on(event.currency, core.at.utc_us) + event.size + event.fee
        if cap is not None and today > cap:
            bound = f"{cap:f} may be, by the settings this daemon began with"
            return f"{today:f} {event.currency} would be withdrawn this UTC day, of which {bound}"
        return None

    def _not_leased(self, lease_id: str) -> str | None:
        lease = self._core.state.settlements.lease
        return None if lease is not None and lease.lease_id == lease_id else f"{lease_id} does not hold"

    def word(self, event: SettlementWord) -> None:
        """What became of something announced. It may come when the lease is long over; said again it changes nothing
        but what is known.
        """
        core, settlements = self._core, self._core.state.settlements
        order, withdrawal = settlements.orders.get(event.name), settlements.withdrawals.get(event.name)
        known = ORDER_WORDS if order is not None else REQUEST_WORDS if withdrawal is not None else frozenset()
        if event.outcome == STUCK:
            core.alert(Severity.CRITICAL, "settlement_stuck", f"{event.name}: {event.reason}")
            return
        if event.outcome not in known:
            self._deny("word", f"{event.name}: {event.outcome} means nothing here")
            return
        if order is not None and event.outcome == "over" and (event.filled is None or event.filled < order.rowed):
            self._deny("word", f"{event.name}: {order.rowed:f} of it is booked, more than it is said to have filled")
            return
        present = None if withdrawal is None or event.outcome not in NEVER_THERE else self._seen(withdrawal)
        if present is not None:
            self._deny("word", f"{event.name}: {present}, so it is not {event.outcome}")
            return
        core.emit(
            SettlementTold(
                event.name, event.outcome, event.venue_id, event.filled, event.reason, core.at.utc_us, core.venue_us,
                core.latest_us,
            )
        )  # fmt: skip
        if withdrawal is not None:
            self._judge_return(withdrawal)
        self._books.hurry()

    def _judge_return(self, withdrawal: AnnouncedWithdrawal) -> None:
        """A row that came before this word can be its return: it is, or is somebody else's, as any foreign row."""
        core, judged = self._core, judge_return(withdrawal, self._core.at.utc_us)
        if judged is None:
            return
        brought = withdrawal.held
        core.emit(judged)
        if not judged.ours:
            told = withdrawal.announced
            text = f"{brought:f} {told.currency} were paid in, as much as {told.name} took, which has not come back"
            core.alert(Severity.WARNING, "external_row", text)
            core.restrict(Mode.PAUSED, f"{text}; acknowledge with `arbbot resume`")

    def _seen(self, withdrawal: AnnouncedWithdrawal) -> str | None:
        """What proves that the venue has had it, by the ledger or by the balances that it last showed."""
        told = withdrawal.announced
        if withdrawal.out is not None or withdrawal.rowed is not None:
            return "it has left the balance"
        if withdrawal.venue_id is not None:
            return f"the venue's id of it is {withdrawal.venue_id}"
        balance = self._books.balances.get(told.currency)
        if balance is None:
            return None
        held = balance.total - balance.available
        if held in withdrawal.takes:
            return f"the venue reserves {held:f} {told.currency}"
        gone = self._core.state.ledger.balance(LedgerAccount.VENUE, told.currency) - balance.total
        return f"the balance lacks {gone:f} {told.currency}" if gone in withdrawal.takes else None
