"""Requests about money that comes and goes: path and exact body of every call. Pure; nothing here signs or sends."""

from __future__ import annotations

from urllib.parse import urlencode

from arbbot.bitstamp.requests import API, CannotAsk, Request
from arbbot.bitstamp.wire import is_currency
from arbbot.domain.funding import EXTRA_FIELDS, LISTED_MOST, LISTED_S, Transfer, Withdrawal


def withdraw(asked: Withdrawal) -> Request:
    """Ask for a crypto withdrawal. Sizes are written plainly, never as 1E-8. Raises CannotAsk."""
    strange = {name for name, _ in asked.extras} - EXTRA_FIELDS
    if strange:
        raise CannotAsk(f"a withdrawal has no field {', '.join(sorted(strange))}")
    if not asked.size.is_finite() or asked.size <= 0 or not asked.address or not asked.network:
        raise CannotAsk("a withdrawal needs a size, a network and an address")
    fields = {"amount": f"{asked.size:f}", "address": asked.address, "network": asked.network}
    return _private(f"{_code(asked.currency)}_withdrawal/", fields | dict(asked.extras))


def withdrawal_requests(request_id: int | None = None) -> Request:
    """The newest requests, or one of them. The call takes limit and offset only together, and `id` only alone. Without
    `timedelta` it lists a day, by the documentation of two client libraries: a request in doubt may be older.
    """
    if request_id is not None:
        return _private("withdrawal-requests/", {"id": str(request_id)})
    page = {"timedelta": str(LISTED_S), "limit": str(LISTED_MOST), "offset": "0"}
    return _private("withdrawal-requests/", page)


def crypto_moves() -> Request:
    """The newest crypto deposits and withdrawals."""
    return _private("crypto-transactions/", {"limit": str(LISTED_MOST), "offset": "0"})


def deposit_address(currency: str, network: str | None) -> Request:
    """The account's address for a currency. Raises CannotAsk."""
    return _private(f"{_code(currency)}_address/", {} if network is None else {"network": network})


def withdrawal_fees() -> Request:
    """What withdrawals cost, by currency and network."""
    return _private("fees/withdrawal/", {})


def currencies() -> Request:
    """All currencies with their networks, minimums and decimals: public."""
    return Request("GET", f"{API}currencies/")


def transfer(asked: Transfer) -> Request:
    """Move money between main and sub-account. Raises CannotAsk."""
    if not asked.size.is_finite() or asked.size <= 0:
        raise CannotAsk("a transfer needs a size")
    if not asked.to_main and asked.sub_account is None:
        raise CannotAsk("a transfer from the main account needs the sub-account it goes to")
    fields = {"amount": f"{asked.size:f}", "currency": _code(asked.currency).upper()}
    if asked.sub_account is not None:
        fields["subAccount"] = asked.sub_account
    return _private("transfer-to-main/" if asked.to_main else "transfer-from-main/", fields)


def _code(currency: str) -> str:
    """A currency code that may stand in a path."""
    if not is_currency(currency):
        raise CannotAsk(f"{currency!r} is no currency code")
    return currency


def _private(call: str, fields: dict[str, str]) -> Request:
    return Request("POST", API + call, body=urlencode(fields).encode(), private=True)
