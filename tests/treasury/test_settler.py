"""A settlement from its first question to its last word, and all that forbids it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from arbbot.domain.book import Book
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus, WithdrawalFee
from arbbot.treasury.policy import Asked, Destination
from arbbot.treasury.records import RequestState, SettlementRefused, StatementWritten
from tests.treasury.world import ADDRESS, FACTS, OTHER, POLICY, D, World

OK, REFUSED, OPEN = ExitCode.OK, ExitCode.SETTLEMENT_REFUSED, ExitCode.SETTLEMENT_OPEN


def refusal(world: World) -> SettlementRefused:
    """The last line of the journal says why."""
    last = world.journal[-1]
    assert isinstance(last, SettlementRefused)
    return last


def nothing_sent(world: World) -> None:
    """No order, no withdrawal."""
    assert world.placed == []
    assert world.sent == []


# --- all goes well ----------------------------------------------------------------------------------------------


def test_profit_is_converted_and_withdrawn_and_a_statement_written() -> None:
    """Announced, intended, sent, known; the lease given back; the books agree with what was sent."""
    world = World()
    done = world.settle()
    assert done.code is OK
    assert [each.asked.address for each in world.sent] == [ADDRESS]
    assert len(world.placed) == 1
    assert world.kinds() == [
        "policy_seen", "settlement_confirmed", "conversion_intended", "conversion_moved", "conversion_moved",
        "request_intended", "request_moved", "request_moved", "statement_written",
    ]  # fmt: skip
    statement = world.journal[-1]
    assert isinstance(statement, StatementWritten)
    assert statement.withdrawn == world.withdrawn
    assert statement.bought == world.bought
    assert statement.agreed
    assert world.lease is None
    assert world.spent <= world.profit
    assert world.sent[0].asked.size == world.sent[0].asked.size.quantize(D("0.01"))


def test_below_the_threshold_nothing_is_done() -> None:
    """Which is no error: a timer runs often."""
    world = World(profit=D(49))
    assert world.code() is OK
    nothing_sent(world)


def test_what_is_at_hand_is_withdrawn_without_another_conversion() -> None:
    """Left over from a settlement that could not withdraw."""
    world = World(profit=D(0), bought=D(120))
    assert world.code() is OK
    assert world.placed == []
    assert [each.asked.size for each in world.sent] == [D(115)]


def test_the_caps_bound_a_request_and_a_day() -> None:
    """Fee in; the third settlement of a day is refused, the next day's is not."""
    world = World(profit=D(5_000), fate=RequestStatus.FINISHED)
    assert world.code() is OK
    assert world.withdrawn == 500
    world.later(60)
    assert world.code() is OK
    assert world.withdrawn == 800
    world.later(60)
    assert world.code() is REFUSED
    assert refusal(world).cause == "day_cap"
    world.later(86_400)
    assert world.code() is OK
    assert world.withdrawn == 1_300


def test_a_person_is_asked_and_may_say_no() -> None:
    """The question names size, cost, fee, network and address; a no is journaled, and nothing was sent."""
    world = World(policy=replace(POLICY, confirm=True), person=False)
    assert world.code() is REFUSED
    nothing_sent(world)
    assert world.leases == 0
    (text,) = world.asked_person
    assert ADDRESS in text
    assert "ethereum" in text
    world.person = True
    assert world.code() is OK
    world.end(RequestStatus.FINISHED)
    world.later(60)
    world.profit += 300
    assert world.code(Asked(confirmed=True, who="bob")) is OK
    assert len(world.asked_person) == 2


def test_the_travel_rule_s_fields_go_along() -> None:
    """As the venue spells them."""
    extras = (("beneficiary_thirdparty", "False"), ("vasp_uuid", "abc"))
    world = World(policy=replace(POLICY, allowed=(Destination("usdt", "ethereum", ADDRESS, extras),)))
    assert world.code() is OK
    assert world.sent[0].asked.extras == extras


# --- what forbids it --------------------------------------------------------------------------------------------

FORBIDDEN: dict[str, tuple[dict[str, Any], Asked, str]] = {
    "off": ({"policy": replace(POLICY, enabled=False)}, Asked(), "off"),
    "no address listed": ({"policy": replace(POLICY, allowed=())}, Asked(), "no_destination"),
    "an address not on the list": ({}, Asked(address=OTHER), "address_not_listed"),
    "a network not on the list": ({}, Asked(address=ADDRESS, network="tron"), "wrong_network"),
    "a network the venue does not send on": (
        {"policy": replace(POLICY, allowed=(Destination("usdt", "tron", ADDRESS),))}, Asked(), "wrong_network",
    ),
    "below the minimum": ({}, Asked(size=D("9.99")), "below_minimum"),
    "below the market's minimum": ({}, Asked(size=D(4)), "below_minimum"),
    "parts of a cent": ({}, Asked(size=D("50.005")), "too_fine"),
    "above the cap": ({}, Asked(size=D("495.01")), "above_cap"),
    "above the day's cap": (
        {"policy": replace(POLICY, max_per_day=D(200))}, Asked(size=D(200)), "day_cap",
    ),
    "more than may leave": ({}, Asked(size=D(400)), "not_enough"),
    "no fee table": ({"facts": replace(FACTS, fees=None)}, Asked(), "fee_unknown"),
    "an empty fee table": ({"facts": replace(FACTS, fees=())}, Asked(), "fee_unknown"),
    "an absurd fee": ({"facts": replace(FACTS, fees=(WithdrawalFee("usdt", None, D(11)),))}, Asked(), "fee_absurd"),
    "a negative fee": ({"facts": replace(FACTS, fees=(WithdrawalFee("usdt", None, D(-1)),))}, Asked(), "fee_absurd"),
    "an absurd trading fee": ({"facts": replace(FACTS, taker=D("0.5"))}, Asked(), "fee_absurd"),
    "no trading fee": ({"facts": replace(FACTS, taker=None)}, Asked(), "fee_absurd"),
    "a halted market": ({"facts": replace(FACTS, halted=True)}, Asked(), "market_halted"),
    "no book": ({"facts": replace(FACTS, book=None)}, Asked(), "no_book"),
    "a coin off its peg": (
        {"facts": replace(FACTS, book=Book("usdtusd", 1, [["1.04", "1"]], [["1.05", "9999"]]))}, Asked(), "price",
    ),
    "a thin book": (
        {"facts": replace(FACTS, book=Book("usdtusd", 1, [["0.99", "1"]], [["1", "9"], ["1.01", "9"]]))}, Asked(),
        "thin_book",
    ),
    "a currency the venue does not have": ({"facts": replace(FACTS, currency=None)}, Asked(), "currency_unknown"),
    "another account": ({"facts": replace(FACTS, balances={"usd": D(1)})}, Asked(), "another_account"),
    "cooling off": ({"policy": replace(POLICY, cooling_off_s=D(3600))}, Asked(), "cooling_off"),
}  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_forbids_it_is_one_line_journaled_and_nothing_is_sent(name: str) -> None:
    """Each with its own word, exit code 24, and no trace at the venue or the daemon's ledger."""
    changes, asked, cause = FORBIDDEN[name]
    world = World(**changes)
    done = world.settle(asked)
    assert done.code is REFUSED
    assert refusal(world).cause == cause
    assert refusal(world).text == done.text
    assert "\n" not in done.text
    nothing_sent(world)
    assert world.lease is None
    assert world.orders == world.withdrawals == {}


@pytest.mark.parametrize("reason", ["one hedge at a time, and one is open", "an order is in doubt"])
def test_a_daemon_that_is_not_quiet_denies_the_lease(reason: str) -> None:
    """In its own words."""
    world = World(daemon_trouble=lambda request: reason if request["verb"] == "lease" else None)
    done = world.settle()
    assert (done.code, done.text) == (REFUSED, reason)
    nothing_sent(world)


def test_an_account_that_is_not_quiet_is_left_alone() -> None:
    """Also where nothing may leave anyway: a settlement during a hedge is refused as such."""
    world = World(profit=D(0), waiting="one hedge at a time, and one is open")
    done = world.settle()
    assert (done.code, done.text) == (REFUSED, world.waiting)
    assert world.leases == 0


@pytest.mark.parametrize(("looks", "code"), [(5, OK), (500, REFUSED)])
def test_a_ledger_that_is_soon_seen_equal_is_waited_for(looks: int, code: ExitCode) -> None:
    """A row has just come: seconds. Longer is a refusal, and nothing was sent."""
    world = World(unequal=looks)
    assert world.code() is code
    assert (len(world.sent) == 1) is (code is OK)


def test_without_a_daemon_nothing_is_settled() -> None:
    """Its ledger must know what leaves."""
    world = World(daemon_up=False)
    assert world.code() is ExitCode.DAEMON
    nothing_sent(world)


@pytest.mark.parametrize("what", ["order", "withdrawal"])
def test_what_the_daemon_denies_is_never_sent(what: str) -> None:
    """Its own figures are the stricter ones."""
    world = World(daemon_trouble=lambda request: "principal" if request.get("what") == what else None)
    assert world.code() is REFUSED
    assert len(world.placed) == (what == "withdrawal")
    assert world.sent == []
    assert world.lease is None


def test_a_change_of_settings_cools_off_anew() -> None:
    """Any bound, any address: by the fingerprint in the journal; unchanged it does not begin again."""
    world = World(policy=replace(POLICY, cooling_off_s=D(3600)))
    assert world.code() is REFUSED
    world.later(3601)
    assert world.code() is OK
    world.end(RequestStatus.FINISHED)
    world.profit += 1000
    for policy in (
        replace(world.policy, max_request=D(501)),
        replace(world.policy, allowed=(*POLICY.allowed, Destination("usdt", "ethereum", OTHER))),
    ):
        world.policy = policy
        world.later(10)
        assert world.code() is REFUSED
        assert refusal(world).cause == "cooling_off"
    world.later(3601)
    assert world.code() is OK


def test_a_clock_set_back_does_not_shorten_the_cooling_off() -> None:
    """A change that is dated later than now has just happened."""
    world = World(policy=replace(POLICY, cooling_off_s=D(3600)))
    assert world.code() is REFUSED
    world.at = type(world.at)(world.at.mono_ns, world.at.utc_us - 10 * 3_600_000_000)
    assert world.code() is REFUSED


def test_a_fee_that_rises_after_the_yes_is_not_paid() -> None:
    """The person said yes to another one: the lease is given back, and nothing was sent."""
    world = World()

    def dearer(request: Mapping[str, Any]) -> None:
        if request["verb"] == "lease":
            world.facts = replace(FACTS, fees=(WithdrawalFee("usdt", "ethereum", D(9)),))

    world.daemon_trouble = dearer
    assert world.code() is REFUSED
    assert refusal(world).cause == "changed"
    nothing_sent(world)
    assert world.lease is None


# --- doubt ------------------------------------------------------------------------------------------------------


def test_a_lost_reply_of_the_withdrawal_is_found_in_the_venue_s_list() -> None:
    """It was taken: known by its line, told to the daemon, and sent once."""
    world = World(request_trouble="lost_after")
    assert world.code() is OK
    assert len(world.sent) == 1
    (request,) = world.replayed().requests.values()
    assert (request.state, request.request_id) == (RequestState.ACCEPTED, 500)
    assert list(world.withdrawals.values()) == [{"outcome": "accepted"}]


def test_a_request_that_never_arrived_is_absent_only_after_the_venue_s_bound() -> None:
    """Never sent again as itself; its amount counts against the day all the same."""
    world = World(request_trouble="lost_before")
    begun = world.at.mono_ns
    assert world.code() is REFUSED
    assert (world.at.mono_ns - begun) / 1e9 > 155
    assert len(world.sent) == 1
    (request,) = world.replayed().requests.values()
    assert request.state is RequestState.ABSENT
    assert world.replayed().asked_on(world.at.utc_us) == request.total
    assert list(world.withdrawals.values()) == [{"outcome": "absent"}]


def test_a_venue_that_refuses_is_told_in_its_words() -> None:
    """What was bought stays at hand, and the day's cap is free again."""
    world = World(request_trouble="refused")
    done = world.settle()
    assert done.code is REFUSED
    assert "Not allowed" in done.text
    assert world.replayed().asked_on(world.at.utc_us) == 0
    assert world.at_hand > 0


@pytest.mark.parametrize("words", ["", "two\nlines \x1b[2J", "long " * 500])
def test_whatever_a_venue_says_the_daemon_hears_of_it(words: str) -> None:
    """Its words go on as one short line: the daemon takes no other, and would wait for the withdrawal for ever."""
    world = World(request_trouble="refused", refusal=words)
    assert world.code() is REFUSED
    (told,) = [each["reason"] for each in world.asked_daemon if each.get("outcome") == "refused"]
    assert told.strip()
    assert told.isprintable()
    assert len(told) <= 300
    assert list(world.withdrawals.values()) == [{"outcome": "refused"}]


@pytest.mark.parametrize("trouble", ["lost_after", "lost_before", "refused", "partial"])
def test_the_conversion_s_troubles_end_by_order_status(trouble: str) -> None:
    """Found, never there, refused, or part of it: the daemon is told, and no order is sent twice."""
    world = World(order_trouble=trouble)
    code = world.code()
    assert len(world.placed) == 1
    (order,) = world.replayed().conversions.values()
    assert order.over
    assert order.filled == world.bought
    assert world.orders[order.intended.name]["complete"] is True
    assert code is (OK if trouble in ("lost_after", "partial") else REFUSED)


def test_an_order_that_never_ends_calls_a_person_and_nothing_is_withdrawn() -> None:
    """The next settlement looks at it first; ended, what it bought is withdrawn."""
    world = World(order_trouble="never_ends")
    assert world.code() is OPEN
    assert world.sent == []
    assert world.lease is None
    assert [each["outcome"] for each in world.asked_daemon if each.get("what") == "word"] == ["stuck"]
    assert world.code() is OPEN
    world.order_trouble = ""
    assert world.code() is OK
    assert len(world.placed) == 1
    assert len(world.sent) == 1


def test_an_older_reply_is_believed_when_it_says_the_same_twice() -> None:
    """It does not tell what is left: a lag apart, the fills are what they were."""
    world = World(order_trouble="old_reply")
    begun = world.at.mono_ns
    assert world.code() is OK
    assert (world.at.mono_ns - begun) / 1e9 > 5
    (order,) = world.replayed().conversions.values()
    assert order.filled == world.bought


def test_an_answer_that_is_none_of_the_daemon_s_is_no_ground_to_send() -> None:
    """Another version, or another program on that socket."""
    world = World(strange=True)
    assert world.code() is ExitCode.DAEMON
    nothing_sent(world)


def test_an_open_request_keeps_the_next_settlement_away() -> None:
    """In process: nothing new, which is no error; ended, the next one goes."""
    world = World(profit=D(1000))
    assert world.code() is OK
    world.later(3600)
    done = world.settle()
    assert done.code is OK
    assert "nothing new begins" in done.text
    assert len(world.sent) == 1
    world.end(RequestStatus.FINISHED)
    assert world.code() is OK
    assert len(world.sent) == 2


def test_a_stuck_request_calls_a_person_once() -> None:
    """By the daemon's alerts, and by the exit code for as long as it lasts."""
    world = World()
    assert world.code() is OK
    world.later(86_401)
    assert world.code() is OPEN
    assert world.code() is OPEN
    stuck = [each for each in world.asked_daemon if each.get("outcome") == "stuck"]
    assert len(stuck) == 1


def test_one_that_failed_is_at_hand_again() -> None:
    """And withdrawn by the next settlement, as another request."""
    world = World()
    assert world.code() is OK
    world.end(RequestStatus.FAILED)
    world.later(60)
    assert world.code() is OK
    assert [request.state for request in world.replayed().requests.values()] == [
        RequestState.RETURNED,
        RequestState.ACCEPTED,
    ]
    assert len({each.name for each in world.sent}) == 2
    assert next(iter(world.withdrawals.values())) == {"outcome": "returned"}


def test_somebody_s_request_of_the_same_size_is_not_taken_for_an_older_one() -> None:
    """Listed long before the intent: not ours."""
    world = World()
    assert world.code() is OK
    world.end(RequestStatus.FINISHED)
    world.requests[0] = replace(world.requests[0], request_id=1, utc_us=world.at.utc_us - 10**9)
    world.journal.clear()
    world.orders.clear()
    world.withdrawals.clear()
    world.profit += 300
    world.request_trouble = "lost_before"
    assert world.code() is REFUSED
    assert [each.state for each in world.replayed().requests.values()] == [RequestState.ABSENT]
