"""The verdict on a process's end judged: each of its rules is seen to fail."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.e2e.judge import Json, of_the_last
from tests.shell.verdict import crowded, latched_in_silence, left_wrong, unheard

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
    """L1: so much as a cancelled order has filled that the journal does not hold is nobody's knowledge, and no more."""
    fills = [{"id": 7, "amounts": {"btc": "-0.02"}}, {"id": 8, "amounts": {"btc": "-0.01"}}]
    sale: Json = {"client_order_id": "a-1", "market": "btcusd", "side": "sell", "fills": fills}
    assert unheard([sale], set()) == Decimal("-0.03")
    assert unheard([sale], {(7, "a-1")}) == Decimal("-0.01")
    assert unheard([sale], {(7, "a-1"), (8, "a-1")}) == 0
    assert unheard([sale | {"market": "eurusd"}], set()) == 0


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
