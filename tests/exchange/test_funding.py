"""Money that comes and goes by the API: withdrawals, transfers, and how much an order may be."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from arbbot.exchange.accounts import ApiKey, Permission

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

Maker = Callable[..., "Bench"]
ADDRESS = "bc1q" + "x" * 38


def _treasurer(bench: Maker) -> Bench:
    here = bench()
    here.venue.add_key(ApiKey("Treasurer", "Secret", here.account.user_id, frozenset(Permission)))
    return here


def test_a_withdrawal_leaves_with_its_fee_and_is_listed(bench: Maker) -> None:
    """The id of the reply is the row's, and balance, requests and crypto transactions show it."""
    here = _treasurer(bench)
    asked = here.call("btc_withdrawal/", key="Treasurer", amount="0.5", address=ADDRESS)
    assert here.call("account_balances/btc/")["total"] == "1.49992000"
    [row] = here.call("user_transactions/")
    assert (row["id"], row["type"], row["btc"], row["fee"]) == (asked["id"], "1", "-0.50000000", "0.00008000")
    [request] = here.call("withdrawal-requests/")
    assert (request["id"], request["type"], request["amount"]) == (asked["id"], 1, "0.50000000")
    [moved] = here.call("crypto-transactions/")["withdrawals"]
    assert (moved["currency"], moved["network"], moved["amount"]) == ("BTC", "bitcoin", Decimal("0.5"))


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"amount": "1"}, "Missing amount and/or address POST parameters."),
        (
            {"amount": "1", "address": "short"},
            {"address": ["Ensure this value has at least 25 characters (it has 5)."]},
        ),
        ({"amount": "0", "address": ADDRESS}, {"amount": ["Ensure this value is greater than or equal to 1E-8."]}),
        (
            {"amount": "2", "address": ADDRESS},
            {"amount": ["You have only 2.00000000 BTC available. Check your account balance for details."]},
        ),
    ],
)
def test_a_withdrawal_that_cannot_be_says_why_under_error(bench: Maker, form: dict[str, str], error: object) -> None:
    """Withdrawals spell their refusals in a shape of their own and move nothing."""
    here = _treasurer(bench)
    assert here.call("btc_withdrawal/", key="Treasurer", **form) == {"error": error}
    assert here.call("user_transactions/") == []


def test_a_trading_key_may_not_move_money_out(bench: Maker) -> None:
    """Withdrawals and transfers need a right of their own."""
    here = bench()
    for path in ("btc_withdrawal/", "transfer-to-main/", "transfer-from-main/"):
        assert here.call(path, amount="1", currency="btc")["code"] == "API0003"
        assert here.last.status == 403


def test_there_are_no_sub_accounts_to_transfer_to(bench: Maker) -> None:
    """Transfers name the parameter that is missing, or the sub account that does not exist."""
    here = _treasurer(bench)
    missing = here.call("transfer-to-main/", key="Treasurer", amount="1", currency="btc")
    assert missing["reason"] == 'Missing parameters: ["subAccount"].'
    unknown = here.call("transfer-from-main/", key="Treasurer", amount="1", currency="btc", subAccount="1234567")
    assert unknown["reason"] == 'Sub account with identifier "1234567" does not exist.'
    assert here.call("btc_unconfirmed/") == []


def test_the_largest_order_is_one_the_venue_takes(bench: Maker) -> None:
    """What get_max_order_amount names can be placed at that price; one lot more cannot."""
    here = bench()
    most = here.call("get_max_order_amount/", market="BTC/USD", side="buy", price="15000")
    assert (most["maximum_order_amount_currency"], most["maximum_order_value_currency"]) == ("BTC", "USD")
    size = Decimal(most["maximum_order_amount"])
    more = here.call("buy/btcusd/", amount=f"{size + Decimal('0.00000010'):f}", price="15000")
    assert "available" in str(more["reason"])
    assert "id" in here.call("buy/btcusd/", amount=f"{size:f}", price="15000")
    assert here.call("get_max_order_amount/", market="BTC/USD", side="sell")["maximum_order_amount"] == "2.00000000"
