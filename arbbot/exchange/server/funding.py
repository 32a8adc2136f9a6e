"""Private endpoints about money that comes and goes: withdrawals, their fees, deposit addresses, transfers."""

from __future__ import annotations

import hashlib
from decimal import Decimal

from arbbot.exchange.accounts import Row
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import Json, date_seconds, fixed

SECOND_US = 1_000_000
WITHDRAWAL = 1
NETWORKS = {"btc": "bitcoin", "usdt": "ethereum"}
WITHDRAWAL_FEES = {"btc": "0.00008000", "usdt": "5.00000000"}
TYPES = {"btc": 1, "usdt": 42}
"""Kinds of withdrawal requests as the venue numbers them; 0 is a SEPA transfer."""
SHORTEST_ADDRESS = 25


def _withdrawal_fee(currency: str) -> dict[str, Json]:
    shape: dict[str, Json] = {"currency": currency, "fee": WITHDRAWAL_FEES.get(currency, "0.00000000")}
    return shape | ({"network": NETWORKS[currency]} if currency in NETWORKS else {})


def withdrawal_fees(call: Call) -> Json:
    """Withdrawal fees of all currencies; the amounts are invented but for bitcoin's."""
    return [_withdrawal_fee(currency) for currency in sorted(call.account.balances)]


def withdrawal_fee(call: Call) -> Json:
    """Return the withdrawal fee of one currency."""
    if call.place["currency"] not in call.account.balances:
        raise Refusal("Currency not found.", "404.006")
    return _withdrawal_fee(call.place["currency"])


def deposit_address(call: Call) -> Json:
    """Return an address that is made up, the same each time for an account and currency."""
    currency = call.place["currency"]
    if currency not in NETWORKS:
        raise Refusal("Currency not found.", "404.006")
    seed = hashlib.sha256(f"{call.account.user_id}{currency}".encode()).hexdigest()
    return {"address": ("bc1q" + seed[:38]) if currency == "btc" else "0x" + seed[:40]}


def _external_rows(call: Call) -> list[Row]:
    return [row for row in reversed(call.account.rows) if row.row_type in {0, 1}]


def withdrawal_requests(call: Call) -> Json:
    """Withdrawals of the account, newest first."""
    limit = call.integer("limit", 1000, 1, 1000, Refusal("Invalid limit.", "400.011"))
    offset = call.integer("offset", 0, 0, 200_000, Refusal("Invalid offset.", "400.010"))
    rows = [row for row in _external_rows(call) if row.row_type == 1]
    return [
        {
            "id": row.row_id,
            "datetime": date_seconds(row.at_us),
            "type": TYPES.get(row.amounts[0][0], 0),
            "currency": row.amounts[0][0].upper(),
            "amount": fixed(-row.amounts[0][1], 8),
            "status": 2,
        }
        for row in rows[offset : offset + limit]
    ]


def crypto_transactions(call: Call) -> Json:
    """Deposits and withdrawals of crypto currencies; amounts are numbers."""
    deposits: list[Json] = []
    withdrawals: list[Json] = []
    for row in _external_rows(call):
        currency, amount = row.amounts[0]
        if currency not in NETWORKS:
            continue
        shape: dict[str, Json] = {
            "currency": currency.upper(),
            "network": NETWORKS[currency],
            "destinationAddress": "",
            "txid": hashlib.sha256(str(row.row_id).encode()).hexdigest(),
            "amount": abs(Decimal(amount)),
            "datetime": row.at_us // SECOND_US,
        }
        (withdrawals if row.row_type == 1 else deposits).append(shape)
    return {"deposits": deposits, "withdrawals": withdrawals, "ripple_iou_transactions": []}


def withdraw(call: Call) -> Json:
    """Book a withdrawal of a crypto currency at once; what is wrong is told under `error`, as withdrawals do."""
    currency = call.place["currency"]
    if currency not in NETWORKS:
        raise Refusal("Currency not found.", "404.006")
    address = call.params.get("address", "")
    if not call.params.get("amount") or not address:
        return {"error": "Missing amount and/or address POST parameters."}
    size = call.decimal("amount", "400.026")
    if size <= 0:
        return {"error": {"amount": ["Ensure this value is greater than or equal to 1E-8."]}}
    if len(address) < SHORTEST_ADDRESS:
        text = f"Ensure this value has at least {SHORTEST_ADDRESS} characters (it has {len(address)})."
        return {"error": {"address": [text]}}
    fee, available = Decimal(WITHDRAWAL_FEES[currency]), call.account.balance(currency).available
    if size + fee > available:
        have = f"You have only {fixed(available, 8)} {currency.upper()} available."
        return {"error": {"amount": [f"{have} Check your account balance for details."]}}
    row = call.venue.external(call.account, {currency: -size}, WITHDRAWAL, call.now_us, fee)
    return {"id": row.row_id}


def unconfirmed(call: Call) -> Json:
    """Return the bitcoin deposits under way: deposits arrive at once here."""
    return []


def transfer(call: Call) -> Json:
    """Refuse a transfer between main and sub account, of which there are none here."""
    missing = [name for name in ("amount", "currency", "subAccount") if not call.params.get(name)]
    if missing:
        spelled = ", ".join(f'"{name}"' for name in missing)
        raise Refusal(f"Missing parameters: [{spelled}].", "400.004")
    raise Refusal(f'Sub account with identifier "{call.params["subAccount"]}" does not exist.', "404.001")
