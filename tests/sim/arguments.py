"""Numbers on the simulations' command lines: what would play nothing is refused, for nothing breaks no promise."""

from __future__ import annotations

import argparse
from math import isfinite


def count(text: str) -> int:
    """One or more. Raises ArgumentTypeError, of which argparse makes one line and exit code 2."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of one or more")
    return int(text)


def days(text: str) -> float:
    """More than none. Raises ArgumentTypeError."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not isfinite(number) or number <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of days above zero")
    return number
