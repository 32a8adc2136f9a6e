"""Private endpoints about money that leaves: crypto withdrawals, bank transfers, their requests and fees.

What is wrong with a withdrawal is told under `error`, as captured replies do, or like a refused order by the rules.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from decimal import Decimal

from arbbot.exchange.networks import networks_of
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import Json, date_seconds, fixed, number
from arbbot.exchange.withdrawals import Destination, Request, RequestStatus

SECOND_US = 1_000_000
LONGEST_TIMEDELTA_S = 50_000_000
USUAL_TIMEDELTA_S = 86_400
"""What is listed where nothing is said of the time, by the documentation of two client libraries."""
MEMOS = ("memo_id", "destination_tag", "transfer_id")
VASPS = {"9d1b7a3e-5a43-4a8e-9d6e-3f0d4b5a6c71": "Sample Exchange Ltd"}
"""Other companies that keep wallets, by the id that travel-rule fields name them with; made up."""
CONTACTS = frozenset({"3c6f1e2a-7b58-4d09-8a1f-52d9c0b4e617"})
"""Third parties the account has registered; made up."""
BANK_KINDS = {"sepa": 0, "international": 2}
BANK_FEES = {"sepa": Decimal(3), "international": Decimal(15)}
"""Invented for SEPA; international transfers were 0.09 %, 15 at least, in an older client's constants."""
BANK_FIELDS = (
    "amount", "account_currency", "name", "iban", "bic", "address", "postal_code", "city", "country", "type",
)  # fmt: skip
BANK_WORDS = {
    RequestStatus.OPEN: "Waiting to be processed",
    RequestStatus.IN_PROCESS: "In process",
    RequestStatus.FINISHED: "Finished",
    RequestStatus.CANCELED: "Canceled",
    RequestStatus.FAILED: "Failed",
    RequestStatus.REVERSED: "Reversed",
}
BANK_NAMES = {0: "EU bank transfer (SEPA)", 2: "International bank transfer"}


def _declined_under_error(endpoint: Callable[[Call], Json]) -> Callable[[Call], Json]:
    """Spell refusals as withdrawals do."""

    @functools.wraps(endpoint)
    def spelled(call: Call) -> Json:
        try:
            return endpoint(call)
        except Refusal as refusal:
            if call.venue.rules.reasoned_withdrawal_errors:
                raise
            return {"error": refusal.reason}

    return spelled


# --- fees ---------------------------------------------------------------------------------------------


def _fees(call: Call, currency: str) -> list[Json]:
    chains = networks_of(call.venue.networks, currency)
    return [{"currency": currency, "fee": fixed(each.fee, 8), "network": each.network} for each in chains]


def fees(call: Call) -> Json:
    """Withdrawal fees of all crypto currencies and networks; what bank transfers cost no call tells."""
    return [shape for currency in sorted(call.account.balances) for shape in _fees(call, currency)]


def fee(call: Call) -> Json:
    """Return the withdrawal fee of one currency, on its first network unless one is named."""
    if not networks_of(call.venue.networks, call.place["currency"]):
        raise Refusal("Currency not found.", "404.006")
    wanted = call.params.get("network")
    for shape in _fees(call, call.place["currency"]):
        if isinstance(shape, dict) and wanted in (None, shape.get("network")):
            return shape
    raise Refusal("Invalid network selection")


# --- requests -----------------------------------------------------------------------------------------


def _spelled(request: Request) -> dict[str, Json]:
    shape: dict[str, Json] = {
        "id": request.request_id,
        "datetime": date_seconds(request.at_us),
        "type": request.kind,
        "currency": request.currency.upper(),
        "amount": fixed(request.amount, 8),
        "status": request.status.value,
    }
    if request.to.network is not None:
        shape |= {"network": request.to.network, "address": request.to.address, "txid": request.request_id}
    if request.transaction_id is not None:
        shape["transaction_id"] = request.transaction_id
    return shape


def requests(call: Call) -> Json:
    """Withdrawal requests of the account, newest first: one by its id, those of the last seconds, or a page."""
    given = [name for name in ("id", "timedelta", "limit", "offset") if name in call.params]
    if "id" in given and len(given) > 1:
        raise Refusal("Too many parameters")
    if ("limit" in given) != ("offset" in given):
        raise Refusal("Both limit and offset must be present")
    wanted = call.integer("id", 0, 0, 10**18, Refusal("Invalid id", "400.036"))
    past_s = call.integer("timedelta", USUAL_TIMEDELTA_S, 0, 10**18, Refusal("Invalid timedelta"))
    if past_s > LONGEST_TIMEDELTA_S:
        raise Refusal("Timedelta too large")
    limit = call.integer("limit", 1000, 1, 1000, Refusal("Invalid limit", "400.011"))
    offset = call.integer("offset", 0, 0, 200_000, Refusal("Invalid offset", "400.010"))
    hidden_us = max(call.venue.rules.request_lag_us, call.behaviour.requests_late_us)
    shown = [
        request
        for request in call.venue.withdrawals.of(call.account)
        if (wanted or request.at_us >= call.now_us - past_s * SECOND_US)
        and (not hidden_us or request.at_us < call.now_us - hidden_us)
        and wanted in (0, request.request_id)
    ]
    return [_spelled(request) for request in shown[offset : offset + limit]]


@_declined_under_error
def withdraw(call: Call) -> Json:
    """Ask for a withdrawal of a crypto currency."""
    currency, address = call.place["currency"], call.params.get("address", "")
    if not networks_of(call.venue.networks, currency):
        raise Refusal("Currency not found.", "404.006")
    if not call.params.get("amount") or not address:
        raise Refusal("Missing amount and/or address POST parameters", "400.004")
    allowed = call.key.withdrawal_addresses if call.key is not None else frozenset()
    if allowed and address not in allowed:
        raise Refusal(f"Not allowed to withdraw to specified {currency.upper()} address")
    amount = call.decimal("amount", "400.026")
    _check_travel_rule(call)
    memo = next((call.params[name] for name in MEMOS if call.params.get(name)), None)
    to = Destination(address, call.params.get("network"), memo)
    request = call.venue.withdrawals.open_crypto(call.account, currency, amount, to, call.now_us, call.behaviour.fate)
    return {"id": request.request_id}


def _check_travel_rule(call: Call) -> None:
    """Whose address it is. The documentation names the fields `beneficiary_...`, its error texts `contact_...`."""
    vasp, contact = call.params.get("vasp_uuid"), call.params.get("beneficiary_id") or call.params.get("contact_uuid")
    third = call.params.get("beneficiary_thirdparty") or call.params.get("contact_thirdparty")
    if vasp and vasp not in VASPS:
        raise Refusal({"vasp_uuid": ["Vasp does not exist"]})
    if contact and contact not in CONTACTS:
        raise Refusal({"contact_uuid": ["Contact does not exist"]})
    if third is not None and third.lower() in {"true", "1"} and not contact:
        raise Refusal({"contact_uuid": ["You must set this field because contact_thirdparty=True"]})
    if third is None and call.venue.rules.travel_rule:
        raise Refusal({"contact_thirdparty": ["This field is required."]})


# --- bank transfers -----------------------------------------------------------------------------------


def _demand_main(call: Call, doing: str) -> None:
    if call.account.main_id is not None:
        raise Refusal(f"{doing} with sub account API keys is not supported.")


@_declined_under_error
def open_bank(call: Call) -> Json:
    """Ask for a bank transfer. Those asked for over the API need no confirmation by e-mail."""
    _demand_main(call, "Opening bank withdrawals")
    missing = {name: ["This field is required."] for name in BANK_FIELDS if not call.params.get(name)}
    if missing:
        raise Refusal(missing)
    form, currency = call.params["type"].lower(), call.params["account_currency"].lower()
    if form not in BANK_KINDS:
        raise Refusal("Unsupported withdrawal type (must be either SEPA or international).")
    if currency not in call.account.balances or networks_of(call.venue.networks, currency):
        raise Refusal({"account_currency": [f"Select a valid choice. {currency} is not one of the available choices."]})
    amount = call.decimal("amount", "400.026")
    if amount <= 0:
        raise Refusal({"amount": ["Ensure this value is greater than or equal to 0.01"]})
    request = call.venue.withdrawals.open_bank(
        call.account, currency, BANK_KINDS[form], amount, BANK_FEES[form], call.params["iban"], call.now_us,
        call.behaviour.fate,
    )  # fmt: skip
    return {"withdrawal_id": request.request_id}


def _bank_request(call: Call, doing: str) -> Request:
    _demand_main(call, doing)
    request = call.venue.withdrawals.requests.get(_wanted_id(call))
    if request is None or request.user_id != call.account.user_id:
        raise Refusal(f"No bank withdrawal with id={call.params['id']} found.")
    return request


def _wanted_id(call: Call) -> int:
    if not call.params.get("id"):
        raise Refusal('Missing parameters: ["id"].', "400.035")
    return call.integer("id", 0, 0, 10**18, Refusal("Invalid id", "400.036"))


def bank_status(call: Call) -> Json:
    """Say in words how far a bank transfer is."""
    return {"status": BANK_WORDS[_bank_request(call, "Performing bank withdrawal status checks").status]}


def cancel(call: Call) -> Json:
    """Cancel a request that is not in process yet, of whichever kind."""
    _demand_main(call, "Cancelling bank withdrawals")
    request = call.venue.withdrawals.cancel(call.account, _wanted_id(call), call.now_us)
    code = request.currency.upper()
    return {
        "id": str(request.request_id),
        "amount": number(request.amount),
        "currency": code,
        "account_currency": code,
        "type": BANK_NAMES.get(request.kind, code),
    }
