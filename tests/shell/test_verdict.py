"""The verdict on a process's end judged: each of its rules is seen to fail."""

from __future__ import annotations

from decimal import Decimal

import pytest

from arbbot.exchange.accounts import FeeRates, Status
from arbbot.exchange.entry import OrderRequest
from arbbot.exchange.matching import Kind, Side
from arbbot.exchange.venue import Venue
from tests.e2e.judge import Json, of_the_last
from tests.shell.broken_words import BrokenWords
from tests.shell.verdict import crowded, hasty, latched_in_silence, left_wrong

FREE = FeeRates(Decimal(0), Decimal(0))
STARTED: Json = {"kind": "started"}
TOLD: Json = {"kind": "alert_raised", "name": "stopped_not_flat", "text": "exposure [-0.05, 0.01] BTC; open: none"}
HALTED: Json = {"kind": "mode_changed", "mode": "halted"}
ALERT: Json = {"kind": "alert_raised", "name": "mode_halted", "text": "halted by ann: strange"}


@pytest.mark.parametrize(
    ("net", "told", "wrong"),
    [
        ("0", "", False),
        ("0.0004", "", False),
        ("-0.03", TOLD["text"], False),
        ("-0.03", "an exposure is left", True),
        ("-0.03", "", True),
        ("0.03", TOLD["text"], True),
    ],
)
def test_what_is_left_is_named_with_its_amount(net: str, told: str, wrong: bool) -> None:
    """L1: a process that leaves something one-sided says between which bounds, and the truth lies between them."""
    assert bool(left_wrong(Decimal(net), told)) is wrong


def test_a_fill_against_the_venues_word_is_excused_until_it_is_booked() -> None:
    """L1: so much as an order has filled after the venue had called it cancelled, and the journal does not hold, is
    nobody's knowledge. What it filled before, what fills of other orders, and other markets excuse nothing.
    """
    venue = Venue()
    words = BrokenWords(venue)
    ann = venue.add_account("ann", {"btc": Decimal(5), "usd": Decimal(0), "eur": Decimal(5_000)}, FREE)
    for market, size, name in (("btcusd", "0.04", "a-1"), ("btcusd", "0.05", "a-2"), ("eurusd", "0.06", "a-3")):
        price = Decimal(20_000)
        order = venue.place(ann, OrderRequest(market, Side.SELL, Kind.LIMIT, Decimal(size), price, name), 0)
        venue.house_limit(market, Side.BUY, price, Decimal("0.01"), 0)
        assert len(order.fills) == 1
        if name == "a-2":
            venue.house_limit(market, Side.BUY, price, Decimal("0.04"), 0)
            assert order.status is Status.FINISHED
        else:
            assert not words
            venue.cancel(order, 0, late_fill=(1, Decimal(1)))
    assert words.unheard(set()) == 0
    venue.advance(1)
    assert words
    assert words.unheard(set()) == Decimal("-0.03")
    sale = ann.by_client_id["a-1"]
    assert sale.status is Status.FINISHED
    early, late = ((row.row_id, "a-1") for row in sale.fills)
    assert words.unheard({early}) == Decimal("-0.03")
    assert words.unheard({early, late}) == 0


def test_an_earlier_process_tells_nothing_of_a_later_end() -> None:
    """L1: only what the last process has written counts for its end."""
    assert list(of_the_last([STARTED, TOLD, STARTED, ALERT])) == [STARTED, ALERT]
    assert list(of_the_last([])) == []


@pytest.mark.parametrize(
    ("lines", "silent"),
    [
        ([], ""),
        ([HALTED, ALERT], ""),
        ([HALTED, ALERT, {"kind": "mode_changed", "mode": "active"}], ""),
        ([HALTED], "halted"),
        ([HALTED, TOLD], "halted"),
        ([ALERT, HALTED], "halted"),
    ],
)
def test_no_mode_latches_in_silence(lines: list[Json], silent: str) -> None:
    """L1: the alert of a mode comes with it; an older alert, or one about something else, is not it."""
    assert latched_in_silence(lines) == silent


def test_requests_are_counted_in_both_windows() -> None:
    """S9: 400 within a second and 10,000 within ten minutes are allowed, one more is not."""
    assert crowded([number / 400 for number in range(401)]) == []
    assert crowded([0.5] * 401)[0].startswith("S9: more than 400")
    assert crowded([number * 0.06 for number in range(10_001)]) == []
    assert crowded([number * 0.0599 for number in range(10_001)])[0].startswith("S9: more than 10000")


def test_the_stream_is_tried_with_pauses_and_not_without_end() -> None:
    """L4: as fast as the policy allows, again a minute later, is not too fast; with any pause cut short, one attempt
    more, or the next series too soon, it is.
    """
    quickest = [0.0, 0.0, 1.0, 3.0, 7.0, 15.0]
    assert hasty([*quickest, *(at + 75.0 for at in quickest)]) == []
    for number in range(3, len(quickest)):
        assert hasty([*quickest[:number], *(at - 0.3 for at in quickest[number:])])
    assert hasty([*quickest, 31.0])
    assert hasty([at * 0.02 for at in range(6)])
