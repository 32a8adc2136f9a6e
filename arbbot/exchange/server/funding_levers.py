"""Levers of the control endpoint that concern money coming in and going out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from arbbot.exchange.accounts import Account
from arbbot.exchange.clock import MarketClock
from arbbot.exchange.server.levers import Body, amount_of, needed
from arbbot.exchange.server.wire import Json
from arbbot.exchange.venue import Venue
from arbbot.exchange.withdrawals import Request, RequestStatus


def request_state(request: Request) -> dict[str, Json]:
    """Spell a withdrawal request in full precision."""
    return {
        "id": request.request_id,
        "at_us": request.at_us,
        "currency": request.currency,
        "network": request.to.network,
        "address": request.to.address,
        "amount": f"{request.amount:f}",
        "fee": f"{request.fee:f}",
        "status": request.status.name.lower(),
    }


class FundingLevers:
    """What may be done by hand to deposits, withdrawals, networks and accounts. Each raises ValueError."""

    def __init__(self, venue: Venue, clock: MarketClock, account: Callable[[Body], Account]) -> None:
        """`account` finds the account a body names."""
        self._venue = venue
        self._clock = clock
        self._account = account
        self.actions: dict[str, Callable[[Body], Json]] = {
            "deposit_crypto": self._deposit,
            "release_deposit": self._release,
            "withdrawal_status": self._move,
            "network": self._network,
            "account": self._restrict,
        }

    def _deposit(self, body: Body) -> Json:
        seen = self._venue.deposits.see(
            self._account(body),
            str(needed(body, "currency")),
            amount_of(needed(body, "amount")),
            self._clock.now_us(),
            body.get("network"),
            body.get("pending_reason"),
        )
        return {"id": seen.deposit_id, "network": seen.network, "address": seen.address, "due_us": seen.due_us}

    def _release(self, body: Body) -> Json:
        try:
            return {"id": self._venue.deposits.release(int(needed(body, "id"))).deposit_id}
        except LookupError as error:
            raise ValueError(str(error)) from error

    def _move(self, body: Body) -> Json:
        request = self._venue.withdrawals.requests.get(int(needed(body, "id")))
        names = {status.name.lower(): status for status in RequestStatus}
        status = names.get(str(needed(body, "status")))
        if request is None or status is None:
            raise ValueError("no such request" if request is None else f"status is one of {', '.join(names)}")
        self._venue.withdrawals.move(request, status, self._clock.now_us())
        return request_state(request)

    def _network(self, body: Body) -> Json:
        name = (str(needed(body, "currency")), str(needed(body, "network")))
        if name not in self._venue.networks:
            raise ValueError(f"no network {name[1]} of {name[0]}")
        network = self._venue.networks[name]
        changed = replace(
            network,
            fee=amount_of(body.get("fee", network.fee)),
            minimum=amount_of(body.get("minimum", network.minimum)),
            deposit=bool(body.get("deposit", network.deposit)),
            withdrawal=bool(body.get("withdrawal", network.withdrawal)),
        )
        self._venue.networks[name] = changed
        return {"ok": True}

    def _restrict(self, body: Body) -> Json:
        account = self._account(body)
        account.frozen = bool(body.get("frozen", account.frozen))
        account.blocked = bool(body.get("blocked", account.blocked))
        account.withdrawals_disabled = bool(body.get("withdrawals_disabled", account.withdrawals_disabled))
        return {"ok": True}
