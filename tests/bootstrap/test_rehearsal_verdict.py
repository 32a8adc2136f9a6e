"""What a rehearsal's verdict asks beside the money: that it was a trial, and that what was open stayed small."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.longrun.daemon_child import DaemonChild, added_wait_s
from arbbot.bootstrap.longrun.person import Person
from arbbot.bootstrap.longrun.schedule import Death, Spell, Timetable
from arbbot.bootstrap.longrun.supervise import Course, Ended, Supervisor
from arbbot.bootstrap.longrun.tally import Tally
from arbbot.bootstrap.longrun.troubles import CATALOGUE, Strike, Trouble
from arbbot.bootstrap.longrun.truth import Truth, halted_in_time
from arbbot.bootstrap.longrun.venue import VenueControl
from arbbot.bootstrap.longrun.verdict import Seen, criteria
from arbbot.domain.mode import Mode
from arbbot.domain.records import ModeChanged
from arbbot.domain.trips import LimitTripped
from arbbot.engine.rules import FxPolicy
from arbbot.settings import Settings
from tests.bootstrap.test_rehearse import account, row

D = Decimal


def test_time_unhedged_while_it_was_dead_is_told_apart() -> None:
    """The longest span by the venue's rows, less what of it the process was down; one that goes on counts as well."""
    truth = Truth(D("0.0005"))
    truth.take(account(row(1, 10, "0.1"), row(2, 40, "-0.1"), row(3, 50, "0.1"), row(4, 60, "-0.1")), 70_000_000)
    assert max(truth.lasted_but_for([]).values()) == truth.longest_us == 30_000_000
    down = [(5_000_000, 15_000_000), (20_000_000, 39_000_000)]
    assert list(truth.lasted_but_for(down).values()) == [30_000_000 - 5_000_000 - 19_000_000, 10_000_000]
    truth.take(account(row(5, 80, "0.1")), 200_000_000)
    assert truth.lasted_but_for([(100_000_000, 110_000_000)])[80_000_000, 200_000_000] == 110_000_000


def lived(
    course: Course, truth: Truth, length_s: str = "86400", added_s: str = "0", trips: tuple[LimitTripped, ...] = ()
) -> set[str]:
    """Names of the criteria that a rehearsal does not meet."""
    counts = Tally(D(0), FxPolicy.BAND)
    for trip in trips:
        counts.take(trip)
    seen = Seen(course, counts, truth, None, D(length_s), D(0), D(240), D(added_s), D(15_000))
    return {each.name for each in criteria(seen) if not each.passed}


def test_a_day_that_was_no_trial_does_not_pass() -> None:
    """Every trouble of the timetable must have struck, and each planned kind of death been died: a short rehearsal says
    which did not, and passes; a day does not. One left alone is asked for neither.
    """
    course, truth = Course(planned=frozenset({"reject", "nan"}), deaths_planned=frozenset(Death)), Truth(D(0))
    assert lived(course, truth) >= {"every trouble struck", "killed and stopped"}
    assert lived(course, truth, "600") & {"every trouble struck", "killed and stopped"} == {"killed and stopped"}
    course.struck.update(["reject"])
    course.deaths += [Ended(1, -9, "kill"), Ended(1, 0, "itself")]
    assert lived(course, truth) >= {"every trouble struck", "killed and stopped"}
    told = criteria(Seen(course, Tally(D(0), FxPolicy.BAND), truth, None, D(600), D(0), D(1), D(0), D(1)))
    assert next(each.measured for each in told if each.name == "every trouble struck") == "1 of 2, not nan"
    course.struck.update(["nan"])
    course.deaths.append(Ended(1, 0, "stop"))
    assert not lived(course, truth) & {"every trouble struck", "killed and stopped"}
    assert not lived(Course(), truth) & {"every trouble struck", "killed and stopped"}


def test_what_was_unhedged_must_have_stayed_small() -> None:
    """By the venue's rows: longer than the settings' limit, or worth more, is no pass; what time-outs last longer at a
    speed is allowed on top, and named. So is a longer span in which that limit halted the daemon.
    """
    course, too_long = Course(), "unhedged for a short time, or halted for it"
    small = {too_long, "little was unhedged"}
    for price, seconds, missed in (("85000", 240, set()), ("85000", 241, {too_long}),
                                   ("150001", 1, {"little was unhedged"})):  # fmt: skip
        truth = Truth(D("0.0005"))
        truth.take(account(row(1, 10, "0.1", price=price), row(2, 10 + seconds, "-0.1")), 900_000_000)
        assert lived(course, truth) & small == missed
        assert lived(course, truth, added_s="1") & small == missed - {too_long}
        for at_s, told in ((5, True), (11, True), (250, True), (251, False), (10 + seconds, False)):
            trip = LimitTripped("unhedged_s", D(240), D(240), Mode.HALTED, at_s * 1_000_000)
            assert lived(course, truth, trips=(trip,)) & small == missed - ({too_long} if told else set())
            other = replace(trip, name="unhedged_notional")
            assert lived(course, truth, trips=(other,)) & small == missed
    wanted = Settings()
    assert [added_wait_s(wanted, D(speed)) for speed in (1, 60)] == [0, 120 - wanted.rest.ask_timeout_s]


@pytest.mark.parametrize(
    ("halts", "down", "in_time"),
    [
        ([], [], False),
        ([(250, None)], [], True),
        ([(251, None)], [], False),
        ([(5, None)], [], True),
        ([(5, 9)], [], False),
        ([(100, 900)], [], True),
        ([(100, 300)], [], False),
        ([(100, 300), (540, None)], [], True),
        ([(100, 300), (541, None)], [], False),
        ([(300, None)], [(50, 100)], True),
        ([(301, None)], [(50, 100)], False),
        ([(300, None)], [(400, 900)], False),
        ([], [(20, 771)], True),
    ],
)
def test_a_span_is_halted_in_time(
    halts: list[tuple[int, int | None]], down: list[tuple[int, int]], *, in_time: bool
) -> None:
    """From 10 to 1000 with 240 allowed: a halt must stand by then, and again as long after its reset; time in which the
    daemon was down before that is not counted, time after it excuses nothing.
    """
    assert halted_in_time((10, 1000), D(240), down, halts) is in_time


def test_a_trip_stands_until_a_person_resumes() -> None:
    """Of that limit alone."""
    counts = Tally(D(0), FxPolicy.BAND)
    for at_us in (5, 30):
        counts.take(LimitTripped("unhedged_s", D(1), D(1), Mode.HALTED, at_us))
        counts.take(LimitTripped("max_rejects", D(1), D(1), Mode.REDUCING, at_us))
        counts.take(ModeChanged(Mode.HALTED, "limits", "unhedged", at_us + 1))
        assert counts.unhedged_halts[-1] == (at_us, None)
        counts.take(ModeChanged(Mode.ACTIVE, "ann", "watched", at_us + 9))
    assert counts.unhedged_halts == [(5, 14), (30, 39)]


def test_a_trouble_struck_when_each_of_its_faults_did() -> None:
    """By the exchange's count of each fault and what it was meant for; levers are pulled, and strike."""
    both = next(each for each in CATALOGUE if each.name == "both replies lost")
    spike = next(each for each in CATALOGUE if each.name.startswith("spike"))
    assert not both.struck(Counter({("reply_lost", "buy"): 1, ("reply_lost", "cancel_order"): 1}))
    assert both.struck(Counter({("reply_lost", "buy"): 1, ("reply_lost", "sell"): 1}))
    assert spike.struck(Counter())


def test_what_is_hardly_ever_asked_is_provoked() -> None:
    """A day must not hang on whether a connection or an order is lost just then: the trouble sees to it."""
    token, doubt = (
        next(each for each in CATALOGUE if each.name == name)
        for name in ("http_500 websockets_token", "unsigned order_status")
    )
    assert [action for action, _ in token.begin] == ["drop_connections"]
    assert not doubt.struck(Counter({("request_lost", "buy"): 1}))
    assert doubt.strikes == {("request_lost", "buy"), ("unsigned", "order_status")}


class Idle(DaemonChild):
    """A daemon that is always at rest, without a process."""

    def __init__(self) -> None:
        super().__init__(Settings(), Path())

    async def start(self) -> None:
        self.starts += 1

    async def ask(self, verb: str, **more: object) -> dict[str, Any] | None:
        at_rest: dict[str, Any] = {
            "open_orders": [],
            "in_doubt": [],
            "open_hedge": None,
            "flat": True,
            "reconciled": True,
        }
        paused = {"state": "paused", "state_reason": "", "carried_dust": "0", "armed": True, "hedges": None}
        return at_rest | paused


class Lenient(VenueControl):
    """A venue at which only one trouble ever strikes; its time runs by five minutes a reading."""

    def __init__(self, strikes: Trouble) -> None:
        self._strikes, self._now_us = strikes, 0
        self.loose: list[Trouble] = []

    def now_us(self) -> int:
        self._now_us += 300_000_000
        return self._now_us

    async def account(self, rows_after: int) -> dict[str, Any]:
        return account()

    async def trouble(self, trouble: Trouble) -> None:
        self.loose.append(trouble)

    async def worn_out(self) -> bool:
        return False

    async def heal(self) -> Counter[Strike]:
        name, pattern, _ = self.loose[-1].faults[0].split(":")
        return Counter({(name, pattern): int(self.loose[-1] == self._strikes)})


@pytest.mark.parametrize(
    ("faults", "missed"),
    [(("reply_lost:buy:1", "reply_lost:sell:1"), "reply_lost sell"),
     (("stale_reply:sell:1", "stale_reply:order_book:3"), "stale_reply order_book")],
)  # fmt: skip
async def test_of_two_that_differ_in_what_they_strike_each_must(faults: tuple[str, str], missed: str) -> None:
    """The same switch for another kind of request is another trouble: the strike of one is none of the other, which is
    named, let loose again and again, and no day passes without it.
    """
    first, second = (next(each for each in CATALOGUE if each.faults == (fault,)) for fault in faults)
    venue, daemon, truth = Lenient(first), Idle(), Truth(D(0))
    table = Timetable((Spell(0, 60, (first,)), Spell(60, 60, (second,))), ())
    person = Person(daemon, venue, "btcusd", D(0))
    played = Supervisor(daemon, venue, person, truth, table, 10_800, 60, asyncio.Event(), lambda _: None)
    course = await played.play()
    seen = Seen(course, Tally(D(0), FxPolicy.BAND), truth, None, D(86_400), D(0), D(1), D(0), D(1))
    (told,) = (each for each in criteria(seen) if each.name == "every trouble struck")
    assert not told.passed
    assert told.measured == f"1 of 2, not {missed}"
    assert venue.loose[:2] == [first, second]
    assert set(venue.loose[2:]) == {second}
