"""The panic latch and a daemon: processes of their own, one exchange, one state directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.latched import ObeyedLatch
from arbbot.control_client import ask
from arbbot.domain.events import Event, Moment, OperatorHalted, OperatorResumed
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Mode
from arbbot.exchange.options import DEMO_KEY, DEMO_PANIC_KEY, DEMO_PANIC_SECRET, DEMO_SECRET
from arbbot.runtime.latch import Latch
from tests.bootstrap.program import ROOT, arbbot
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig
from tests.engine.scenes import hedge
from tests.runtime.test_daemon import Notes

SPEED = "60"


def test_a_latched_daemon_begins_halted_and_a_resume_lifts_the_latch(tmp_path: Path) -> None:
    """The halt and its cause are the first event; the latch goes with the resume's record and not before."""
    latch, rig, notes = Latch(tmp_path / "live" / "panic.latch"), Rig().ready(), Notes()
    telemetry = ObeyedLatch(latch, notes)
    heard: list[Event] = []

    def deliver(event: Event, at: Moment) -> None:
        heard.append(event)
        telemetry.fold(rig.step(event).records, at)

    telemetry.begin(rig.state, deliver, rig.at)
    assert heard == []
    latch.leave("ann", "two lines\nof reason", "2026-11-22T10:00:00Z")
    telemetry.begin(rig.state, deliver, rig.at)
    assert rig.state.mode is Mode.HALTED
    assert heard == [
        OperatorHalted("the panic latch", "panic by ann at 2026-11-22T10:00:00Z: two lines of reason", False)
    ]
    assert latch.mark() is not None
    telemetry.begin(rig.state, deliver, rig.at)
    telemetry.look(rig.state, deliver, rig.at)
    assert len(heard) == 1
    deliver(OperatorResumed("ben", "looked at the venue"), rig.at)
    assert latch.mark() is None
    assert notes.records


def test_a_latch_nobody_has_looked_at_survives_a_resume(tmp_path: Path) -> None:
    """Left between two looks, with the resume of something earlier in between: the next look is the panic."""
    latch, rig = Latch(tmp_path / "panic.latch"), Rig().ready()
    telemetry = ObeyedLatch(latch, Notes())

    def deliver(event: Event, at: Moment) -> None:
        telemetry.fold(rig.step(event).records, at)

    latch.leave("ann", "earlier", "2026-11-22T10:00:00Z")
    telemetry.begin(rig.state, deliver, rig.at)
    latch.leave("systemd", "the key is refused", "2026-11-22T10:00:00Z")
    deliver(OperatorResumed("ben", "of the earlier one"), rig.at)
    assert rig.mode() is Mode.ACTIVE
    assert "the key is refused" in latch.words()
    telemetry.look(rig.state, deliver, rig.at)
    assert rig.mode() is Mode.PANIC
    deliver(OperatorResumed("ben", "of this one"), rig.at)
    assert latch.mark() is None


def test_a_panic_is_obeyed_by_a_halted_daemon_too(tmp_path: Path) -> None:
    """A halt ends a one-sided hedge by orders; with the latch of a panic nothing is sent any more."""
    latch, rig = Latch(tmp_path / "panic.latch"), Rig()
    telemetry = ObeyedLatch(latch, Notes())
    hedge(rig, sell=Play(fill=D(0)))
    telemetry.begin(rig.state, lambda _event, _at: None, rig.at)
    rig.step(OperatorHalted("ann", "unsure", False))
    sent = len(rig.placed())
    latch.leave("ann", "fire", "2026-11-22T10:00:00Z")
    telemetry.look(rig.state, lambda event, _at: rig.step(event), rig.at)
    rig.run(20)
    assert rig.mode() is Mode.PANIC
    assert len(rig.placed()) == sent


@pytest.mark.parametrize("text", ["", "[]", "{", '{"who": 1}'])
def test_a_latch_that_cannot_be_read_latches(tmp_path: Path, text: str) -> None:
    """What counts is that it is there."""
    latch = Latch(tmp_path / "panic.latch")
    latch.path.write_text(text)
    assert latch.mark() is not None
    assert latch.words() == "the latch cannot be read"
    latch.lift()
    latch.lift()
    assert latch.mark() is None


def child(*words: str, **variables: str) -> subprocess.Popen[bytes]:
    """The program in the background."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ARBBOT_")}
    return subprocess.Popen(
        [sys.executable, "-m", "arbbot", *words], cwd=ROOT, env={**environment, **variables},
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip


@pytest.fixture
def places(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Where a compressed exchange is, as variables, with a state directory."""
    with child("exchange", "--port", "0", "--json", "--leash", "--compression", SPEED) as exchange:
        assert exchange.stdout is not None
        at = json.loads(exchange.stdout.readline())
        yield {
            "ARBBOT_SANDBOX__REST_URL": at["rest"],
            "ARBBOT_SANDBOX__WS_URL": at["websocket"],
            "ARBBOT_SANDBOX__SPEED": SPEED,
            "ARBBOT_STATE_DIR": str(tmp_path),
            "ARBBOT_DASHBOARD__ENABLED": "false",
        }
        assert exchange.stdin is not None
        exchange.stdin.close()


def until(state_dir: Path, state: str) -> dict[str, Any]:
    """The daemon's status once it is in a state."""
    for _ in range(400):
        try:
            told = ask(state_dir / "control.sock", {"verb": "status"})
        except Failure:
            told = {"state": "not there"}
        if told["state"] == state:
            return told
        time.sleep(0.05)
    raise AssertionError(told)


def test_panic_and_daemon_meet_at_the_latch(places: dict[str, str], tmp_path: Path) -> None:
    """A latched start is halted, a resume lifts the latch, and a panic beside the running daemon stops it again."""
    latch = Latch(tmp_path / "sandbox" / "panic.latch")
    latch.leave("ann", "drill", "2026-11-22T10:00:00Z")
    with child("run", **places, ARBBOT_KEYS__KEY_ID=DEMO_KEY, ARBBOT_KEYS__SECRET=DEMO_SECRET) as daemon:
        assert "drill" in until(tmp_path, "halted")["state_reason"]
        assert not ask(tmp_path / "control.sock", {"verb": "health"})["healthy"]
        ask(tmp_path / "control.sock", {"verb": "resume", "who": "ann", "reason": "looked"})
        until(tmp_path, "active")
        assert latch.mark() is None
        orders = {"ARBBOT_KEYS__KEY_ID": DEMO_PANIC_KEY, "ARBBOT_KEYS__SECRET": DEMO_PANIC_SECRET}
        panicked = arbbot("panic", "--reason", "fire", "--for", "1s", **places, **orders)
        assert panicked.code == 0, panicked.err
        assert "by the venue's word nothing is open" in panicked.err
        assert "fire" in until(tmp_path, "panic")["state_reason"]
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(20) == 0
    assert latch.mark() is not None
