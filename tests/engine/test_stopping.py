"""People, stops, dead feeds and lost keys: the stopping table with its exit codes."""

from __future__ import annotations

import pytest

from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.life import Stopped
from arbbot.domain.mode import Mode
from arbbot.domain.order import Purpose, VenueOrderStatus
from arbbot.domain.records import AlertRaised, HedgeClosed, HedgeOpened, ModeChanged
from tests.engine.conftest import MakeRig
from tests.engine.played_venue import Play
from tests.engine.rig import D, Rig, book, rules
from tests.engine.scenes import RICH, closed, hedge

RESTS = Play(fill=D(0))


def code(rig: Rig) -> int | None:
    """The exit code, once the engine left; the journal says the same."""
    if rig.exit is None:
        return None
    ((stopped),) = rig.all(Stopped)
    assert stopped.code == rig.exit.code
    return rig.exit.code


# --- people -----------------------------------------------------------------------------------------------------


def test_pause_lets_what_is_open_run_to_its_end(rig: Rig) -> None:
    """Paused while the sale rests: nothing is cancelled before T1, the leg is closed as ever, no new hedge starts."""
    hedge(rig, sell=RESTS)
    rig.step(ev.OperatorPaused("ann", "lunch"))
    rig.run(4)
    assert rig.cancelled() == []
    rig.run(4)
    assert closed(rig).outcome == "one_sided"
    rig.show(book("btceur", "55100", "55110", stamp=2**56))
    rig.run(5)
    assert len(rig.all(HedgeOpened)) == 1
    rig.step(ev.OperatorResumed("ann", "back"))
    rig.run(2)
    assert len(rig.all(HedgeOpened)) == 2
    assert [change.who for change in rig.all(ModeChanged)] == ["ann", "ann"]


def test_pause_does_not_soften_a_halt(rig: Rig) -> None:
    """Only `resume` moves back; asking for the mode that stands is no news."""
    rig.ready()
    rig.step(ev.OperatorHalted("ann", "unsure"))
    rig.step(ev.OperatorHalted("ann", "still unsure"))
    rig.step(ev.OperatorPaused("bob", "lunch"))
    assert rig.mode() is Mode.HALTED
    assert rig.engine.entry.blocked() == "halted"
    assert len(rig.all(ModeChanged)) == 1


def test_halt_cancels_at_once_and_resolves(rig: Rig) -> None:
    """No waiting period: own resting orders are cancelled, the one-sided fill is closed, and the mode latches."""
    hedge(rig, sell=RESTS)
    rig.step(ev.OperatorHalted("ann", "unsure"))
    rig.run(2)
    assert len(rig.cancelled()) == 1
    assert closed(rig).outcome == "one_sided"
    rig.show(book("btceur", "55100", "55110", stamp=2**56))
    rig.run(5)
    assert len(rig.all(HedgeOpened)) == 1
    assert rig.exit is None


def test_panic_cancels_and_does_nothing_else(rig: Rig) -> None:
    """Orders are cancelled, the leg stays as it is, whatever comes; resume takes the plan up again."""
    hedge(rig, sell=RESTS)
    rig.step(ev.OperatorHalted("ann", "stop everything", panic=True))
    rig.run(30)
    assert len(rig.cancelled()) == 1
    assert len(rig.placed()) == 2
    assert rig.all(HedgeClosed) == []
    assert rig.engine.entry.blocked() == "halted"
    rig.step(ev.OperatorResumed("ann", "resolve it"))
    rig.run(3)
    assert closed(rig).outcome == "one_sided"


# --- stops ------------------------------------------------------------------------------------------------------


def test_a_quiet_daemon_stops_with_zero(rig: Rig) -> None:
    """Flat and agreed: exit 0 at once; afterwards nothing is commanded, whatever is heard."""
    rig.ready()
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(1)
    assert code(rig) == ExitCode.OK
    sent = len(rig.sent)
    rig.show(RICH)
    rig.step(ev.Tick())
    rig.step(ev.OperatorResumed("ann", "too late"))
    assert len(rig.sent) == sent


def test_a_stop_before_the_account_was_read(rig: Rig) -> None:
    """Nothing was ever done: it leaves at once, and does not call itself flat, since the venue never said so."""
    rig.venue.failing = set(Topic)
    rig.start()
    rig.step(ev.StopAsked("SIGTERM"))
    assert code(rig) == ExitCode.VENUE
    assert "no opening yet" in str(rig.engine.core.stopping)


def test_a_stop_in_the_middle_of_a_hedge_gets_flat_first(rig: Rig) -> None:
    """Resting order cancelled, leg closed, rows read, statement agreed: then exit 0. Asking twice changes nothing."""
    hedge(rig, sell=Play(fill=D("0.02")))
    rig.step(ev.StopAsked("SIGTERM"))
    rig.step(ev.StopAsked("SIGTERM again"))
    rig.show(book("btceur", "55100", "55110", stamp=2**56))
    assert rig.engine.entry.blocked() == "stopping"
    rig.run(10)
    assert code(rig) == ExitCode.OK
    assert closed(rig).outcome == "one_sided"
    assert rig.state.agreed
    assert rig.exit is not None
    assert rig.exit.reason == "SIGTERM"


def test_a_stop_that_cannot_get_flat_names_what_is_left(rig: Rig) -> None:
    """An order in doubt at the end of the grace: own exit code, and an alert with ids and amounts."""
    rig.venue.channel = False
    hedge(rig, buy=Play("lost", taken=False))
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(44)
    assert code(rig) is None
    rig.run(2)
    assert code(rig) == ExitCode.NOT_FLAT
    ((alert),) = [alert for alert in rig.all(AlertRaised) if alert.name == "stopped_not_flat"]
    assert "q7-000001" in alert.text
    assert "0.05" in alert.text
    assert "in_doubt" in alert.text


def test_frames_after_the_exit_move_nothing(rig: Rig) -> None:
    """Left with an open leg: a late book frame on which it could be closed leads to no command."""
    hedge(rig, sell=RESTS)
    rig.show(book("btcusd", "50000", "50010", stamp=2**56), book("btceur", "45450", "45460", stamp=2**56))
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(46)
    assert code(rig) == ExitCode.NOT_FLAT
    output = rig.engine.step(ev.BookSeen(book("btcusd", "60000", "60010", stamp=2**57), rig.epoch), rig.at)
    assert output == ([], [])


def test_a_stop_with_a_position_is_not_flat(make_rig: MakeRig) -> None:
    """Nothing open, but a position beyond dust is left: not flat."""
    rig = make_rig(rules(stop_grace_s=D(5)))
    hedge(rig, sell=Play(fill=D("0.02"))).run(10)
    rig.venue.channel = False
    rig.venue.fill(rig.venue.orders[1], D("0.01"), D(54600))
    rig.run(35)
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(6)
    assert code(rig) == ExitCode.NOT_FLAT


def test_a_loss_beyond_the_cap_at_a_stop(rig: Rig) -> None:
    """The cap leaves the leg open even now: exit code and alert say so."""
    hedge(rig, sell=RESTS)
    rig.show(book("btcusd", "50000", "50010", stamp=2**56), book("btceur", "45450", "45460", stamp=2**56))
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(46)
    assert code(rig) == ExitCode.NOT_FLAT
    assert "leg_open" in rig.alerts()


# --- dead feeds, lost keys --------------------------------------------------------------------------------------


def test_a_dead_feed_ends_the_process_flat(rig: Rig) -> None:
    """No new hedges; what is open is resolved on REST books; alert; exit with the feed's own code."""
    hedge(rig, sell=RESTS)
    rig.feeding = False
    rig.step(ev.FeedDown(rig.epoch, "1006"))
    rig.step(ev.FeedDead("five attempts"))
    rig.run(10)
    assert code(rig) == ExitCode.FEED_DEAD
    assert closed(rig).outcome == "one_sided"
    assert "feed_dead" in rig.alerts()


def test_a_feed_that_dies_while_connected(rig: Rig) -> None:
    """Its books stop counting in the same moment."""
    rig.ready()
    rig.step(ev.FeedDead("unanswered subscriptions"))
    assert rig.engine.core.view.epoch is None
    assert code(rig) == ExitCode.FEED_DEAD


@pytest.mark.parametrize("where", ["ask", "order", "unanswered", "cancel"])
def test_a_lost_key_halts_and_leaves(make_rig: MakeRig, where: str) -> None:
    """An authentication or permission refusal anywhere halts, says why, and leaves with the code not to restart."""
    rig = make_rig(rules(stop_grace_s=D(5)))
    rig.ready()
    if where == "ask":
        rig.step(ev.AskFailed(0, "API0005", auth_lost=True))
    elif where == "cancel":
        rig.step(ev.CancelResult("q7-000099", "refused", "API0005", auth_lost=True))
    else:
        rig.show(RICH)
        reply = ev.OrderRefused("q7-000001", "API0005", "no permission", auth_lost=True)
        if where == "unanswered":
            rig.step(ev.OrderUnanswered("q7-000001", "403 API0005", auth_lost=True))
        else:
            rig.step(reply)
    rig.step(ev.AskFailed(0, "API0005", auth_lost=True))
    assert rig.mode() is Mode.HALTED
    rig.run(10)
    assert rig.alerts().count("auth_refused") == 1
    assert code(rig) == ExitCode.AUTH


@pytest.mark.parametrize(
    ("offset_ms", "told"),
    [
        (412_500, "; our clock is 412 s behind the venue's"),
        (-160_000, "; our clock is 160 s ahead of the venue's"),
        (2_000, ""),
    ],
)
def test_a_refusal_names_a_clock_that_is_far_off(rig: Rig, offset_ms: int, told: str) -> None:
    """Whoever reads why the venue does not let us in also reads by how much our clock differs, where it is much."""
    rig.ready()
    rig.step(ev.VenueClockSeen(offset_ms))
    rig.step(ev.AskFailed(0, "API0017: too old", auth_lost=True))
    assert rig.alert_texts("auth_refused") == [f"the venue does not let us in: API0017: too old{told}"]


def test_a_refusal_nobody_signed_for_is_believed_until_the_key_has_worked(make_rig: MakeRig) -> None:
    """With a mistyped secret no reply's signature fits, so the venue's refusal of it is unproven: at start, when the
    key never worked, it halts and leaves with the code not to restart; once anything private was read it is mere noise.
    """
    refusal = ev.AskFailed(0, "API0005: Invalid signature (wrong signature)", auth_claimed=True)
    fresh = make_rig(rules())
    fresh.venue.failing = set(Topic)
    fresh.start()
    fresh.step(refusal)
    assert fresh.mode() is Mode.HALTED
    assert code(fresh) == ExitCode.AUTH
    assert "API0005" in str(fresh.engine.core.stopping)
    working = make_rig(rules())
    working.ready()
    working.step(refusal)
    assert working.mode() is Mode.ACTIVE
    assert working.engine.core.stopping is None


def test_a_key_lost_with_an_order_open(rig: Rig) -> None:
    """The order cannot be cancelled without a key: named in an alert, and with the code that is not started again, so
    that whoever has another key cancels it.
    """
    hedge(rig, sell=RESTS)
    rig.venue.failing = set(Topic)
    rig.venue.channel = False
    rig.venue.cancels = [("refused", False)] * 99
    rig.step(ev.AskFailed(0, "API0005", auth_lost=True))
    rig.run(46)
    assert rig.venue.orders[1].status is not VenueOrderStatus.CANCELED
    assert code(rig) == ExitCode.AUTH
    (told,) = rig.alert_texts("stopped_not_flat")
    assert "q7-000002" in told
    assert all(command.terms.purpose is Purpose.LEG for command in rig.placed())


def test_a_stop_whose_ledger_differs_is_not_a_clean_one(rig: Rig) -> None:
    """Flat by our own fills, yet the venue shows other money: the exit code and an alert say so."""
    rig.ready()
    rig.venue.totals["USD"] += 5
    rig.run(45)
    rig.step(ev.StopAsked("SIGTERM"))
    rig.run(60)
    assert rig.exit is not None
    assert rig.exit.code == ExitCode.NOT_FLAT
    assert "stopped_unreconciled" in rig.alerts()
