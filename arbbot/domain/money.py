"""Exact money: one decimal context, wide enough that no product of price, amount, fee and rate is ever rounded.

A price has at most 16 significant digits on the wire, an amount 20, a fee 6 and an FX rate 10: their product stays
under 60. Only divisions (ratios shown to people) round, at the 60th digit; decisions compare products instead.
"""

from __future__ import annotations

from decimal import (
    Clamped,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    getcontext,
    setcontext,
)
from functools import cache

DIGITS = 60
ZERO = Decimal(0)
ONE = Decimal(1)
BPS = Decimal(10_000)

exact = Context(prec=DIGITS, traps=[InvalidOperation, Overflow, Clamped, Inexact]).create_decimal
"""Text to the very number it spells, faster than `Decimal`; DecimalException where it spells none, or one of more than
`DIGITS` digits. Blanks and underscores are none; NaN and infinities pass: comparing them is the caller's.
"""


def use_exact_context() -> None:
    """Make this thread's (and its later tasks') decimal arithmetic exact; loud where it could not be."""
    setcontext(Context(prec=DIGITS, traps=[InvalidOperation, DivisionByZero, Overflow, Clamped]))


def assert_exact_context() -> None:
    """Refuse to compute money under a narrower context than `DIGITS` digits."""
    if getcontext().prec < DIGITS:
        raise RuntimeError(f"decimal context has {getcontext().prec} digits, money needs {DIGITS}")


@cache
def unit(decimals: int) -> Decimal:
    """The smallest step at a number of decimals: `unit(2)` is 0.01."""
    return ONE.scaleb(-decimals)


def decimals_of(number: Decimal) -> int:
    """How many decimals a number was written with (never negative): 1.50 has two."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise InvalidOperation(f"{number} is not a finite number")
    return max(0, -exponent)


def floor_to(number: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of a positive `step` that is not above a non-negative `number`."""
    return (number // step) * step


def ceil_quotient(numerator: Decimal, denominator: Decimal, step: Decimal) -> Decimal:
    """numerator / denominator rounded **up** to a multiple of `step`, without ever forming the inexact quotient."""
    divisor = denominator * step
    steps = numerator // divisor
    if steps * divisor < numerator:
        steps += ONE
    return steps * step


use_exact_context()
