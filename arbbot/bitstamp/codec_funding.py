"""Replies about money that comes and goes. Pure; all raise `Malformed`."""

from __future__ import annotations

from arbbot.bitstamp.wire import (
    JsonObject,
    JsonValue,
    Malformed,
    as_list,
    as_object,
    decimal_field,
    identity,
    is_currency,
    optional_text,
    positive,
    small_integer,
    text,
    utc_us_of,
)
from arbbot.domain.funding import (
    CryptoMove,
    CryptoMoves,
    Currency,
    CurrencyNetwork,
    DepositAddress,
    RequestStatus,
    WithdrawalFee,
    WithdrawalRequest,
)

STATUSES = {
    0: RequestStatus.OPEN,
    1: RequestStatus.IN_PROCESS,
    2: RequestStatus.FINISHED,
    3: RequestStatus.CANCELED,
    4: RequestStatus.FAILED,
    11: RequestStatus.REVERSED,
}
"""Old samples know 8 and 10 too; nobody tells what they mean."""
ADDRESS_EXTRAS = ("memo_id", "destination_tag", "transfer_id")
SECOND_US = 1_000_000


def withdrawal_id(parsed: JsonValue) -> int:
    """The id of a request just taken: `id` of crypto, `withdrawal_id` of bank transfers and in old replies."""
    row = as_object(parsed, "withdrawal")
    return identity(row.get("id", row.get("withdrawal_id")), "id")


def withdrawal_requests(parsed: JsonValue) -> tuple[WithdrawalRequest, ...]:
    """`withdrawal-requests/`, in the order sent. No request may come twice with two meanings."""
    rows = tuple(_request(as_object(row, "request")) for row in as_list(parsed, "requests"))
    by_id = {row.request_id: row for row in rows}
    if any(by_id[row.request_id] != row for row in rows):
        raise Malformed("two different requests under one id")
    return tuple(by_id.values())


def _request(row: JsonObject) -> WithdrawalRequest:
    return WithdrawalRequest(
        request_id=identity(row.get("id"), "id"),
        utc_us=utc_us_of(row.get("datetime"), "datetime"),
        currency=_currency(row),
        size=positive(decimal_field(row, "amount"), "amount"),
        status=STATUSES.get(small_integer(row.get("status"), "status")),
        network=_lower(optional_text(row, "network")),
        address=optional_text(row, "address"),
        transaction_id=optional_text(row, "transaction_id"),
    )


def crypto_moves(parsed: JsonValue) -> CryptoMoves:
    """`crypto-transactions/`. Each list may be missing; ripple's IOUs are left out."""
    row = as_object(parsed, "transactions")
    return CryptoMoves(*(_moves(row, name) for name in ("deposits", "withdrawals")))


def _moves(row: JsonObject, name: str) -> tuple[CryptoMove, ...]:
    return tuple(_move(as_object(each, name)) for each in as_list(row.get(name, []), name))


def _move(row: JsonObject) -> CryptoMove:
    return CryptoMove(
        currency=_currency(row),
        size=positive(decimal_field(row, "amount"), "amount"),
        utc_us=identity(row.get("datetime"), "datetime") * SECOND_US,
        network=_lower(optional_text(row, "network")),
        # the newer call for deposits alone writes it with an underscore
        address=optional_text(row, "destinationAddress") or optional_text(row, "destination_address"),
        transaction_id=optional_text(row, "txid"),
        status=optional_text(row, "status"),
        pending_reason=optional_text(row, "pending_reason"),
    )


def deposit_address(parsed: JsonValue) -> DepositAddress:
    """`{currency}_address/`: with a memo or tag where the chain has one, written as text or number."""
    row = as_object(parsed, "address")
    address = text(row, "address")
    if not address.isascii() or not address.isprintable() or " " in address:
        raise Malformed("address has characters an address should not have")
    extras = [(name, row[name]) for name in ADDRESS_EXTRAS if row.get(name) not in (None, "")]
    if any(isinstance(value, bool) or not isinstance(value, str | int) for _, value in extras):
        raise Malformed("memo or tag is neither text nor number")
    return DepositAddress(address, tuple((name, str(value)) for name, value in extras))


def withdrawal_fees(parsed: JsonValue) -> tuple[WithdrawalFee, ...]:
    """`fees/withdrawal/` (a list) or `fees/withdrawal/{currency}/` (one object); older ones name no network."""
    rows = [parsed] if isinstance(parsed, dict) else as_list(parsed, "fees")
    return tuple(_fee(as_object(row, "fee")) for row in rows)


def _fee(row: JsonObject) -> WithdrawalFee:
    fee = decimal_field(row, "fee")
    if fee < 0:
        raise Malformed("a withdrawal fee below zero")
    return WithdrawalFee(_currency(row), _lower(optional_text(row, "network")), fee)


def currencies(parsed: JsonValue) -> tuple[Currency, ...]:
    """`currencies/`."""
    return tuple(_described(as_object(row, "currency")) for row in as_list(parsed, "currencies"))


def _described(row: JsonObject) -> Currency:
    return Currency(
        code=_currency(row),
        decimals=small_integer(row.get("decimals"), "decimals"),
        deposit=_enabled(row, "deposit"),
        withdrawal=_enabled(row, "withdrawal"),
        networks=tuple(_network(as_object(each, "network")) for each in as_list(row.get("networks") or [], "networks")),
    )


def _network(row: JsonObject) -> CurrencyNetwork:
    told = row.get("withdrawal_minimum_amount") not in (None, "")
    return CurrencyNetwork(
        network=text(row, "network").lower(),
        deposit=_enabled(row, "deposit"),
        withdrawal=_enabled(row, "withdrawal"),
        minimum=decimal_field(row, "withdrawal_minimum_amount") if told else None,
        decimals=small_integer(row.get("withdrawal_decimals"), "withdrawal_decimals"),
    )


def transferred(parsed: JsonValue) -> None:
    """`{"status": "ok"}`, sometimes with `"code": "API0000"`."""
    row = as_object(parsed, "transfer")
    if row.get("status") != "ok":
        raise Malformed("a transfer that is not ok")


def _currency(row: JsonObject) -> str:
    code = text(row, "currency").lower()
    if not is_currency(code):
        raise Malformed("currency is no code")
    return code


def _enabled(row: JsonObject, key: str) -> bool:
    """Only the very word allows; it may be missing on fiat."""
    return row.get(key) == "Enabled"


def _lower(name: str | None) -> str | None:
    return None if name is None else name.lower()
