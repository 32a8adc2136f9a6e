"""A key that may do more than its role needs is seen before it is used, and so is one of somebody else's account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot.bitstamp import rights
from arbbot.bootstrap.key_rights import whose, withdrawal_words
from arbbot.bootstrap.wiring import Taps, gateway
from arbbot.domain.exit_codes import ExitCode
from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_PANIC_KEY,
    DEMO_PANIC_SECRET,
    DEMO_READ_KEY,
    DEMO_READ_SECRET,
    DEMO_SECRET,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
)
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Keys, RunMode, Settings
from tests.bootstrap.program import arbbot, exchange, variables
from tests.vault.server import serving
from tests.vault.store import Store, Token

ROLES = {
    "read_only": (DEMO_READ_KEY, DEMO_READ_SECRET),
    "treasury": (DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET),
    "panic": (DEMO_PANIC_KEY, DEMO_PANIC_SECRET),
}


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """A calm exchange."""
    with exchange() as addresses:
        yield addresses


def of_role(role: str, key: str, secret: str) -> dict[str, str]:
    """A role's key by environment."""
    return {f"ARBBOT_KEYS__{role.upper()}__KEY_ID": key, f"ARBBOT_KEYS__{role.upper()}__SECRET": secret}


def checked(
    venue: dict[str, Any], key: str, secret: str, **more: str
) -> tuple[int, list[tuple[str, bool | None, str]]]:
    """Exit code and findings of a check."""
    ended = arbbot("check", "--json", **variables(venue, key, secret), **more)
    return ended.code, [(each["check"], each["passed"], each["text"]) for each in json.loads(ended.out)["checks"]]


def test_a_daemon_refuses_a_key_that_may_withdraw(venue: dict[str, Any], tmp_path: Path) -> None:
    """Exit 4 before anything is journaled but the journal itself; no order, no withdrawal was made."""
    given = variables(venue, DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET) | {"ARBBOT_STATE_DIR": str(tmp_path)}
    ended = arbbot("run", "--for", "1s", **given)
    assert ended.code == ExitCode.SECRET
    assert "the trading key may withdraw, which trading does not need" in ended.err
    assert "keys.withdrawal_right = allow" in ended.err


def test_who_knows_better_may_use_it(venue: dict[str, Any], tmp_path: Path) -> None:
    """Allowed, it trades and is told of at each start; unasked, nothing is sent to see."""
    given = variables(venue, DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET) | {"ARBBOT_STATE_DIR": str(tmp_path)}
    quick = {"ARBBOT_ACCOUNT__LAG_S": "0.1", "ARBBOT_KEYS__WITHDRAWAL_RIGHT": "allow"}
    ended = arbbot("run", "--for", "2s", **given, **quick)
    assert "WARNING: may withdraw, which trading does not need; allowed by" in ended.err
    assert ended.code == 0, ended.err
    _, found = checked(venue, DEMO_TREASURY_KEY, DEMO_TREASURY_SECRET, ARBBOT_KEYS__WITHDRAWAL_RIGHT="unasked")
    assert ("key", None, "may withdraw? not asked: keys.withdrawal_right is unasked") in found


async def said(venue: dict[str, Any], fault: str, **wishes: Any) -> tuple[bool | None, str]:
    """What is said of a key that may withdraw, while a fault is on."""
    settings = Settings.model_validate({"sandbox": {"rest_url": venue["rest"], "ws_url": venue["websocket"]}})
    keys = Keys(DEMO_TREASURY_KEY, SecretStr(DEMO_TREASURY_SECRET))
    faults = f"{venue['control']}/faults"
    async with aiohttp.ClientSession() as http:
        async with http.post(faults, json={"fault": fault}) as reply:
            assert reply.status == 200, await reply.text()
        try:
            async with gateway(settings, keys, SystemClock(), lambda _event, _at: None, Taps()) as source:
                asked = settings.model_copy(update={"mode": wishes.pop("mode", settings.mode)})
                return await withdrawal_words(asked, source, "btc", **wishes)
        finally:
            async with http.delete(faults) as reply:
                assert reply.status == 200, await reply.text()


@pytest.mark.parametrize("fault", ["reply_lost", "http_503", "rate_limited", "mis_signed"])
async def test_one_lost_answer_admits_no_key(venue: dict[str, Any], fault: str) -> None:
    """Asked again, the venue shows what the key may do."""
    fit, words = await said(venue, f"{fault}:btc_withdrawal:1")
    assert fit is False
    assert words.startswith("may withdraw, which trading does not need")


async def test_a_key_nobody_tells_of_is_not_used_for_real_money(
    venue: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without any answer live mode refuses it, and so does a rotation; sandbox mode says that it is not known."""
    monkeypatch.setattr(rights, "AGAIN_S", 0.0)
    fit, words = await said(venue, "reply_lost:btc_withdrawal", mode=RunMode.LIVE)
    assert (fit, words.split(":")[0]) == (False, "NOT KNOWN whether it may withdraw")
    assert "try again" in words
    fit, words = await said(venue, "reply_lost:btc_withdrawal", answer_needed=True)
    assert (fit, words.split(":")[0]) == (False, "NOT KNOWN whether it may withdraw")
    fit, words = await said(venue, "reply_lost:btc_withdrawal")
    assert (fit, words.split(":")[1]) == (None, " NOT KNOWN whether it may withdraw")


@pytest.mark.parametrize("mode", [RunMode.SANDBOX, RunMode.LIVE])
async def test_a_venue_that_hides_rights_refuses_nobody(venue: dict[str, Any], mode: RunMode) -> None:
    """It answered, and what it said shows nothing: said as not known, in live mode too."""
    fit, words = await said(venue, "ip_403:btc_withdrawal", mode=mode)
    assert fit is None
    assert words.startswith("WARNING: NOT KNOWN whether it may withdraw: the venue does not let us see it")


def test_check_looks_at_the_keys_of_all_roles(venue: dict[str, Any]) -> None:
    """Each does its own work, and belongs to the account, as far as the venue lets it be seen."""
    given = {name: text for role, pair in ROLES.items() for name, text in of_role(role, *pair).items()}
    code, found = checked(venue, DEMO_KEY, DEMO_SECRET, **given)
    assert code == 0
    assert {
        ("key", True, "may not withdraw btc"),
        ("read_only", True, "of the trading key's account"),
        ("read_only", True, "reads the account"),
        ("treasury", True, "of the trading key's account"),
        ("treasury", True, "may withdraw btc"),
        ("panic", None, "of the trading key's account? the venue does not let us see it"),
        ("panic", True, "may cancel"),
    } <= set(found)


def test_check_does_not_want_what_vault_keeps_from_the_daemon(venue: dict[str, Any]) -> None:
    """By the policy of docs/how-to/vault.md it reads its own keys, not the treasury's: told, and no failure."""
    roles = ("trading", "read_only", "panic")
    store = Store(tokens={"hvs.the-daemons": Token(tuple(f"arbbot/sandbox/{role}" for role in roles))})
    for role, (key, secret) in {"trading": (DEMO_KEY, DEMO_SECRET), **ROLES}.items():
        store.put(f"arbbot/sandbox/{role}", {"key_id": key, "secret": secret})
    given = variables(venue, DEMO_KEY, DEMO_SECRET)
    given = {name: text for name, text in given.items() if not name.startswith("ARBBOT_KEYS__")}
    with serving(store) as vault:
        by_vault = {"ARBBOT_KEYS__VAULT__ADDRESS": vault.address, "ARBBOT_KEYS__VAULT__TOKEN": "hvs.the-daemons"}
        ended = arbbot("check", "--json", **given, **by_vault)
    assert ended.code == 0, ended.err
    words = {each["check"]: (each["passed"], each["text"]) for each in json.loads(ended.out)["checks"]}
    assert words["panic"] == (True, "may cancel")
    assert "WARNING: lies in Vault: while Vault is sealed or silent, a panic has to do without it" in ended.out
    assert words["treasury"][0] is None
    assert "permission denied" in words["treasury"][1]


def test_check_fails_on_keys_of_the_wrong_kind(venue: dict[str, Any]) -> None:
    """One of another account, and those that may not do what they are for."""
    given = (
        of_role("panic", DEMO_READ_KEY, DEMO_READ_SECRET)
        | of_role("treasury", DEMO_READ_KEY, DEMO_READ_SECRET)
        | of_role("read_only", DEMO_SUB_KEY, DEMO_SUB_SECRET)
    )
    code, found = checked(venue, DEMO_KEY, DEMO_SECRET, **given)
    assert code == ExitCode.CHECK_FAILED
    failed = {(name, text) for name, passed, text in found if passed is False}
    assert ("treasury", "may not withdraw btc") in failed
    assert any(name == "panic" and text.startswith("may not cancel: ") and "API0003" in text for name, text in failed)
    assert any(name == "read_only" and "ANOTHER ACCOUNT" in text for name, text in failed)


def test_a_treasury_of_another_account_settles_nothing(venue: dict[str, Any]) -> None:
    """It may move money between accounts, and is told of; where settlement is on it fails, as each settlement would."""
    given = of_role("treasury", DEMO_SUB_KEY, DEMO_SUB_SECRET)
    listed = json.dumps([{"currency": "usdt", "network": "ethereum", "address": "0x" + "a1" * 20}])
    settling = {"ARBBOT_SETTLEMENT__ENABLED": "true", "ARBBOT_SETTLEMENT__ALLOWED": listed}
    for more, fit in (({}, None), (settling, False)):
        _, found = checked(venue, DEMO_KEY, DEMO_SECRET, **given, **more)
        words = [(passed, text) for name, passed, text in found if name == "treasury" and "ANOTHER ACCOUNT" in text]
        assert [passed for passed, _ in words] == [fit], found
        assert ("settle needs one of the same" in words[0][1]) is (fit is False)


def test_whose_a_key_is() -> None:
    """Known only where the venue tells of both."""
    assert whose(1, 1)[0] is True
    assert whose(1, 2)[0] is False
    assert whose("refused", 1)[0] is None
    assert whose(1, "refused")[0] is None
