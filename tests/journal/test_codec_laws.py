"""A journal line is the record, exactly, whatever stands in it; and no bytes do more than be refused."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arbbot.domain.records import DurableRecord
from arbbot.journal.codec import RecordError, decode, encode

KINDS: dict[str, type] = {cls.kind: cls for cls in get_args(DurableRecord)}
# What the wire and the engine can put in: money of any size and precision, ids of 64 bits, any text of people.
st.register_type_strategy(Decimal, st.decimals(allow_nan=False, allow_infinity=False))
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))
st.register_type_strategy(str, st.text(st.characters(exclude_categories=["Cs"]), max_size=20))


@pytest.mark.parametrize("kind", sorted(KINDS))
@given(choices=st.data())
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_a_record_survives_the_journal_to_the_last_digit(kind: str, choices: st.DataObject) -> None:
    """Written and read again it is equal, and shows the same digits: 1.50 does not become 1.5."""
    record = choices.draw(st.from_type(KINDS[kind]))
    again = decode(kind, encode(record))
    assert again == record
    assert repr(again) == repr(record)


@pytest.mark.parametrize("kind", [*sorted(KINDS), "no_such_kind"])
@given(body=st.one_of(st.text(max_size=200), st.just("{}"), st.just("null"), st.just('{"utc_us": 1e400}')))
@settings(max_examples=5, deadline=None)
def test_no_line_raises_anything_else(kind: str, body: str) -> None:
    """A line that is no record of its kind is refused as such."""
    try:
        decode(kind, body)
    except RecordError:
        return
    assert encode(decode(kind, body))
