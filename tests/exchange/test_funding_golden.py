"""The money side's replies have the shapes that were captured or documented."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from arbbot.exchange.accounts import ApiKey, Permission
from tests.exchange.test_golden import DOCUMENTED, assert_same_shape, sample
from tests.exchange.test_withdrawals import BANK, BITCOIN

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench

Maker = Callable[..., "Bench"]
SINCE = frozenset({"network", "id", "status", "pending_reason"})
"""Fields that crypto-transactions has since the sample of 2023."""
CHAINS_WITHOUT = frozenset({"memo_id", "destination_tag"})
"""Fields of chains that the exchange does not have."""


def _ready(bench: Maker) -> tuple[Bench, int]:
    """A treasurer's bench with one finished withdrawal and one open bank transfer, whose id is returned."""
    here = bench(btc="2", eur="500", usd="500")
    here.venue.add_key(ApiKey("Treasurer", "Secret", here.account.user_id, frozenset(Permission)))
    here.call("btc_withdrawal/", key="Treasurer", amount="0.5", address=BITCOIN)
    here.venue.deposits.see(here.account, "btc", Decimal(1), here.now_us)
    for _ in range(2):
        here.now_us += 3600 * 10**6
        here.venue.advance(here.now_us)
    asked = here.call("withdrawal/open/", key="Treasurer", **BANK)
    return here, asked["withdrawal_id"]


@pytest.mark.parametrize(
    ("path", "form", "theirs", "optional"),
    [
        ("btc_withdrawal/", {"amount": "0.1", "address": BITCOIN}, DOCUMENTED + "{currency}_withdrawal/", frozenset()),
        ("withdrawal/open/", BANK, DOCUMENTED + "withdrawal/open/", frozenset()),
        ("withdrawal/status/", {"id": "{bank}"}, DOCUMENTED + "withdrawal/status/", frozenset()),
        ("withdrawal/cancel/", {"id": "{bank}"}, DOCUMENTED + "withdrawal/cancel/", frozenset()),
        ("btc_address/", {}, DOCUMENTED + "{currency}_address/", CHAINS_WITHOUT),
        ("crypto-transactions/", {}, DOCUMENTED + "crypto-transactions/", SINCE),
        ("fees/withdrawal/btc/", {}, DOCUMENTED + "fees/withdrawal/{currency}/", frozenset({"network"})),
        ("transfer-to-main/", {}, DOCUMENTED + "transfer-to-main/", frozenset({"response_code"})),
        ("transfer-from-main/", {}, DOCUMENTED + "transfer-from-main/", frozenset({"response_code"})),
    ],
)
def test_replies_have_the_documented_shape(
    bench: Maker, path: str, form: dict[str, str], theirs: str, optional: frozenset[str]
) -> None:
    """Keys and the mix of numbers and strings."""
    here, bank = _ready(bench)
    filled = {name: value.replace("{bank}", str(bank)) for name, value in form.items()}
    ours: Any = here.call(path, key="Treasurer", **filled)
    assert ours, "an empty reply proves nothing"
    assert_same_shape(ours, sample(theirs), optional)


def test_a_finished_request_has_the_captured_row_s_shape(bench: Maker) -> None:
    """Of 2018 and of the documentation of today, which has chain and transaction beside it."""
    here, _ = _ready(bench)
    row = here.call("withdrawal-requests/")[-1]
    assert row["status"] == 2
    assert_same_shape(row, sample("rest.withdrawal_requests.row"), frozenset({"network", "txid"}))
    assert_same_shape(row, sample(DOCUMENTED + "withdrawal-requests/"), frozenset({"network"}))


def test_a_withdrawal_s_row_has_the_captured_shape(bench: Maker) -> None:
    """Type 1, the rate a text without meaning, what is not involved a plain zero."""
    here, _ = _ready(bench)
    theirs = sample("rest.user_transactions.row", "ccxt") | {}
    row = next(row for row in here.call("user_transactions/") if row["type"] == "1" and row["btc"] != 0)
    assert (row["btc"], row["fee"], row["btc_usd"]) == ("-0.50000000", "0.00008000", "0.00")
    assert (row["usd"], row["eur"]) == (0, 0)
    assert {"id", "datetime", "type", "fee"} <= row.keys() & theirs.keys()
