from __future__ import annotations

from decimal import Context, Decimal, InvalidOperation, Overflow, getcontext, localcontext
from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.money import (
    DIGITS,
    ZERO,
    assert_exact_context,
    ceil_quotient,
    decimals_of,
    floor_to,
    unit,
    use_exact_context,
)

totals = st.decimals(min_value=0, max_value=Decimal(10) ** 16, places=18)
divisors = st.decimals(min_value=Decimal("1e-8"), max_value=Decimal(10) ** 9, places=8)
steps = st.integers(0, 8).map(unit)


@given(totals, divisors, steps)
@settings(max_examples=200)
def test_a_quotient_rounds_up_exactly(numerator: Decimal, denominator: Decimal, step: Decimal) -> None:
    """ceil_quotient is the smallest multiple of the step that is not below the true fraction."""
    exact = Fraction(numerator) / Fraction(denominator)
    assert Fraction(ceil_quotient(numerator, denominator, step)) == ceil(exact / Fraction(step)) * Fraction(step)


@given(totals, steps)
@settings(max_examples=100)
def test_rounding_down_to_a_step_is_exact(number: Decimal, step: Decimal) -> None:
    """floor_to keeps multiples and never rounds up."""
    rounded = floor_to(number, step)
    assert rounded <= number < rounded + step
    assert floor_to(rounded, step) == rounded


@given(st.decimals(max_value=10**15, min_value=0, places=8), st.decimals(0, 10**11, places=8))
@settings(max_examples=100)
def test_products_of_wire_numbers_are_exact(price: Decimal, size: Decimal) -> None:
    """Price x amount x fee x rate keeps every digit in the money context."""
    fee, rate = Decimal("1.0012345"), Decimal("1.08123")
    assert Fraction(price * size * fee * rate) == Fraction(price) * Fraction(size) * Fraction(fee) * Fraction(rate)


@given(st.integers(0, 12), st.integers(0, 10**9))
def test_decimals_are_counted_as_written(places: int, whole: int) -> None:
    """A number written with n decimals has n decimals, trailing zeros and all."""
    assert decimals_of(Decimal(whole).scaleb(-places)) == places


def test_decimals_of_round_and_endless_numbers() -> None:
    """1e3 has no decimals; infinity has none to count."""
    assert decimals_of(Decimal("1e3")) == 0
    with pytest.raises(InvalidOperation):
        decimals_of(Decimal("Infinity"))


def test_a_unit_is_a_power_of_ten() -> None:
    """Two decimals are hundredths."""
    assert (unit(0), unit(2), unit(8)) == (Decimal(1), Decimal("0.01"), Decimal("0.00000001"))


def test_a_narrow_context_is_refused() -> None:
    """Money is not computed where it would be rounded."""
    assert_exact_context()
    with localcontext(Context(prec=28)), pytest.raises(RuntimeError, match="28 digits"):
        assert_exact_context()


def test_the_money_context_is_wide_and_loud() -> None:
    """It has all the digits money needs, and an overflow or a nonsense is raised, never returned."""
    use_exact_context()
    assert getcontext().prec == DIGITS
    with pytest.raises(Overflow):
        Decimal("1e999999") * Decimal("1e999999")
    with pytest.raises(InvalidOperation):
        ZERO / ZERO
