"""`arbbot treasury`, the verbs that only look, as processes against a real exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

from arbbot.bootstrap.treasury_looks import chosen_network
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import Currency, CurrencyNetwork
from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_READ_KEY,
    DEMO_READ_SECRET,
    DEMO_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
)
from tests.bootstrap.program import Ended, arbbot, exchange, variables


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """An exchange for the whole file; what one test leaves there, no other looks at."""
    with exchange() as addresses:
        yield addresses


def treasury(
    venue: dict[str, Any], *words: str, key: str = DEMO_TREASURY_KEY, secret: str = DEMO_TREASURY_SECRET
) -> Ended:
    """`arbbot treasury WORDS` with this treasury key."""
    own = {"ARBBOT_KEYS__TREASURY__KEY_ID": key, "ARBBOT_KEYS__TREASURY__SECRET": secret}
    return arbbot("treasury", *words, **(variables(venue, DEMO_KEY, DEMO_SECRET) | own))


def tell(venue: dict[str, Any], path: str, method: str = "GET", body: str | None = None) -> Any:
    """What the exchange's control endpoint answers."""
    control = urlsplit(venue["control"])
    with closing(HTTPConnection(control.hostname or "", control.port, timeout=10)) as line:
        line.request(method, f"{control.path}/{path}", body)
        return json.loads(line.getresponse().read())


def pull(venue: dict[str, Any], lever: str, **body: object) -> Any:
    """Use a lever of the exchange."""
    return tell(venue, lever, "POST", json.dumps(body))


def test_the_deposit_address_is_the_venues(venue: dict[str, Any]) -> None:
    """The same in words and as JSON, for the one network that is open, or the one that is named."""
    told = treasury(venue, "address", "USDT", "--json")
    assert told.code == 0, told.err
    answer = json.loads(told.out)
    assert (answer["currency"], answer["network"]) == ("usdt", "ethereum")
    assert answer["address"].startswith("0x")
    assert answer["address"] in treasury(venue, "address", "usdt", "--network", "ethereum").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("usdt", "--network", "tron"), 2, "takes USDT on ethereum, not on tron"),
        (("usd",), 2, "takes USD on no network"),
        (("doge",), 2, "no currency DOGE"),
        (("us/dt",), 2, "no currency"),
    ],
)
def test_a_wrong_network_or_currency_is_one_clear_line(
    venue: dict[str, Any], words: tuple[str, ...], code: int, said: str
) -> None:
    """What is sent on a chain the venue does not take is lost, so nothing is guessed."""
    told = treasury(venue, "address", *words)
    assert told.code == code
    assert said in told.err
    assert len(told.err.splitlines()) == 1


def test_of_several_networks_one_must_be_named() -> None:
    """Open ones only count."""
    chains = tuple(CurrencyNetwork(name, name != "moon", True, None, 6) for name in ("ethereum", "tron", "moon"))
    listed = (Currency("usdt", 6, True, True, chains),)
    with pytest.raises(Failure, match="ethereum, tron: say --network"):
        chosen_network(listed, "usdt", None)
    assert chosen_network(listed, "usdt", "tron") == "tron"
    with pytest.raises(Failure, match="not on moon"):
        chosen_network(listed, "usdt", "moon")


def test_deposits_tell_what_they_wait_for(venue: dict[str, Any]) -> None:
    """One that a person must look at says so."""
    pull(venue, "deposit_crypto", currency="usdt", amount="25", pending_reason="ADDRESS_VERIFICATION_NEEDED")
    [row] = json.loads(treasury(venue, "deposits", "--json").out)["deposits"]
    assert (row["size"], row["status"], row["waits_for"]) == ("25", "PENDING", "ADDRESS_VERIFICATION_NEEDED")
    assert "ADDRESS_VERIFICATION_NEEDED" in treasury(venue, "deposits").out


def test_withdrawals_of_an_account_that_made_none(venue: dict[str, Any]) -> None:
    """Nothing is told as nothing, not as an error."""
    assert treasury(venue, "withdrawals").out == "withdrawal requests: none\n"
    assert json.loads(treasury(venue, "withdrawals", "--json").out) == {"requests": []}


def test_the_treasury_verbs_want_the_treasurys_key(venue: dict[str, Any]) -> None:
    """The trading key does not stand in; a refused key is told with the venue's words; paper mode has no account."""
    bare = arbbot("treasury", "withdrawals", **variables(venue, DEMO_KEY, DEMO_SECRET))
    assert bare.code == ExitCode.SECRET
    assert "keys.treasury.key_id: missing" in bare.err
    refused = treasury(venue, "withdrawals", key=DEMO_READ_KEY, secret=DEMO_TREASURY_SECRET)
    assert refused.code == ExitCode.AUTH
    assert "API0005: Invalid signature" in refused.err
    assert treasury(venue, "withdrawals", key=DEMO_READ_KEY, secret=DEMO_READ_SECRET).code == 0
    paper = treasury(venue, "withdrawals", "--mode", "paper")
    assert paper.code == ExitCode.SETTINGS
    assert "paper mode has no account" in paper.err
