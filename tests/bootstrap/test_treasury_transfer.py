"""`arbbot treasury transfer`: once, written down before it is sent, and what a lost answer meant read from the rows."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.transfer_doubt import looked_for
from arbbot.bootstrap.transfer_log import TransferLog, Written, transfer_log
from arbbot.bootstrap.treasury_transfer import Wanted, transfer
from arbbot.cli import main
from arbbot.domain.events import Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import Transfer
from arbbot.domain.order import Transaction
from arbbot.exchange.options import (
    DEMO_KEY,
    DEMO_SECRET,
    DEMO_SUB_KEY,
    DEMO_SUB_SECRET,
    DEMO_TREASURY_KEY,
    DEMO_TREASURY_SECRET,
)
from arbbot.settings import load
from arbbot.treasury.silence import Silence
from tests.bootstrap.program import exchange, variables
from tests.bootstrap.test_treasury_looks import pull, tell

SPEED = 100
"""Market seconds a second: looking five times for a row takes a tenth of one."""
SUB = "4848702"
ASKED = ("transfer", "30", "USDT", "--to", SUB, "--reason", "float", "--yes", "--json")


@pytest.fixture(scope="module")
def venue() -> Iterator[dict[str, Any]]:
    """An exchange for the whole file."""
    with exchange("--compression", str(SPEED)) as addresses:
        yield addresses


class Desk:
    """The verb in this process, with settings by environment."""

    def __init__(self, venue: dict[str, Any], state: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.venue, self.state, self._capsys = venue, state, capsys
        self.log = state / "sandbox" / "transfers.jsonl"

    def run(self, *words: str) -> tuple[int, Any, str]:
        """Exit code, the JSON on standard output if there is any, standard error."""
        code = main(["treasury", *words])
        said = self._capsys.readouterr()
        return code, json.loads(said.out) if said.out else None, said.err

    def lines(self) -> list[dict[str, Any]]:
        """What is written down."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def held(self, account: str = "demo-sub") -> Decimal:
        """USDT by the exchange's own truth."""
        [told] = tell(self.venue, f"state?account={account}")["accounts"]
        return Decimal(told["balances"]["usdt"]["total"])


@pytest.fixture
def desk(
    venue: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Desk]:
    """A desk with the treasury key and one allowed sub-account; faults are off again afterwards."""
    own = variables(venue, DEMO_KEY, DEMO_SECRET) | {
        "ARBBOT_KEYS__TREASURY__KEY_ID": DEMO_TREASURY_KEY,
        "ARBBOT_KEYS__TREASURY__SECRET": DEMO_TREASURY_SECRET,
        "ARBBOT_SANDBOX__SPEED": str(SPEED),
        "ARBBOT_STATE_DIR": str(tmp_path),
        "ARBBOT_TREASURY__SUB_ACCOUNTS": json.dumps([SUB]),
    }
    for name in [name for name in os.environ if name.startswith("ARBBOT_")]:
        monkeypatch.delenv(name)
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    yield Desk(venue, tmp_path, capsys)
    tell(venue, "faults", "DELETE")


def test_money_goes_there_and_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """From main, back by the main account's key, and by the sub-account's own; each written down twice."""
    before = desk.held()
    code, told, _ = desk.run(*ASKED)
    assert code == 0
    [line] = told["transfers"]
    assert (line["outcome"], line["size"], line["to"]) == ("done", "30", SUB)
    assert desk.held() == before + 30
    assert desk.run("transfer", "10", "usdt", "--from", SUB, "--reason", "x", "--yes", "--json")[0] == 0
    monkeypatch.setenv("ARBBOT_KEYS__TREASURY__KEY_ID", DEMO_SUB_KEY)
    monkeypatch.setenv("ARBBOT_KEYS__TREASURY__SECRET", DEMO_SUB_SECRET)
    assert desk.run("transfer", "20", "usdt", "--to-main", "--reason", "x", "--yes", "--json")[0] == 0
    assert desk.held() == before
    assert [(line["event"], line["name"]) for line in desk.lines()] == [
        (event, name) for name in ("t-1", "t-2", "t-3") for event in ("asked", "ended")
    ]
    assert desk.log.stat().st_mode & 0o077 == 0


def test_a_lost_answer_is_told_by_the_row(desk: Desk) -> None:
    """The money moved once, and is found; nothing is asked again."""
    before = desk.held()
    pull(desk.venue, "faults", fault="reply_lost:transfer-from-main:1")
    code, told, err = desk.run(*ASKED)
    assert code == 0, err
    assert told["transfers"][0]["outcome"] == "found"
    assert "looking for its row" in err
    assert desk.held() == before + 30


def test_a_lost_request_is_doubt_until_nothing_can_come_any_more(desk: Desk) -> None:
    """Exit 22 and no other transfer while it is; absent after the venue's 150 s and its lag, by two readings."""
    before = desk.held()
    pull(desk.venue, "faults", fault="request_lost:transfer-from-main:1")
    code, told, err = desk.run(*ASKED)
    assert (code, told["transfers"][0]["outcome"]) == (ExitCode.NOT_FLAT, "in_doubt")
    assert "not to be asked for again" in err
    code, _, err = desk.run(*ASKED)
    assert code == ExitCode.NOT_FLAT
    assert "t-1 is in doubt" in err
    for _ in range(4):  # on a busy machine one look of some market minutes may end before its second reading
        code, told, err = desk.run("transfers", "--json")
        if code == 0:
            break
    assert (code, told["transfers"][0]["outcome"]) == (0, "absent")
    assert "looking for its row" in err
    assert desk.held() == before
    assert desk.run(*ASKED)[0] == 0
    assert desk.held() == before + 30


class Stepped:
    """A clock whose wall time a person has set an hour on."""

    def __init__(self, utc_us: int) -> None:
        self._mono_ns, self._utc_us = 10**12, utc_us + 3_600_000_000

    def now(self) -> Moment:
        """The present moment."""
        return Moment(self._mono_ns, self._utc_us)

    async def sleep(self, seconds: float) -> None:
        """Time passes at once."""
        self._mono_ns += int(seconds * 1e9)
        self._utc_us += int(seconds * 1e6)


@pytest.mark.parametrize(("patience_s", "outcome"), [(150, None), (175, "absent")])
async def test_a_wall_clock_that_is_set_ends_no_doubt(tmp_path: Path, patience_s: int, outcome: str | None) -> None:
    """The venue may take the request for 150 s of real time, whatever the date: absent is what shows nothing after
    them and the lag of its rows, twice, a lag apart.
    """

    async def nothing() -> tuple[Transaction, ...]:
        return ()

    with transfer_log(tmp_path) as log:
        written = log.intend(Transfer("usdt", Decimal(30), False, SUB), False, 1, "ann", "x", 10**15)
        clock = Stepped(10**15)
        begun_ns = clock.now().mono_ns
        silence = Silence(Decimal(150), Decimal(5), 10**15, clock.now())
        ended = await looked_for(log, written, nothing, clock, silence, Decimal(patience_s))
    assert ended.outcome == outcome
    assert outcome is None or clock.now().mono_ns - begun_ns >= 160 * 10**9


def test_an_account_that_is_busy_by_the_time_of_the_yes_is_left_alone(desk: Desk) -> None:
    """A person takes their time: what was quiet before may not be so any more."""
    before = desk.held()
    wanted = Wanted(Transfer("usdt", Decimal(30), False, SUB), "ann", "float")

    def slow(_: str) -> bool:
        (desk.state / "control.sock").touch()
        return True

    with pytest.raises(Failure) as refused:
        transfer(load(None), wanted, slow, as_json=True)
    assert refused.value.code is ExitCode.DAEMON
    assert desk.held() == before
    assert [line["event"] for line in desk.lines()] == ["refused"]


def test_a_process_that_died_in_between_left_a_doubt(desk: Desk) -> None:
    """An intent without an end, whatever was sent: the next one looks for its row first."""
    with transfer_log(desk.state / "sandbox") as log:
        log.intend(Transfer("usdt", Decimal("12.34"), False, SUB), False, 1, "ann", "x", 10**18)
    code, _, err = desk.run(*ASKED)
    assert code == ExitCode.NOT_FLAT
    assert "t-1 is in doubt" in err


def test_the_venues_no_is_written_down_too(desk: Desk) -> None:
    """It ends the transfer: no doubt is left."""
    pull(desk.venue, "account", frozen=False)
    code, _, err = desk.run("transfer", "0.000000001", "usdt", "--from", SUB, "--reason", "x", "--yes")
    assert code == ExitCode.VENUE
    assert "the venue refused the transfer" in err
    assert [line.get("outcome") for line in desk.lines()] == [None, "refused"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("transfer", "1", "usdt", "--to", "99", "--reason", "x", "--yes"), ExitCode.SETTINGS, "does not name 99"),
        (("transfer", "900000", "usdt", "--to", SUB, "--reason", "x", "--yes"), ExitCode.USAGE, "is available, less"),
        (("transfer", "1", "usdt", "--to", SUB, "--reason", "x"), ExitCode.USAGE, "not confirmed"),
    ],
)
def test_what_speaks_against_it_is_written_down_and_nothing_is_sent(
    desk: Desk, words: tuple[str, ...], code: ExitCode, said: str
) -> None:
    """A sub-account not in the settings, more than there is, nobody who confirms."""
    before = desk.held()
    got, _, err = desk.run(*words)
    assert (got, len(err.splitlines())) == (code, 1)
    assert said in err
    [line] = desk.lines()
    assert line["event"] == "refused"
    assert said in line["words"]
    assert desk.held() == before


@pytest.mark.parametrize("more", [(), ("--to", "1", "--from", "1"), ("--to", "1", "--to-main")])
def test_one_direction_must_be_said(desk: Desk, more: tuple[str, ...]) -> None:
    """None or two of them are no direction."""
    code, _, err = desk.run("transfer", "1", "usdt", "--reason", "x", *more)
    assert code == ExitCode.USAGE
    assert "say one of --to SUB, --from SUB and --to-main" in err


def test_a_daemon_that_does_not_answer_is_no_quiet_account(desk: Desk) -> None:
    """A socket without anybody behind it: nobody knows what is open."""
    (desk.state / "control.sock").touch()
    code, _, err = desk.run(*ASKED)
    assert code == ExitCode.DAEMON
    assert len(err.splitlines()) == 1


def _log(path: Path, text: str) -> TransferLog:
    path.write_text(text)
    with path.open("a+") as file:
        return TransferLog(file, path)


def test_a_torn_last_line_was_never_sent(tmp_path: Path) -> None:
    """A line that was cut while it was written promises nothing; one in the middle is damage."""
    path = tmp_path / "transfers.jsonl"
    whole = json.dumps({"event": "refused", "words": "x", "who": "ann", "utc_us": 1})
    assert _log(path, f'{whole}\n{{"event": "asked", "na').in_doubt() is None
    with transfer_log(tmp_path) as log:
        log.intend(Transfer("usdt", Decimal(1), True, None), False, 1, "ann", "x", 1)
    with transfer_log(tmp_path) as log:
        assert log.in_doubt() is not None
    with pytest.raises(Failure, match="line 1 cannot be read"):
        _log(path, f"{{\n{whole}\n")


def test_only_one_process_transfers(tmp_path: Path) -> None:
    """The log is held alone."""
    with transfer_log(tmp_path), pytest.raises(Failure, match="another transfer is under way"), transfer_log(tmp_path):
        raise AssertionError("never held twice")


@pytest.mark.parametrize(
    ("amount", "kind", "row_id", "is_row"),
    [
        ("-12.34567", 14, 11, True),
        ("-12.35", 14, 11, True),
        ("-12.3", 14, 11, True),
        ("12.34567", 14, 11, False),
        ("-12.36", 14, 11, False),
        ("-12.34567", 1, 11, False),
        ("-12.34567", 14, 10, False),
    ],
)
def test_a_row_is_known_by_type_amount_and_age(amount: str, kind: int, row_id: int, is_row: bool) -> None:
    """In the decimals it shows; of the other direction, of another type, or from before, it is somebody else's."""
    asked = Transfer("usdt", Decimal("12.34567"), False, SUB)
    written = Written("t-1", 1, asked, False, 10, "ann", "x")
    row = Transaction(row_id, 1, kind, (("usdt", Decimal(amount)),), Decimal(0), "usdt", None, None, None)
    assert written.is_row(row) is is_row
