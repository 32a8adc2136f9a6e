"""A change of settings waits as long as those before it would have it, whatever the new ones say."""

from __future__ import annotations

from dataclasses import fields, replace

from hypothesis import given
from hypothesis import strategies as st

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.treasury.policy import Destination, Policy
from arbbot.treasury.records import PolicySeen
from arbbot.treasury.state import TreasuryState
from tests.treasury.test_settler import refusal
from tests.treasury.world import OTHER, POLICY, D, World

DAY_S = 86_400


def test_another_address_with_no_cooling_off_waits_as_the_old_settings_have_it() -> None:
    """Who can edit the address can edit the wait: nothing goes there for a day."""
    world = World(policy=replace(POLICY, cooling_off_s=D(DAY_S)))
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    world.later(DAY_S + 1)
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.profit += 300
    world.policy = replace(world.policy, cooling_off_s=D(0), allowed=(Destination("usdt", "ethereum", OTHER),))
    for seconds in (3600, 3600, DAY_S - 8000):
        world.later(seconds)
        assert world.code() is ExitCode.SETTLEMENT_REFUSED
        assert refusal(world).cause == "cooling_off"
    assert len(world.sent) == 1
    world.later(8000)
    assert world.code() is ExitCode.OK


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 100_000)), min_size=2, max_size=8))
def test_no_series_of_changes_shortens_a_wait(changes: list[tuple[int, int]]) -> None:
    """After the last change nothing before the end of any earlier wait, and no less than the settings before it say."""
    state, now_s, ends_s = TreasuryState(), 1_795_000_000, [0]
    before = 0
    for number, (cooling_off_s, after_s) in enumerate(changes):
        state.apply(PolicySeen(f"{number}", now_s * 1_000_000, D(cooling_off_s)))
        ends_s.append(now_s + max(before, cooling_off_s))
        assert now_s + state.cooling_left(now_s * 1_000_000) >= max(ends_s)
        before, now_s = cooling_off_s, now_s + after_s
    assert state.cooling_left(max(ends_s) * 1_000_000) == 0


def test_only_bounds_and_destinations_begin_a_wait() -> None:
    """Those two that `[account]` sets, for all of trading, begin none; each of the others does."""
    for each in fields(Policy):
        value = getattr(POLICY, each.name)
        other: object = not value if isinstance(value, bool) else value + (D(1) if isinstance(value, D) else value[:1])
        changed = replace(POLICY, **{each.name: other})  # type: ignore[arg-type]  # of the field's own type
        assert (changed.fingerprint == POLICY.fingerprint) is (each.name in ("bound_s", "lag_s")), each.name


def test_a_venue_that_is_late_begins_no_wait() -> None:
    """Who raises `account.lag_s` for rows that come late settles on."""
    world = World()
    assert world.code() is ExitCode.OK
    world.end(RequestStatus.FINISHED)
    world.profit += 300
    world.policy = replace(world.policy, lag_s=world.policy.lag_s * 2, bound_s=world.policy.bound_s + 30)
    assert world.code() is ExitCode.OK
    assert "settlement_refused" not in world.kinds()


def test_a_wait_of_an_older_journal_goes_on() -> None:
    """Its line did not tell how long; the settings it is of, unchanged, do."""
    world = World(policy=replace(POLICY, cooling_off_s=D(3600)))
    world.journal.append(PolicySeen(world.policy.fingerprint, world.at.utc_us))
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert world.kinds() == ["policy_seen", "settlement_refused"]
    world.later(3601)
    assert world.code() is ExitCode.OK
