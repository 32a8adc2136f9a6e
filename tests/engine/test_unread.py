"""An account that cannot be read is told to a person, in time and with the reason."""

from __future__ import annotations

import pytest

from arbbot.domain.commands import Ask, Topic
from arbbot.engine.core import SECOND_NS
from tests.engine.rig import RULES, Rig


@pytest.mark.parametrize("topic", [Topic.TRANSACTIONS, Topic.BALANCES])
def test_a_person_hears_once_of_an_account_that_cannot_be_read(rig: Rig, topic: Topic) -> None:
    """After `doubt_alert_s`, not before; once for as long as it lasts, and anew the next time."""
    patience_s = RULES.account.doubt_alert_s
    rig.ready()
    for times in (1, 2):
        rig.venue.failing = {topic}
        rig.run(patience_s)
        assert rig.alerts().count("account_unread") == times - 1, "the first reading is up to poll_s away"
        rig.run(patience_s * 3)
        assert rig.alerts().count("account_unread") == times
        rig.venue.failing = set()
        rig.run(40)
    assert all(f"the account's {topic}: " in text for text in rig.alert_texts("account_unread"))
    assert all("made to fail" in text for text in rig.alert_texts("account_unread"))


def test_rows_that_fail_only_at_the_end_of_a_reading_are_told(rig: Rig) -> None:
    """Every reading begins well and breaks at its last rows: nothing agrees, and a person hears of it."""
    rig.ready()
    topics = (Topic.TRANSACTIONS, Topic.BALANCES)

    def asked() -> list[Topic]:
        return [each.topic for each in rig.sent if isinstance(each, Ask) and each.topic in topics]

    end_ns = rig.at.mono_ns + 200 * SECOND_NS
    while rig.at.mono_ns < end_ns:
        rig.run("0.005")
        last_rows = Topic.BALANCES in asked()[-2:]
        rig.venue.failing = {Topic.TRANSACTIONS} if last_rows else set()
    assert "account_unread" in rig.alerts()


def test_readings_that_break_now_here_now_there_are_told(rig: Rig) -> None:
    """Balances fail in one reading, the last rows in the next: no question fails for long, but nothing is ever read."""
    rig.ready()
    topics, readings, known = (Topic.TRANSACTIONS, Topic.BALANCES), 0, 0
    end_ns = rig.at.mono_ns + 400 * SECOND_NS
    while rig.at.mono_ns < end_ns:
        rig.run("0.005")
        asked = [each.topic for each in rig.sent if isinstance(each, Ask) and each.topic in topics]
        if len(asked) == known:
            continue
        known = len(asked)
        readings += asked[-1] is Topic.BALANCES
        breaks_here = (
            asked[-1] is Topic.BALANCES if readings % 2 else asked[-2:] == [Topic.BALANCES, Topic.TRANSACTIONS]
        )
        rig.venue.failing = {asked[-1]} if breaks_here else set()
    assert rig.alerts().count("account_unread") == 1


def test_failures_that_pass_alarm_nobody(rig: Rig) -> None:
    """A question that is answered now and then is read; other questions are others' business."""
    rig.ready()
    for _ in range(8):
        rig.venue.failing = {Topic.TRANSACTIONS}
        rig.run(40)
        rig.venue.failing = {Topic.FEES, Topic.MARKETS, Topic.TICKER}
        rig.run(35)
    assert "account_unread" not in rig.alerts()
