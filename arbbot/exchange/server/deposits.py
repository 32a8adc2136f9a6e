"""Private endpoints about money that comes: deposit addresses, and what arrived or is on its way."""

from __future__ import annotations

from arbbot.exchange.networks import networks_of
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import Json
from arbbot.exchange.withdrawals import RequestStatus

SECOND_US = 1_000_000
LEFT = frozenset({RequestStatus.FINISHED, RequestStatus.REVERSED})


def address(call: Call) -> Json:
    """Return the account's address for a currency, on its first network unless one is named."""
    chains = networks_of(call.venue.networks, call.place["currency"])
    if not chains:
        raise Refusal("Currency not found.", "404.006")
    wanted = call.params.get("network")
    chain = next((each for each in chains if wanted in (None, each.network) and each.deposit), None)
    if chain is None:
        raise Refusal({"network": ["Invalid network selection"]})
    return {"address": chain.address_of(call.account.user_id)}


def crypto_transactions(call: Call) -> Json:
    """Crypto deposits and finished crypto withdrawals, newest first; amounts are numbers."""
    limit = call.integer("limit", 100, 1, 1000, Refusal("Invalid limit", "400.011"))
    offset = call.integer("offset", 0, 0, 200_000, Refusal("Invalid offset", "400.010"))
    return {
        "deposits": _deposits(call)[offset : offset + limit],
        "withdrawals": _withdrawals(call)[offset : offset + limit],
        "ripple_iou_transactions": [],
    }


def _deposits(call: Call) -> list[Json]:
    shapes: list[Json] = []
    for each in call.venue.deposits.of(call.account):
        shape: dict[str, Json] = {
            "id": each.deposit_id,
            "network": each.network,
            "currency": each.currency.upper(),
            "txid": each.transaction_id,
            "amount": each.amount,
            "datetime": each.at_us // SECOND_US,
            "status": "COMPLETED" if each.credited else "PENDING",
            "destinationAddress": each.address,
        }
        if each.pending_reason is not None:
            shape["pending_reason"] = each.pending_reason
        shapes.append(shape)
    return shapes


def _withdrawals(call: Call) -> list[Json]:
    return [
        {
            "currency": each.currency.upper(),
            "network": each.to.network,
            "destinationAddress": each.to.address,
            "txid": each.transaction_id,
            "amount": each.amount,
            "datetime": each.at_us // SECOND_US,
        }
        for each in call.venue.withdrawals.of(call.account)
        if each.to.network is not None and each.status in LEFT
    ]


def unconfirmed(call: Call) -> Json:
    """Return the bitcoin deposits on their way."""
    return [
        {"amount": f"{each.amount:.8f}", "address": each.address, "confirmations": 0}
        for each in call.venue.deposits.of(call.account)
        if each.currency == "btc" and not each.credited
    ]
