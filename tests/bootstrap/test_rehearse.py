"""A rehearsal's timetable, its measures and its stand-in for a person; and one played for real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.longrun.daemon_child import DaemonChild, as_variables, child_settings
from arbbot.bootstrap.longrun.fingerprints import settings_fingerprint
from arbbot.bootstrap.longrun.gate import refuse_unrehearsed
from arbbot.bootstrap.longrun.memory import Sample, judge
from arbbot.bootstrap.longrun.person import Person
from arbbot.bootstrap.longrun.schedule import FIRST_AFTER_S, PACES, Death, Level, timetable
from arbbot.bootstrap.longrun.tally import Tally, net_edge
from arbbot.bootstrap.longrun.troubles import CATALOGUE, at_speed
from arbbot.bootstrap.longrun.truth import Truth
from arbbot.bootstrap.longrun.venue import VenueControl
from arbbot.bootstrap.longrun.verdict import differences, on_record
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.ledger import LedgerAccount, move
from arbbot.domain.market import Direction
from arbbot.domain.order import Transaction
from arbbot.domain.records import HedgeOpened, RowBooked
from arbbot.engine.rules import FxPolicy
from arbbot.exchange.faults import FAULTS, Fault
from arbbot.settings import Settings, SettingsError
from arbbot.settings.load import read_sources
from tests.engine.rig import ROUTE

D = Decimal
ROOT = Path(__file__).parents[2]
DAY_S = 86_400.0


# --- the timetable ------------------------------------------------------------------------------------------------


def test_every_fault_the_exchange_knows_is_in_the_catalogue_and_well_written() -> None:
    """The catalogue leaves no switch out but those of withdrawals, which no daemon makes, names none that does not
    exist, and survives any speed.
    """
    faults = [fault for trouble in CATALOGUE for fault in trouble.faults]
    of_withdrawals = {name for name in FAULTS if name.startswith("withdrawal_") or name == "requests_late"}
    assert {Fault.parse(at_speed(fault, 60)).name for fault in faults} == set(FAULTS) - of_withdrawals
    assert at_speed("stall:order_book_btcusd:1,delay_s=60", 60) == "stall:order_book_btcusd:1,delay_s=1.0000"
    assert at_speed("not_found:sell:1,delay_s=5", 60) == "not_found:sell:1,delay_s=5"


@pytest.mark.parametrize("level", [Level.USUAL, Level.HEAVY])
def test_a_day_lets_everything_loose_in_turn(level: Level) -> None:
    """In 24 h each trouble comes by a name of its own, whatever the seed: the longest spells and gaps leave room for
    all. Of two in one spell the exchange can tell which has struck. Spells never overlap nor outlast the day, and both
    kinds of death come often.
    """
    table, pace = timetable(7, DAY_S, level), PACES[level]
    names = [each.name for each in CATALOGUE]
    assert {trouble.name for spell in table.spells for trouble in spell.troubles} == set(names)
    assert len(set(names)) == len(names)
    assert (DAY_S - FIRST_AFTER_S - pace.gap_s[0]) // (pace.gap_s[1] + pace.spell_s[1]) >= len(names)
    for spell in table.spells:
        strikes = [strike for trouble in spell.troubles for strike in trouble.strikes]
        assert len(set(strikes)) == len(strikes)
    ends = [FIRST_AFTER_S, *(spell.at_s + spell.for_s for spell in table.spells)]
    assert all(spell.at_s >= end for spell, end in zip(table.spells, ends, strict=False))
    assert ends[-1] <= DAY_S
    kinds = [kind for _, kind in table.deaths]
    assert min(kinds.count(Death.KILL), kinds.count(Death.STOP)) >= 4
    assert [at_s for at_s, _ in table.deaths] == sorted(at_s for at_s, _ in table.deaths)


def test_the_same_seed_gives_the_same_timetable_and_none_gives_nothing() -> None:
    """Repeatable by seed, length and level; even a short one has both deaths; `none` leaves it alone."""
    assert timetable(3, 3600, Level.HEAVY) == timetable(3, 3600, Level.HEAVY) != timetable(4, 3600, Level.HEAVY)
    assert {kind for _, kind in timetable(3, 600, Level.USUAL).deaths} == set(Death)
    left_alone = timetable(3, DAY_S, Level.NONE)
    assert not left_alone.spells
    assert not left_alone.deaths


# --- measures -----------------------------------------------------------------------------------------------------


def opened(**changes: Any) -> HedgeOpened:
    """A decision to buy for dollars and sell for euros, just above break-even."""
    figures: dict[str, Any] = {
        "hedge_id": "x-h1", "direction": Direction.BUY_DOMESTIC, "size": D("0.1"), "buy_market": "btcusd",
        "sell_market": "btceur", "buy_vwap": D(85_000), "sell_vwap": D(75_800), "fx_vwap": D("1.13"),
        "buy_fee": D("0.001"), "sell_fee": D("0.001"), "fx_fee": D("0.001"), "limit_price": D(75_000),
        "gross_bps": D(0), "net_bps": D(0), "legs_bps": D(0), "expected_pnl": D(0), "bound_by": "target",
        "book_microtimestamps": (1, 2, 3), "utc_us": 1, "mono_ns": 1,
    }  # fmt: skip
    return HedgeOpened(**{**figures, **changes})


def test_the_net_edge_is_that_of_the_formula_in_both_directions() -> None:
    """net = bid (1-f) FX (1-fx) / (ask (1+f)) - 1, and its mirror image, from the record's figures."""
    assert abs(net_edge(opened(), "btcusd", D("0.001")) - D("0.00468")) < D("0.00001")
    back = opened(direction=Direction.BUY_FOREIGN, buy_market="btceur", sell_market="btcusd", buy_vwap=D(75_000),
                  sell_vwap=D(85_000))  # fmt: skip
    assert abs(
        net_edge(back, "btcusd", D("0.001")) - (D(85_000) * D("0.999") / (75_075 * D("1.13") * D("1.001")) - 1)
    ) < D("1e-9")
    assert net_edge(opened(sell_vwap=D(75_400)), "btcusd", D("0.001")) < 0


def booked(change: str) -> RowBooked:
    """A row by which a trade of the daemon's changed its euros."""
    row = Transaction(1, 1, 2, (("EUR", D(change)),), D(0), None, 9, "btceur", D(1))
    return RowBooked(row, None, move("EUR", D(change), LedgerAccount.TRADING), 1)


@pytest.mark.parametrize(
    ("policy", "left", "owes"),
    [("each", "0", True), ("each", "-9000", True), ("band", "0", True), ("band", "-3000", True),
     ("band", "-3790", False), ("band", "-9000", False), ("band", "9000", True), ("never", "9000", False)],
)  # fmt: skip
def test_the_fee_of_a_conversion_is_owed_by_the_drift_and_not_by_what_the_record_says(
    policy: str, left: str, owes: bool
) -> None:
    """A sale for 7,572 EUR after fees: `band` lets it off from half of that on the other side of zero. A hedge that
    counts no fee where it owes one broke a promise, and is at a loss where it does not pay for it.
    """
    for fee, net in (("0", "0.0004"), ("0.001", "0.0004")):
        counts = Tally(D(0), FxPolicy(policy), route=ROUTE)
        counts.take(booked(left))
        price = D(85_000) * D("1.001") / D("0.999") / D("1.13") * (1 + D(net))
        counts.take(opened(sell_vwap=price, fx_fee=D(fee)))
        assert bool(counts.broken) is (owes is (fee == "0"))
        assert bool(counts.at_a_loss) is owes


def row(row_id: int, at_s: int, btc: str, market: str = "btcusd", price: str = "85000") -> dict[str, Any]:
    """A trade as the venue's control endpoint tells it."""
    return {"id": row_id, "at_us": at_s * 1_000_000, "type": 2, "market": market, "price": price,
            "order_id": 70 + row_id, "amounts": {"btc": btc}}  # fmt: skip


def account(*rows: dict[str, Any], btc: str = "10") -> dict[str, Any]:
    """An account as the venue's control endpoint tells it."""
    return {"balances": {"btc": {"total": btc}}, "rows": list(rows), "orders": []}


def test_unhedged_time_and_worth_come_from_the_venues_rows() -> None:
    """Beyond dust from one row to the one that closes it, also across readings, and up to now while it lasts."""
    truth = Truth(D("0.0005"))
    truth.take(account(row(1, 10, "0.1"), row(2, 12, "-0.1"), row(3, 20, "-0.2")), 25_000_000)
    assert (truth.longest_us, truth.longest_at_us) == (5_000_000, 20_000_000)
    truth.take(account(row(4, 50, "0.2")), 60_000_000)
    assert (truth.longest_us, truth.most, truth.most_usd) == (30_000_000, D("0.2"), D(17_000))
    assert (truth.net, truth.last_row, truth.rows) == (D(0), 4, {(1, 71), (2, 72), (3, 73), (4, 74)})


def test_a_rebase_hides_no_difference() -> None:
    """What the venue has beyond the journal's rows is a difference, and so is what a rebase took for granted."""
    truth, counts = Truth(D(0)), Tally(D(0), FxPolicy.BAND)
    truth.take(account(btc="10"), 1)
    truth.take(account(btc="11"), 2)
    counts.holdings = {"btc": D(10)}
    assert differences(counts, truth) == {"btc": D(1)}
    counts.holdings, counts.rebase_differences = {"btc": D(11)}, {"btc": D("-0.5")}
    assert differences(counts, truth) == {"btc": D("0.5")}


def test_memory_growth_is_told_across_processes() -> None:
    """A level of its own for each process, one growth for all; a leak is found, warming up and noise are not."""

    def lives(kib_an_hour: int, warming_kib: int = 0) -> list[Sample]:
        """Six processes of eight hours; every other one takes a step, as after one long reading."""
        hour_us, found = 3_600_000_000, []
        for life in range(6):
            for hour in range(8):
                rss_kib = 80_000 + 3_000 * life + hour * kib_an_hour + hour % 2 * 200
                step_kib = 20_000 if life % 2 and hour > 4 else 0
                warming = 0 if hour else warming_kib
                found.append(Sample(life, (8 * life + hour) * hour_us, hour * hour_us, rss_kib + step_kib - warming))
        return found

    still, leaking = judge(lives(0, 60_000)), judge(lives(2_048))
    assert still is not None
    assert still.flat
    assert still.start < 20
    assert still.slope is not None
    assert abs(still.slope) < 2
    assert leaking is not None
    assert leaking.slope is not None
    assert abs(leaking.slope - 48) < 3
    assert not leaking.flat
    assert judge([]) is None


class Listener(DaemonChild):
    """A daemon that notes what it is told, without a process."""

    def __init__(self) -> None:
        super().__init__(Settings(), Path())
        self.told: list[str] = []

    async def ask(self, verb: str, **more: object) -> dict[str, Any] | None:
        self.told.append(verb)
        return {}


class Clockwork(VenueControl):
    """A venue that takes trades by hand and lets time pass by ten seconds a look."""

    def __init__(self) -> None:
        self.traded: list[dict[str, object]] = []
        self.looks = 0

    def now_us(self) -> int:
        self.looks += 1
        return self.looks * 10_000_000

    async def act(self, action: str, body: Mapping[str, object]) -> dict[str, Any]:
        self.traded.append({"action": action, **body})
        return {}


def seen(state: str, carried: str = "0", *, reconciled: bool = True) -> dict[str, Any]:
    """A status as far as a person reads it."""
    return {"state": state, "state_reason": "why", "carried_dust": carried, "reconciled": reconciled}


async def test_a_person_reads_before_resuming_and_counts_every_call() -> None:
    """Not at once, once for each latch, never at the end's own pause, and not at all while all is well."""
    daemon = Listener()
    person = Person(daemon, Clockwork(), "btcusd", D("0.0005"))
    for state in ("active", "halted", "halted", "halted", "active", "active"):
        await person.look(seen(state))
    assert (daemon.told, person.times) == (["resume"], 1)
    person.leaving = True
    for _ in range(9):
        await person.look(seen("paused"))
    assert (daemon.told, person.times) == (["resume"], 1)


async def test_what_no_hedge_will_close_is_traded_back_once_and_rebased_only_when_booked() -> None:
    """A fill after its order's end: one trade by hand, and no new opening before the ledger has seen it."""
    daemon, venue = Listener(), Clockwork()
    person = Person(daemon, venue, "btcusd", D("0.0005"))
    for _ in range(8):
        await person.look(seen("halted", "-0.0025", reconciled=False))
    assert daemon.told == []
    assert venue.traded == [{"action": "trade", "market": "btcusd", "side": "buy", "amount": "0.0025"}]
    await person.look(seen("halted", "-0.0025"))
    assert (daemon.told, person.rebases, person.times) == (["rebase"], 1, 1)


def test_the_child_gets_the_operators_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings survive the way through the environment: same rules, own place and key, time-outs that fit the speed."""
    monkeypatch.chdir(tmp_path)
    mine = Settings.model_validate({"mode": "sandbox", "trade": {"weight_percent": "7.5"}, "state_dir": tmp_path})
    addresses = {"rest": "http://127.0.0.1:1", "websocket": "ws://127.0.0.1:1"}
    child = child_settings(mine, addresses, tmp_path / "deep", D(60))
    read = read_sources(environ=as_variables(child)).settings()
    assert settings_fingerprint(read) == settings_fingerprint(child)
    assert (read.trade, read.hedge, read.state_dir) == (mine.trade, mine.hedge, tmp_path / "deep")
    assert (read.rest.order_timeout_s, read.sandbox.speed) == (D("0.5"), D(60))


# --- played -------------------------------------------------------------------------------------------------------


def arbbot(state: Path, *words: str) -> subprocess.Popen[str]:
    """The program in a process of its own, with an otherwise clean environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "arbbot", *words], cwd=ROOT, env={**environment, "ARBBOT_STATE_DIR": str(state)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


SLOW = {"it traded", "the machine keeps up", "unhedged for a short time, or halted for it"}
"""What ten seconds on a busy machine may fail to show: a test does not hang on how fast it is."""


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, dict[str, Any], str]:
    """A rehearsal of ten minutes of market time with everything at once: state directory, code, verdict, progress."""
    state = tmp_path_factory.mktemp("state")
    words = ("rehearse", "--for", "10m", "--speed", "60", "--faults", "heavy", "--json")
    with arbbot(state, *words) as process:
        out, err = process.communicate(timeout=55)
    return state, process.returncode, json.loads(out), err


def test_ten_minutes_of_everything_end_flat_with_a_verdict(played: tuple[Path, int, dict[str, Any], str]) -> None:
    """Real processes, sockets, kills: it trades on, the money adds up, and the verdict is on record for its owner."""
    state, code, told, err = played
    missed = {each["name"] for each in told["criteria"] if not each["passed"]}
    assert missed <= SLOW, f"{told['criteria']} {told['called']} {err}"
    assert (code, told["verdict"]) == ((23, "failed") if missed else (0, "passed"))
    assert told["deaths"]["kill"] >= 1
    assert told["deaths"]["stop"] >= 1
    assert told["began"]
    assert told["struck"].keys() <= told["began"].keys()
    struck = next(each for each in told["criteria"] if each["name"] == "every trouble struck")
    assert f"{len(told['struck'])} of " in struck["measured"]
    assert "not asked for in less than a day" in struck["wanted"]
    assert set(told["ledger_differences"].values()) == {"0"} or not any(map(D, told["ledger_differences"].values()))
    (path,) = state.glob("rehearsals/*/verdict.json")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "ARTIFICIAL" in err
    assert "5 ms of this machine count as 300 ms" in err
    assert not list(state.glob("rehearsals/*/control.sock"))


def test_ten_minutes_do_not_open_live_mode_and_are_listed(played: tuple[Path, int, dict[str, Any], str]) -> None:
    """Of this version and these settings, and too short."""
    state, _, told, _ = played
    assert "does not open live mode" in told["counts_for_live"]
    switch = {"i_understand_real_money": "yes"}
    with pytest.raises(SettingsError, match=r"was only 0\.2 h long|did not pass"):
        refuse_unrehearsed(Settings.model_validate({"mode": "live", "state_dir": state, "live": switch}))
    with arbbot(state, "rehearse", "--list", "--json") as process:
        (line,) = json.loads(process.communicate(timeout=120)[0])["rehearsals"]
    assert (line["verdict"], line["this_code"], line["these_settings"]) == (told["verdict"], True, True)


@pytest.fixture
def interrupted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, subprocess.Popen[str]]]:
    """A rehearsal that has just begun."""
    state = tmp_path_factory.mktemp("state")
    with arbbot(state, "rehearse", "--for", "24h", "--json") as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "deaths" in line:
                break
        yield state, process


def test_a_place_too_deep_for_a_control_socket_is_refused_before_anything_starts(tmp_path: Path) -> None:
    """A daemon that could not be spoken to would be rehearsed in vain."""
    with arbbot(tmp_path / ("deep" * 20), "rehearse") as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == ExitCode.SETTINGS
    assert "choose a shorter state_dir" in err
    assert not list(tmp_path.iterdir())


def test_ctrl_c_stops_both_children_and_passes_nothing(interrupted: tuple[Path, subprocess.Popen[str]]) -> None:
    """The daemon ends flat, nobody is left behind, and what is on record is no pass."""
    state, process = interrupted
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=150)
    told = json.loads(out)
    assert process.returncode == ExitCode.CHECK_FAILED
    assert told["verdict"] == "failed"
    assert told["exit_codes"] == {"0": 1}
    assert next(each for each in told["criteria"] if each["name"] == "orderly end")["passed"]
    assert next(each["name"] for each in told["criteria"] if not each["passed"]) == "duration"
    assert not any(each.passed for each in on_record(state / "rehearsals"))
    assert not list(state.glob("rehearsals/*/control.sock"))
