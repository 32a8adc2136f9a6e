"""The verbs as an operator uses them: real processes, a real exchange, a real journal and recording."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.domain.ramp import RampSet
from arbbot.exchange.options import DEMO_KEY, DEMO_READ_KEY, DEMO_READ_SECRET, DEMO_SECRET
from arbbot.journal.sqlite import Identity, open_journal
from tests.bootstrap.program import Ended, arbbot, exchange, variables


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Ended]:
    """A recorded demonstration of ten seconds: its state directory, its recording, and how it ended."""
    state, recording = tmp_path_factory.mktemp("state"), tmp_path_factory.mktemp("recording")
    ended = arbbot("run", "--demo", "--for", "10s", "--record", str(recording / "run"), ARBBOT_STATE_DIR=str(state))
    return state, recording / "run", ended


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """A calm exchange."""
    with exchange() as addresses:
        yield addresses


def test_a_demonstration_says_why_it_trades_and_what_came_of_it(played: tuple[Path, Path, Ended]) -> None:
    """Scenario, tier and break-even before the first hedge; a summary after the last; exit 0."""
    _, _, ended = played
    assert ended.code == 0, ended.err
    for words in (
        "dry-run",
        "dislocated",
        "ARTIFICIAL",
        "fee tier",
        "break-even",
        "full: one hedge may be 100 %",
        "pause --reason",
        "completed",
        "difference 0",
        "after fees",
        "turnover ",
        "net return ",
        "exit        0 (ok): --for 10s is over",
    ):
        assert words in ended.err


def test_report_has_what_programs_rely_on(played: tuple[Path, Path, Ended]) -> None:
    """The last journal is found by itself; every promised field is there, and the ledger equals the venue."""
    state, _, _ = played
    figures = json.loads(arbbot("report", "--json", ARBBOT_STATE_DIR=str(state)).out)
    assert {"mode", "state", "in_doubt", "refusals", "fees", "turnover_per_day", "net_return_annualised"} <= set(
        figures
    )
    assert set(figures["hedges"]) >= {"completed", "one_sided", "halted", "open"}
    assert figures["hedges"]["completed"] >= 1
    assert set(figures["pnl"]) >= {"hedge", "fx_drift", "float_revaluation"}
    assert set(figures["edge_bps"]) == {"expected", "realised"}
    assert {Decimal(bound) for bound in figures["exposure"]["btc"].values()} == {Decimal(0)}
    for line in figures["ledger"].values():
        names = {"opening", "booked", "external", "rounding", "settled", "in_transit"}
        assert set(line) == names | {"venue", "difference"}
        parts = sum(Decimal(line[part]) for part in names)
        assert Decimal(line["venue"]) == parts
        assert Decimal(line["difference"]) == 0


def test_explain_tells_a_hedge_from_decision_to_money(played: tuple[Path, Path, Ended]) -> None:
    """Decision, both intents before any fill, rows, and what it made, in order and with times."""
    state, _, ended = played
    hedge_id = next(word.rstrip(":") for word in ended.err.split() if word.rstrip(":").endswith("-h00001"))
    told = json.loads(arbbot("explain", hedge_id, "--json", ARBBOT_STATE_DIR=str(state)).out)
    records, (buy, sell) = told["records"], told["orders"]
    kinds = [line["kind"] for line in records]
    assert kinds[:3] == ["hedge_opened", "order_intended", "order_intended"]
    assert kinds[-1] == "hedge_settled"
    assert {"order_moved", "fill_booked", "row_booked", "hedge_closed"} <= set(kinds)
    times = [Decimal(line["after_ms"]) for line in records]
    assert times == sorted(times)
    assert (buy["side"], sell["side"]) == ("buy", "sell")
    assert Decimal(buy["decided"]) == Decimal(records[0]["buy_vwap"])
    made = told["made"]
    difference = Decimal(made["realised_pnl"]) - Decimal(made["expected_pnl"])
    assert sum(Decimal(cause["worth"]) for cause in made["causes"]) == difference
    assert told["decided_utc"].endswith("Z")
    assert records[0]["grounds"]["changes"] >= 1
    shown = arbbot("explain", hedge_id, ARBBOT_STATE_DIR=str(state))
    assert hedge_id in shown.out
    assert not re.search(r"Decimal\(|<|\{|=", shown.out), "words, not how Python writes its objects"
    for figure in (
        "FX eurusd at",
        "size bound by",
        "fees: buying",
        "books of btcusd 20",
        "threshold 35 bp gross; the edge had stood for ",
        "decided     20",
        "slippage ",
        "made        ",
        "after fees",
        "transaction ",
    ):
        assert figure in shown.out
    assert arbbot("explain", "nobody-h1", ARBBOT_STATE_DIR=str(state)).code == 2


def test_two_replays_decide_what_the_run_decided(played: tuple[Path, Path, Ended]) -> None:
    """In processes of their own, with other hash seeds: the hash of all durable records is the recorded one."""
    _, recording, _ = played
    replays = [json.loads(arbbot("replay", str(recording), "--json", PYTHONHASHSEED=seed).out) for seed in ("1", "2")]
    assert replays[0]["equal"]
    assert replays[0]["records"] > 10
    assert replays[0]["hash"] == replays[1]["hash"] == replays[0]["recorded_hash"]


def test_check_passes_on_a_sound_account(venue: dict[str, Any]) -> None:
    """Clock, decimals, books, key rights, fees, break-even and balances on both legs, all asked of the venue."""
    ended = arbbot("check", "--json", **variables(venue, DEMO_KEY, DEMO_SECRET))
    told = json.loads(ended.out)
    assert ended.code == 0
    assert told["ok"]
    assert {"settings", "decimals", "clock", "book", "key", "fees", "balances"} == {
        each["check"] for each in told["checks"]
    }
    assert any("WARNING" in each["text"] for each in told["checks"])
    assert {"check": "key", "passed": True, "text": "may not withdraw btc"} in told["checks"]


def test_check_fails_where_the_weight_allows_no_order(venue: dict[str, Any]) -> None:
    """A daemon would wait for its first hedge for ever; both markets are named."""
    little = {"ARBBOT_TRADE__WEIGHT_PERCENT": "0.1", "ARBBOT_HEDGE__DUST_CAP": "0.00001"}
    ended = arbbot("check", "--json", **variables(venue, DEMO_KEY, DEMO_SECRET), **little)
    assert ended.code != 0
    failed = [each["text"] for each in json.loads(ended.out)["checks"] if each["passed"] is False]
    assert ["least on btcusd" in failed[0], "least on btceur" in failed[1]] == [True, True]


def test_a_raised_target_is_checked_by_the_journals_weight(venue: dict[str, Any], tmp_path: Path) -> None:
    """A weight that was set is of the target of then: of a thousand times as much, which the account has
    not got, it is less than an order, whatever a new journal would begin with.
    """
    given = variables(venue, DEMO_KEY, DEMO_SECRET) | {"ARBBOT_STATE_DIR": str(tmp_path)}
    journal = open_journal(tmp_path / "sandbox" / "journal.db", Identity("sandbox", "h", "a", "r"), sync_full=False)
    journal.append([RampSet(Decimal("0.05"), Decimal("0.01"), "ops", "less", 1, Decimal("0.05"))])
    journal.close()
    for target, failed in (("5", 0), ("50", 2)):
        ended = arbbot("check", "--json", **given, ARBBOT_TRADE__TARGET_SIZE=target)
        weights = [each for each in json.loads(ended.out)["checks"] if each["check"] == "weight"]
        assert [each["passed"] for each in weights] == [False] * failed, ended.out
        assert all(each["text"].startswith("0.001 % of") for each in weights)


def test_a_first_start_warns_of_a_weight_that_allows_no_order(venue: dict[str, Any], tmp_path: Path) -> None:
    """A line a market on the terminal, before the first event; it runs all the same."""
    given = variables(venue, DEMO_KEY, DEMO_SECRET) | {
        "ARBBOT_STATE_DIR": str(tmp_path),
        "ARBBOT_ACCOUNT__LAG_S": "0.1",
    }
    little = {"ARBBOT_TRADE__WEIGHT_PERCENT": "0.1", "ARBBOT_HEDGE__DUST_CAP": "0.00001"}
    ended = arbbot("run", "--for", "1s", **given, **little)
    assert ended.code == 0, ended.err
    assert re.search(r"WARNING +0.1 % of .* the venue's least on btcusd", ended.err)
    assert re.search(r"WARNING +0.1 % of .* the venue's least on btceur", ended.err)


def test_check_names_a_key_that_may_not_trade(venue: dict[str, Any]) -> None:
    """A read-only key reads everything and is found out all the same; its own exit code, nothing traded."""
    ended = arbbot("check", **variables(venue, DEMO_READ_KEY, DEMO_READ_SECRET))
    assert ended.code == 23
    assert "may not trade" in ended.out


def test_check_in_paper_mode_tells_what_paper_trades_with(venue: dict[str, Any], tmp_path: Path) -> None:
    """Fees, break-even and balances are the settings', since no account is asked."""
    places = {"ARBBOT_PAPER__REST_URL": venue["rest"], "ARBBOT_PAPER__WS_URL": venue["websocket"]}
    ended = arbbot("check", "--mode", "paper", **places, ARBBOT_STATE_DIR=str(tmp_path))
    assert ended.code == 0, ended.err
    for words in ("mode paper needs none", "taker 0.400%", "break-even 0.8", "1 btc available", "100000 usd available"):
        assert words in ended.out
