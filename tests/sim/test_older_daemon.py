"""An older copy of the daemon's journal beside a treasury that is current: the same profit does not leave twice."""

from __future__ import annotations

import json

import pytest

from tests.sim.older_daemon import OlderDaemon

SEEDS = range(2, 8)


def refusals(life: OlderDaemon) -> list[str]:
    """Causes, by the treasury's journal."""
    assert life.treasurer is not None
    return [json.loads(body)["cause"] for kind, body in life.treasurer.lines if kind == "settlement_refused"]


@pytest.mark.parametrize("seed", SEEDS)
def test_what_a_daemon_has_forgotten_does_not_leave_again(seed: int) -> None:
    """Its rows are acknowledged as a person's and its profit is whole; principal stays, for nothing is sent."""
    life = OlderDaemon(seed)
    told = life.run()
    assert told.violations == ()
    assert told.reach["treasury request_moved accepted"] == 1
    assert refusals(life)[-1] == "daemon_behind"


@pytest.mark.parametrize("seed", SEEDS)
def test_a_rebase_of_such_a_daemon_lets_settlements_go_on(seed: int) -> None:
    """Its ledger begins anew: what was left is principal, there is no profit yet, and nothing is refused."""
    life = OlderDaemon(seed, rebases=True)
    told = life.run()
    assert told.violations == ()
    assert told.reach["treasury request_moved accepted"] == 1
    assert "daemon_behind" not in refusals(life)
    assert told.reach["settlement ended 0"] > 2
