"""Money that leaves: withdrawal requests, their life, what is refused, and who may ask."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.rules import Booking, VenueRules
from arbbot.exchange.withdrawals import Fate, RequestStatus

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

Maker = Callable[..., "Bench"]
BITCOIN, ETHEREUM = "bc1q" + "x" * 38, "0x" + "a" * 40
MINUTE_US = 60_000_000
BANK = {
    "amount": "100", "account_currency": "EUR", "name": "Ann", "iban": "DE02120300000000202051", "bic": "BYLADEM1001",
    "address": "Street 1", "postal_code": "10115", "city": "Berlin", "country": "DE", "type": "sepa",
}  # fmt: skip


def _treasurer(bench: Maker, rules: VenueRules | None = None, **balances: str) -> Bench:
    here = bench(rules, **({"usdt": "1000", "btc": "2", "usd": "500", "eur": "500"} | balances))
    here.venue.add_key(ApiKey("Treasurer", "Secret", here.account.user_id, frozenset(Permission)))
    return here


def _withdraw(here: Bench, amount: str = "100", **form: str) -> Any:
    return here.call("usdt_withdrawal/", key="Treasurer", amount=amount, **({"address": ETHEREUM} | form))


def _statuses(here: Bench) -> list[int]:
    return [each["status"] for each in here.call("withdrawal-requests/")]


def _later(here: Bench, minutes: int) -> None:
    here.now_us += minutes * MINUTE_US
    here.venue.advance(here.now_us)


def _available(here: Bench, currency: str = "usdt") -> Decimal:
    return Decimal(here.call(f"account_balances/{currency}/")["available"])


def _sum_of_rows(here: Bench) -> Decimal:
    return sum(
        (Decimal(row["usdt"]) - Decimal(row["fee"]) for row in here.call("user_transactions/") if "usdt" in row),
        Decimal(0),
    )


def test_a_request_lives_from_open_to_finished_in_market_time(bench: Maker) -> None:
    """Open, in process, finished; then it has its chain's id and is among the crypto transactions."""
    here = _treasurer(bench)
    asked = _withdraw(here)
    [row] = here.call("withdrawal-requests/")
    assert row == {
        "id": asked["id"], "datetime": "2026-01-01 00:00:00", "type": 42, "currency": "USDT", "amount": "100.00000000",
        "status": 0, "network": "ethereum", "address": ETHEREUM, "txid": asked["id"],
    }  # fmt: skip
    assert here.call("crypto-transactions/")["withdrawals"] == []
    _later(here, 1)
    assert _statuses(here) == [1]
    _later(here, 3)
    [row] = here.call("withdrawal-requests/")
    assert (row["status"], len(row["transaction_id"])) == (2, 64)
    [moved] = here.call("crypto-transactions/")["withdrawals"]
    assert (moved["currency"], moved["network"], moved["amount"]) == ("USDT", "ethereum", Decimal(100))


@pytest.mark.parametrize("booking", list(Booking))
@pytest.mark.parametrize("fate", list(Fate))
def test_rows_and_balance_agree_once_a_request_has_ended(bench: Maker, booking: Booking, fate: Fate) -> None:
    """Whenever the row is written and however it ends: no money is lost, and none can be spent meanwhile."""
    here = _treasurer(bench, VenueRules(withdrawal_booking=booking))
    request = here.venue.withdrawals.open_crypto(here.account, "usdt", Decimal(100), _to(), here.now_us, fate)
    assert _available(here) == Decimal(895)
    seen = {request.status}
    for _ in range(12):
        _later(here, 1)
        seen.add(request.status)
        house, collected = here.venue.house["usdt"], here.venue.collected["usdt"]
        assert here.account.balance("usdt").total + house + collected == 0
    ended = {
        Fate.FINISHED: RequestStatus.FINISHED, Fate.STUCK: RequestStatus.IN_PROCESS, Fate.FAILED: RequestStatus.FAILED,
        Fate.CANCELED: RequestStatus.CANCELED, Fate.REVERSED: RequestStatus.REVERSED,
    }  # fmt: skip
    assert request.status is ended[fate]
    assert (RequestStatus.FINISHED in seen) is (fate in {Fate.FINISHED, Fate.REVERSED})
    away = fate in {Fate.FINISHED, Fate.STUCK}
    assert _available(here) == (Decimal(895) if away else Decimal(1000))
    if fate is not Fate.STUCK or booking is Booking.AT_REQUEST:
        assert here.account.balance("usdt").total == 1000 + _sum_of_rows(here)


def _to() -> Any:
    from arbbot.exchange.withdrawals import Destination

    return Destination(ETHEREUM, "ethereum")


def test_money_in_transit_has_left_without_a_row(bench: Maker) -> None:
    """With the row at the end, the balance is short from the request on; with the reserve, only what can be spent."""
    transit = _treasurer(bench, VenueRules(withdrawal_booking=Booking.WHEN_FINISHED))
    _withdraw(transit)
    assert (transit.account.balance("usdt").total, transit.call("user_transactions/")) == (Decimal(895), [])
    held = _treasurer(bench, VenueRules(withdrawal_booking=Booking.RESERVED))
    _withdraw(held)
    assert held.call("account_balances/usdt/") == {
        "currency": "usdt", "total": "1000.00000", "available": "895.00000", "reserved": "105.00000"
    }  # fmt: skip


def test_the_fee_may_come_out_of_the_amount(bench: Maker) -> None:
    """By the rules: then what was asked for leaves the account, and less arrives; the list names what was asked for."""
    here = _treasurer(bench, VenueRules(withdrawal_fee_inside=True))
    _withdraw(here)
    assert _available(here) == Decimal(900)
    [row] = here.call("user_transactions/")
    assert (row["usdt"], row["fee"]) == ("-95.00000", "5.00000000")
    assert here.call("withdrawal-requests/")[0]["amount"] == "100.00000000"


def test_the_same_withdrawal_twice_leaves_twice(bench: Maker) -> None:
    """The venue does not recognise a repeated request: nothing in the call could tell it."""
    here = _treasurer(bench)
    first, second = _withdraw(here), _withdraw(here)
    assert first["id"] != second["id"]
    assert _available(here) == Decimal(790)


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"address": ""}, "Missing amount and/or address POST parameters"),
        (
            {"address": "0x1"},
            {"address": ["Ensure this value has at least 42 characters (it has 3)."]},
        ),
        ({"address": "T" * 42}, {"address": ["Invalid ethereum address."]}),
        ({"amount": "9.99"}, {"amount": ["Ensure this value is greater than or equal to 10"]}),
        ({"amount": "10.0000001"}, {"amount": ["Ensure that there are no more than 6 decimal places."]}),
        (
            {"amount": "996"},
            {"amount": ["You have only 1000.00000000 USDT available. Check your account balance for details."]},
        ),
        ({"amount": "ten"}, {"amount": ["'ten': Enter a number. Use \".\" as a decimal point."]}),
        ({"network": "bitcoin"}, {"network": ["Invalid network selection"]}),
        ({"network": "tron"}, {"network": ["Invalid network selection"]}),
        ({"vasp_uuid": "nobody"}, {"vasp_uuid": ["Vasp does not exist"]}),
        ({"beneficiary_id": "nobody"}, {"contact_uuid": ["Contact does not exist"]}),
        (
            {"beneficiary_thirdparty": "True"},
            {"contact_uuid": ["You must set this field because contact_thirdparty=True"]},
        ),
    ],
)
def test_a_withdrawal_that_cannot_be_says_why_under_error(bench: Maker, form: dict[str, str], error: object) -> None:
    """Withdrawals spell their refusals in a shape of their own, or like orders by the rules, and move nothing."""
    here = _treasurer(bench)
    assert _withdraw(here, **form) == {"error": error}
    assert (_statuses(here), _available(here)) == ([], Decimal(1000))
    reasoned = _treasurer(bench, VenueRules(reasoned_withdrawal_errors=True))
    assert _withdraw(reasoned, **form)["reason"] == error


def test_the_travel_rule_wants_to_know_whose_address_it_is(bench: Maker) -> None:
    """Where the rule holds, a withdrawal says whether the address is a third party's."""
    here = _treasurer(bench, VenueRules(travel_rule=True))
    assert _withdraw(here) == {"error": {"contact_thirdparty": ["This field is required."]}}
    assert "id" in _withdraw(here, beneficiary_thirdparty="False")


def test_a_chain_can_be_switched_off(bench: Maker) -> None:
    """A currency without an open chain cannot be withdrawn, and the public list says so."""
    from dataclasses import replace

    here = _treasurer(bench)
    ethereum = here.venue.networks["usdt", "ethereum"]
    here.venue.networks["usdt", "ethereum"] = replace(ethereum, withdrawal=False)
    assert _withdraw(here) == {"error": "USDT withdrawals are currently unavailable for your account."}
    told = {row["currency"]: row for row in here.call("currencies/", method="GET")}
    assert (told["USDT"]["withdrawal"], told["BTC"]["withdrawal"]) == ("Disabled", "Enabled")
    assert [each["network"] for each in told["USDT"]["networks"]] == ["ethereum", "tron"]


def test_fees_are_told_by_currency_and_network(bench: Maker) -> None:
    """Each chain has its fee; one that is named must exist."""
    here = _treasurer(bench)
    rows = {(row["currency"], row.get("network")): row["fee"] for row in here.call("fees/withdrawal/")}
    assert (rows["usdt", "ethereum"], rows["usdt", "tron"]) == ("5.00000000", "1.00000000")
    assert here.call("fees/withdrawal/usdt/", network="tron")["fee"] == "1.00000000"
    assert here.call("balance/")["usdt_withdrawal_fee"] == rows["usdt", "ethereum"]
    assert here.call("fees/withdrawal/eur/")["reason"] == "Currency not found."
    assert here.call("fees/withdrawal/usdt/", network="bitcoin")["reason"] == "Invalid network selection"


def test_keys_may_be_bound_to_addresses_and_rights(bench: Maker) -> None:
    """A trading key may not withdraw, a bound key only to its addresses, and a frozen account does nothing at all."""
    here = _treasurer(bench)
    for path in ("btc_withdrawal/", "withdrawal/open/", "withdrawal/cancel/", "transfer-to-main/"):
        assert here.call(path, amount="1", currency="btc")["code"] == "API0003"
        assert here.last.status == 403
    bound = ApiKey(
        "Bound", "Secret", here.account.user_id, frozenset(Permission), withdrawal_addresses=frozenset({"x"})
    )
    here.venue.add_key(bound)
    refused = here.call("usdt_withdrawal/", key="Bound", amount="20", address=ETHEREUM)
    assert refused == {"error": "Not allowed to withdraw to specified USDT address"}
    here.account.withdrawals_disabled = True
    assert _withdraw(here) == {"error": "Your withdrawals are currently disabled"}
    here.account.frozen = True
    assert here.call("account_balances/")["code"] == "API0006"


def test_requests_are_found_by_id_by_age_and_by_page(bench: Maker) -> None:
    """The documented combinations, newest first, and the documented complaints about others."""
    here = _treasurer(bench)
    ids = []
    for _ in range(3):
        ids.append(_withdraw(here, "20")["id"])
        _later(here, 10)
    newest = ids[::-1]

    def found(**form: str) -> list[int]:
        return [row["id"] for row in here.call("withdrawal-requests/", **form)]

    assert found() == newest
    assert found(id=str(ids[1])) == [ids[1]]
    assert found(timedelta="1260") == newest[:2]
    assert found(limit="1", offset="1") == [newest[1]]
    for form, reason in (
        ({"limit": "1"}, "Both limit and offset must be present"),
        ({"id": "1", "timedelta": "1"}, "Too many parameters"),
        ({"timedelta": "x"}, "Invalid timedelta"),
        ({"timedelta": "50000001"}, "Timedelta too large"),
    ):
        assert here.call("withdrawal-requests/", **form)["reason"] == reason


def test_requests_older_than_a_day_are_listed_where_they_are_asked_for(bench: Maker) -> None:
    """Said nothing of the time, a day is listed; by `timedelta` or by its id an older one is found."""
    here = _treasurer(bench)
    old = _withdraw(here, "20")["id"]
    _later(here, 25 * 60)

    def found(**form: str) -> list[int]:
        return [row["id"] for row in here.call("withdrawal-requests/", **form)]

    assert found() == found(limit="1000", offset="0") == []
    assert found(timedelta="50000000", limit="1000", offset="0") == [old]
    assert found(id=str(old)) == [old]


def test_a_new_request_may_be_listed_late(bench: Maker) -> None:
    """By the rules a request stays out of the list for a while: absence from it proves nothing yet."""
    here = _treasurer(bench, VenueRules(request_lag_us=30_000_000))
    _withdraw(here)
    assert _statuses(here) == []
    _later(here, 1)
    assert _statuses(here) == [1]


def test_only_an_open_request_can_be_cancelled(bench: Maker) -> None:
    """Then its money is back; later it is in process, and after that there is nothing to cancel."""
    here = _treasurer(bench)
    first, second = _withdraw(here)["id"], _withdraw(here)["id"]
    told = here.call("withdrawal/cancel/", key="Treasurer", id=str(first))
    assert (told["id"], told["amount"], told["currency"]) == (str(first), Decimal(100), "USDT")
    assert _available(here) == Decimal(895)
    _later(here, 1)
    again = here.call("withdrawal/cancel/", key="Treasurer", id=str(first))
    assert again["reason"] == f"No active bank withdrawal with id={first} found."
    late = here.call("withdrawal/cancel/", key="Treasurer", id=str(second))
    assert late["reason"] == f"Cannot cancel a withdrawal in process (id={second})."


def test_a_bank_transfer_is_opened_watched_and_ends(bench: Maker) -> None:
    """Fiat leaves with its fee; the status is told in words, and the list has it without network and address."""
    here = _treasurer(bench)
    asked = here.call("withdrawal/open/", key="Treasurer", **BANK)
    number = str(asked["withdrawal_id"])
    assert here.call("withdrawal/status/", id=number) == {"status": "Waiting to be processed"}
    assert _available(here, "eur") == Decimal(397)
    [row] = here.call("withdrawal-requests/")
    assert (row["type"], row["currency"], row.get("network")) == (0, "EUR", None)
    _later(here, 5)
    assert here.call("withdrawal/status/", id=number) == {"status": "Finished"}
    assert here.call("withdrawal/status/", id="1")["reason"] == "No bank withdrawal with id=1 found."


def test_a_bank_transfer_names_every_missing_field(bench: Maker) -> None:
    """All of them at once; then what is wrong with what is there."""
    here = _treasurer(bench)
    missing = here.call("withdrawal/open/", key="Treasurer", amount="1")["error"]
    assert missing["iban"] == ["This field is required."]
    assert set(missing) == set(BANK) - {"amount"}
    odd = here.call("withdrawal/open/", key="Treasurer", **(BANK | {"type": "pigeon"}))
    assert odd["error"] == "Unsupported withdrawal type (must be either SEPA or international)."
    crypto = here.call("withdrawal/open/", key="Treasurer", **(BANK | {"account_currency": "BTC"}))
    assert "Select a valid choice" in str(crypto["error"])
