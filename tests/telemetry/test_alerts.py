"""Which records are told to people, how often, and what becomes of what cannot be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from arbbot.domain import life, signals
from arbbot.domain import records as r
from arbbot.domain.events import Moment
from arbbot.domain.mode import Severity
from arbbot.domain.order import OrderState
from arbbot.telemetry.alert_names import ALERT_NAMES, EVENTS, RISK
from arbbot.telemetry.alerts import BATCH_MAX, Alerts, Answer, Choice, Message
from arbbot.telemetry.manifest import INVARIANTS
from arbbot.telemetry.monitors import MONITORS
from tests.telemetry.test_fold import STORY, UTC

D = Decimal
ROOT = Path(__file__).parents[2]
ALL = Choice(Severity.NOTICE, per_minute=6000, repeat_s=60)


class Receiver:
    """Takes requests as a webhook would, and answers as it was told to; then that all is well."""

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.got: list[tuple[Message, ...]] = []
        self.dropped: list[int] = []

    async def __call__(self, messages: Sequence[Message], dropped: int) -> Answer:
        self.got.append(tuple(messages))
        self.dropped.append(dropped)
        await asyncio.sleep(0)
        return self.answers.pop(0) if self.answers else Answer("delivered")

    @property
    def names(self) -> list[str]:
        """Of everything received, in order."""
        return [message.name for batch in self.got for message in batch]


def at(second: float) -> Moment:
    """So many seconds into the test."""
    return Moment(int(second * 1e9), UTC + int(second * 1e6))


def alert(number: int, severity: Severity = Severity.CRITICAL) -> r.AlertRaised:
    """One of many."""
    return r.AlertRaised(severity, "leg_open", f"hedge {number}", UTC)


def sender(receiver: Receiver, choice: Choice = ALL, queue_max: int = 500) -> Alerts:
    """Alerts into a receiver, in no hurry to lose patience."""
    return Alerts(choice, receiver, Random(1), queue_max=queue_max, first_wait_s=0.001)


async def until(alerts: Alerts, done: Callable[[], bool]) -> None:
    """Send until something is so."""
    task = asyncio.create_task(alerts.run())
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - whatever the test waits for has no event
            await asyncio.sleep(0.001)
    task.cancel()
    await asyncio.wait([task])


# --- what is told -----------------------------------------------------------------------------------------------------


async def test_orders_done_and_risk_events_arrive_with_their_ids() -> None:
    """Of a whole story: each order that ended with its side, size and market, each alert, each trip, start and stop."""
    receiver = Receiver()
    alerts = sender(receiver)
    for number, record in enumerate(STORY):
        alerts.take(record, at(number))
    await alerts.close(5)
    assert set(receiver.names) == {
        "started", "feed_changed", "hedge_opened", "order_done", "late_fill", "exit_planned", "hedge_closed",
        "hedge_settled", "conversion_closed", "leg_open", "limit_tripped", "stopped",
    }  # fmt: skip
    done = [message for batch in receiver.got for message in batch if message.name == "order_done"]
    assert done[0].text == "buy 0.1 on btcusd, leg: order c1 is filled: acknowledged"
    assert done[0].ids == (("client_order_id", "c1"),)
    assert len(done) == 3
    assert alerts.dropped == 0


def test_severities_are_those_of_what_happened() -> None:
    """An alert keeps its own; a trip and a stop that was none of ours are critical; an order done is a notice."""
    severities: dict[str, Severity] = {}

    class Listening(Alerts):
        def _put(self, message: Message) -> None:
            severities[f"{message.name} {message.text[:12]}"] = message.severity

    alerts = Listening(ALL, Receiver(), Random(1))
    for record in (
        alert(1, Severity.WARNING),
        life.Stopped(0, "asked to", UTC),
        life.Stopped(22, "not flat", UTC),
        r.OrderMoved("c1", OrderState.FILLED, 1, "filled", UTC),
        r.OrderMoved("c1", OrderState.LIVE, 1, "acknowledged", UTC),
        signals.FeedChanged(1, "down", "cut off"),
    ):
        alerts.take(record, at(0))
    assert severities == {
        "leg_open hedge 1": Severity.WARNING,
        "stopped stopping wit": Severity.CRITICAL,
        "order_done order c1 is ": Severity.NOTICE,
        "feed_changed feed down: c": Severity.WARNING,
    }


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (Choice(), ["leg_open"]),
        (Choice(also=("order_done",)), ["order_done", "leg_open"]),
        (Choice(Severity.NOTICE, never=("leg_open",)), ["order_done"]),
        (Choice(also=("order_done",), never=("order_done",)), ["leg_open"]),
        (Choice(Severity.CRITICAL), ["leg_open"]),
    ],
)
async def test_a_person_chooses_by_severity_and_by_name(choice: Choice, told: list[str]) -> None:
    """From a severity on, some names beside it, some never; never is stronger."""
    receiver = Receiver()
    alerts = sender(receiver, choice)
    alerts.take(r.OrderMoved("c1", OrderState.FILLED, 1, "filled", UTC), at(0))
    alerts.take(alert(1), at(0))
    await alerts.close(5)
    assert receiver.names == told


def test_names_of_alerts_and_of_events_are_told_apart() -> None:
    """None is both, none stands there twice, and what a broken promise is called by is an alert."""
    assert set(INVARIANTS) <= set(RISK)
    assert len(ALERT_NAMES) == len(RISK) + len(EVENTS)


def test_every_name_that_can_be_chosen_is_written_down() -> None:
    """The how-to lists what there is to choose from, and every monitor."""
    text = (ROOT / "docs/how-to/monitoring.md").read_text("utf-8")
    assert [name for name in (*RISK, *EVENTS, *(each.name for each in MONITORS)) if f"`{name}`" not in text] == []


# --- how often --------------------------------------------------------------------------------------------------------


async def test_the_same_is_told_once_in_a_while_with_how_often_it_came() -> None:
    """Held back within the pause and counted; another text of the same name is another message."""
    receiver = Receiver()
    alerts = sender(receiver)
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: alerts.posts["delivered"] == 1)
    for second in range(1, 60):
        alerts.take(alert(1), at(second))
    alerts.take(alert(2), at(59))
    alerts.take(alert(1), at(60))
    await alerts.close(5)
    told = [(message.text, message.repeats) for batch in receiver.got for message in batch]
    assert told == [("hedge 1", 0), ("hedge 2", 0), ("hedge 1", 59)]


async def test_a_flood_shares_requests_and_requests_have_a_pace() -> None:
    """Five hundred messages are as many as fit in twenty-five requests, and no more than so many a minute go out."""
    receiver = Receiver()
    alerts = sender(receiver)
    for number in range(500):
        alerts.take(alert(number), at(0))
    await until(alerts, lambda: len(receiver.names) == 500)
    assert len(receiver.got) == 500 / BATCH_MAX

    slow = Receiver()
    alerts = sender(slow, Choice(per_minute=1))
    task = asyncio.create_task(alerts.run())
    for number in range(3):
        alerts.take(alert(number), at(0))
        await asyncio.sleep(0.02)
    assert len(slow.got) == 1, "the second waits for its minute"
    task.cancel()
    await asyncio.wait([task])


# --- when it cannot be sent -------------------------------------------------------------------------------------------


async def test_a_failure_is_tried_again_and_the_message_arrives() -> None:
    """Twice the receiver fails, then it takes the same messages; nothing is lost."""
    receiver = Receiver(Answer("failed"), Answer("failed", 0.001))
    alerts = sender(receiver)
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: alerts.posts["delivered"] == 1)
    assert receiver.names == ["leg_open"] * 3
    assert (alerts.dropped, dict(alerts.posts)) == (0, {"delivered": 1, "failed": 2, "refused": 0})


async def test_a_request_that_breaks_is_a_failed_one() -> None:
    """Whatever is wrong in the sending itself: tried again, counted, and neither the task nor the close ends of it."""

    class Breaks(Receiver):
        async def __call__(self, messages: Sequence[Message], dropped: int) -> Answer:
            if len(self.got) != 1:
                self.got.append(tuple(messages))
                raise RuntimeError("can't start new thread")
            return await super().__call__(messages, dropped)

    receiver = Breaks()
    alerts = sender(receiver)
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: alerts.posts["delivered"] > 0)
    assert alerts.posts["failed"] == 1
    alerts.take(alert(2), at(1))
    await alerts.close(1.0)
    assert (alerts.posts["failed"], alerts.dropped) == (2, 1)


async def test_an_outage_loses_nothing_while_there_is_room() -> None:
    """However often it fails: what waited arrives when the receiver is back, in order, with what came meanwhile."""
    receiver = Receiver(*[Answer("failed", 0.0005, "status 503")] * 40)
    alerts = sender(receiver)
    alerts._first_wait_s = 1e-6
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: alerts.posts["failed"] >= 10)
    assert alerts.figures() == {
        "trouble": "failed: status 503", "delivered": 0, "waiting": 1, "dropped": 0,
    }  # fmt: skip
    alerts.take(alert(2), at(1))
    await until(alerts, lambda: alerts.posts["delivered"] == 1)
    assert [message.text for message in receiver.got[-1]] == ["hedge 1", "hedge 2"]
    assert alerts.figures() == {"trouble": None, "delivered": 1, "waiting": 0, "dropped": 0}


async def test_what_waits_is_not_told_twice_and_what_was_lost_is_news_again() -> None:
    """While one waits its repetitions are counted, whatever the time. One that was refused, or for which there was no
    room, was not told: the next of its kind goes out at once, and says how many came before.
    """
    receiver = Receiver(Answer("refused", why="status 404"))
    alerts = sender(receiver, queue_max=2)
    for second in (0, 100, 200):
        alerts.take(alert(1), at(second))
    assert alerts.figures()["waiting"] == 1
    await until(alerts, lambda: alerts.dropped == 1)
    alerts.take(alert(1), at(201))
    await until(alerts, lambda: alerts.posts["delivered"] == 1)
    assert [(message.text, message.repeats) for message in receiver.got[-1]] == [("hedge 1", 3)]
    alerts.take(alert(1), at(202))
    for number in (2, 3, 4):
        alerts.take(alert(number), at(203))
    assert alerts.dropped == 2, "no room for the oldest"
    alerts.take(alert(2), at(204))
    await alerts.close(5)
    assert [(message.text, message.repeats) for message in receiver.got[-1]] == [("hedge 4", 0), ("hedge 2", 1)]
    assert alerts.dropped == 3


async def test_requests_that_fail_have_the_pace_of_all() -> None:
    """One a minute is one a minute, whatever comes of it and whatever the receiver asks for; one that fails again and
    again is left alone for longer, up to a minute.
    """
    failing = Receiver(*[Answer("failed")] * 9)
    alerts = sender(failing, Choice(per_minute=1))
    task = asyncio.create_task(alerts.run())
    alerts.take(alert(1), at(0))
    await asyncio.sleep(0.05)
    assert len(failing.got) == 1, "the second try waits for its minute"
    task.cancel()
    await asyncio.wait([task])
    for per_minute, answer, least_s, most_s in (
        (1, Answer("failed", 0.0), 60, 60),
        (20, Answer("delivered"), 3, 3),
        (20, Answer("refused"), 3, 3),
        (20, Answer("failed"), 3, 3),
        (20, Answer("failed", 7.0), 7, 7),
        (20, Answer("failed", 1e9), 60, 60),
    ):
        alerts = Alerts(Choice(per_minute=per_minute), failing, Random(1))
        alerts._note(answer)
        assert least_s <= alerts._pause_s(answer) <= most_s
    for number in range(5_000):
        alerts._note(Answer("failed"))
        assert alerts._pause_s(Answer("failed")) <= 60, number
    assert alerts._pause_s(Answer("failed")) == 60


async def test_trouble_is_told_when_it_begins_changes_its_kind_and_ends() -> None:
    """Not at every try, and nothing while all is well."""
    receiver = Receiver(
        Answer("delivered"),
        Answer("failed", why="status 503"), Answer("failed", why="TimeoutError"), Answer("refused", why="status 404"),
        Answer("delivered"),
    )  # fmt: skip
    heard: list[str | None] = []
    alerts = Alerts(ALL, receiver, Random(1), first_wait_s=0.001, changed=heard.append)
    for number in range(3):
        alerts.take(alert(number), at(0))
        before = sum(alerts.posts.values())
        await until(alerts, lambda: not alerts.figures()["waiting"] and sum(alerts.posts.values()) > before)  # noqa: B023 - awaited here
    assert heard == ["failed: status 503", "refused: status 404", None]


async def test_a_refusal_is_not_repeated() -> None:
    """A wrong address or form does not get better: dropped at once, and counted."""
    receiver = Receiver(Answer("refused"))
    alerts = sender(receiver)
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: alerts.dropped == 1)
    assert (len(receiver.got), alerts.posts["refused"]) == (1, 1)


async def test_a_full_queue_keeps_what_is_worse() -> None:
    """With nobody sending it stays bounded: the least severe goes first, the oldest of these, be it the newcomer, and
    what went is counted.
    """
    receiver = Receiver()
    alerts = sender(receiver, queue_max=3)
    alerts.take(alert(1), at(0))
    alerts.take(alert(2, Severity.NOTICE), at(0))
    alerts.take(alert(3, Severity.WARNING), at(0))
    alerts.take(alert(4), at(0))
    alerts.take(alert(5), at(0))
    alerts.take(alert(6, Severity.NOTICE), at(0))
    alerts.take(alert(7), at(0))
    await alerts.close(5)
    assert [message.text for message in receiver.got[0]] == ["hedge 4", "hedge 5", "hedge 7"]
    assert alerts.dropped == 4


async def test_an_end_in_the_middle_of_a_try_sends_it_again() -> None:
    """What was on its way when the sender was cancelled goes out with the last words: rather twice than never."""
    hanging = asyncio.Event()
    got: list[str] = []

    async def post(messages: Sequence[Message], dropped: int) -> Answer:
        got.extend(message.text for message in messages)
        if len(got) == 1:
            await hanging.wait()
        return Answer("delivered")

    alerts = Alerts(ALL, post, Random(1))
    alerts.take(alert(1), at(0))
    await until(alerts, lambda: bool(got))
    alerts.take(alert(2), at(0))
    await alerts.close(5)
    assert got == ["hedge 1", "hedge 1", "hedge 2"]


async def test_an_end_waits_no_longer_than_it_may() -> None:
    """A receiver that hangs does not keep the process: what is left counts as dropped."""

    async def post(messages: Sequence[Message], dropped: int) -> Answer:
        await asyncio.Event().wait()
        return Answer("delivered")

    alerts = Alerts(ALL, post, Random(1))
    for number in range(50):
        alerts.take(alert(number), at(0))
    async with asyncio.timeout(5):
        await alerts.close(0.05)
    assert (alerts.dropped, alerts.posts["failed"]) == (50, 1)


def test_memory_of_what_was_told_is_bounded() -> None:
    """Two thousand different texts leave a few hundred behind."""
    alerts = sender(Receiver())
    for number in range(2_000):
        alerts.take(alert(number), at(number))
    assert len(alerts._told) <= 512
