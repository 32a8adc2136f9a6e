"""The venue's variants from the command line."""

from __future__ import annotations

from dataclasses import fields

import pytest

from arbbot.exchange.rules import Booking, VenueRules, with_rules


def test_rules_are_replaced_by_name() -> None:
    """Whole numbers, yes and no, choices; what is not named stays, and the last word wins."""
    rules = with_rules(
        VenueRules(row_decimals=5),
        ["withdrawal_booking=reserved", "travel_rule=true", "row_lag_us=7", "sign_errors=false", "row_lag_us=8"],
    )
    assert rules == VenueRules(
        row_decimals=5, withdrawal_booking=Booking.RESERVED, travel_rule=True, row_lag_us=8, sign_errors=False
    )
    assert with_rules(rules, []) == rules


def test_every_rule_can_be_named() -> None:
    """No variant is out of reach, not even those whose default is nothing."""
    for each in fields(VenueRules):
        value = {"withdrawal_booking": "reserved"}.get(each.name, "true" if isinstance(each.default, bool) else "4")
        assert getattr(with_rules(VenueRules(), [f"{each.name}={value}"]), each.name) == (
            True if value == "true" else 4 if value == "4" else Booking.RESERVED
        )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("gravity=9", "no rule 'gravity=9'; say NAME=VALUE with one of row_decimals,"),
        ("travel_rule", "no rule"),
        ("travel_rule=yes", "is true or false"),
        ("row_lag_us=-1", "is a whole number"),
        ("withdrawal_booking=later", "is one of at_request, when_finished, reserved"),
    ],
)
def test_a_wrong_rule_says_what_there_is(text: str, said: str) -> None:
    """One line, with the names or the values."""
    with pytest.raises(ValueError, match=said):
        with_rules(VenueRules(), [text])
