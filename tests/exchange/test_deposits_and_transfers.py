"""Money that comes in, and money that moves between main account and sub-account."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.refusal import Refusal

if TYPE_CHECKING:
    from tests.exchange.conftest import Bench, Live

Maker = Callable[..., "Bench"]
HOUR_US = 3_600_000_000


def _with_sub_account(bench: Maker) -> Bench:
    here = bench(btc="2", usdt="100")
    sub = here.venue.add_account("sub", {}, main=here.account)
    here.venue.add_key(ApiKey("Treasurer", "Secret", here.account.user_id, frozenset(Permission)))
    here.venue.add_key(ApiKey("Sub", "Secret", sub.user_id, frozenset(Permission)))
    return here


def test_a_deposit_is_pending_until_its_chain_confirmed_it(bench: Maker) -> None:
    """It is listed at once and credited by a row of its own later; bitcoin has a list of unconfirmed ones."""
    here = bench()
    here.venue.deposits.see(here.account, "btc", Decimal("0.5"), here.now_us)
    [seen] = here.call("crypto-transactions/")["deposits"]
    address = here.call("btc_address/")["address"]
    assert (seen["status"], seen["amount"], seen["destinationAddress"]) == ("PENDING", Decimal("0.5"), address)
    assert here.call("btc_unconfirmed/")[0]["address"] == address
    here.now_us += HOUR_US
    here.venue.advance(here.now_us)
    assert here.call("crypto-transactions/")["deposits"][0]["status"] == "COMPLETED"
    [row] = here.call("user_transactions/")
    assert (row["type"], row["btc"], row["fee"]) == ("0", "0.50000000", "0.00000000")
    assert here.call("btc_unconfirmed/") == []


def test_a_deposit_may_wait_for_a_person(bench: Maker) -> None:
    """It says why, and is credited once somebody has looked."""
    here = bench()
    seen = here.venue.deposits.see(
        here.account, "usdt", Decimal(50), here.now_us, pending_reason="ADDRESS_VERIFICATION_NEEDED"
    )
    here.now_us += HOUR_US
    here.venue.advance(here.now_us)
    [row] = here.call("crypto-transactions/")["deposits"]
    assert (row["status"], row["pending_reason"]) == ("PENDING", "ADDRESS_VERIFICATION_NEEDED")
    here.venue.deposits.release(seen.deposit_id)
    here.venue.advance(here.now_us)
    assert here.account.balance("usdt").total == 50


def test_deposit_addresses_belong_to_account_and_network(bench: Maker) -> None:
    """The same one each time; none for fiat, nor for a chain that takes no deposits."""
    here = _with_sub_account(bench)
    own = here.call("usdt_address/")
    assert own == here.call("usdt_address/", network="ethereum")
    assert own["address"].startswith("0x")
    assert len(own["address"]) == 42
    assert here.call("usdt_address/", key="Sub") != own
    assert here.call("usdt_address/", network="tron")["reason"] == {"network": ["Invalid network selection"]}
    assert here.call("usd_address/")["reason"] == "Currency not found."
    with pytest.raises(Refusal):
        here.venue.deposits.see(here.account, "usdt", Decimal(1), here.now_us, "tron")


def test_money_goes_to_a_sub_account_and_back(bench: Maker) -> None:
    """A row of type 14 on either side each time; the sub-account's own key need not say whose money it is."""
    here = _with_sub_account(bench)
    sub = next(account for account in here.venue.accounts.values() if account.main_id is not None)
    form = {"amount": "30", "currency": "USDT"}
    named = form | {"subAccount": str(sub.user_id)}
    assert here.call("transfer-from-main/", key="Treasurer", **named) == {"status": "ok"}
    [out], [came] = here.call("user_transactions/"), here.call("user_transactions/", key="Sub")
    assert (out["type"], out["usdt"], came["type"], came["usdt"]) == ("14", "-30.00000", "14", "30.00000")
    assert here.call("transfer-to-main/", key="Treasurer", **(named | {"amount": "10"})) == {"status": "ok"}
    assert here.call("transfer-to-main/", key="Sub", **(form | {"amount": "20"})) == {"status": "ok"}
    assert (here.account.balance("usdt").total, sub.balance("usdt").total) == (Decimal(100), Decimal(0))


def test_transfers_say_why_not(bench: Maker) -> None:
    """What is missing, unknown or not there, in the documented words; a sub-account cannot take from its main one."""
    here = _with_sub_account(bench)

    def reason(call: str, key: str = "Treasurer", **form: str) -> object:
        return here.call(call, key=key, **form)["reason"]

    assert reason("transfer-to-main/", amount="1", currency="btc") == 'Missing parameters: ["subAccount"].'
    unknown = {"amount": "1", "currency": "btc", "subAccount": "1234567"}
    assert reason("transfer-from-main/", **unknown) == 'Sub account with identifier "1234567" does not exist.'
    assert "valid choice" in str(reason("transfer-from-main/", **(unknown | {"currency": "doge"})))
    assert reason("transfer-from-main/", key="Sub", **unknown) == "No permission found"
    poor = reason("transfer-to-main/", key="Sub", amount="1", currency="btc")
    assert poor == "You have only 0.00000000 BTC available. Check your account balance for details."
    assert "greater than" in str(reason("transfer-to-main/", key="Sub", amount="-1", currency="btc"))


async def test_levers_move_deposits_requests_and_chains(
    served: Callable[..., AbstractAsyncContextManager[Live]],
) -> None:
    """A person at the control endpoint can let money come, end a request, change a chain and freeze the account."""
    async with served() as live:
        seen = await live.control("deposit_crypto", currency="usdt", amount="25", pending_reason="CHECK")
        assert (await live.control("release_deposit", id=seen["id"]))["id"] == seen["id"]
        await live.control("network", currency="usdt", network="ethereum", minimum="30", fee="2")
        listed = {row["currency"]: row for row in await live.get("currencies/")}
        assert listed["USDT"]["networks"][0]["withdrawal_minimum_amount"] == "30.00000000"
        await live.control("account", frozen=True)
        assert (await live.post("account_balances/"))["code"] == "API0006"
        await live.control("account", frozen=False)
        for action, body in (
            ("release_deposit", {"id": 99}), ("withdrawal_status", {"id": 1, "status": "failed"}),
            ("network", {"currency": "usdt", "network": "moon"}),
        ):  # fmt: skip
            async with live.http.post(f"{live.at.control}/{action}", json=body) as reply:
                assert reply.status == 400
