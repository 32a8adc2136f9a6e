"""Options that several verbs share, and how the command line's own words are read: durations, rates, balances."""

from __future__ import annotations

import getpass
import os
import re
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class ModeOption(StrEnum):
    """--mode."""

    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


def operator() -> str:
    """Who commands: the name of the user."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid {os.getuid()}"


def duration(text: str) -> Decimal:
    """`30s`, `5m`, `1.5h` or `2d` in seconds."""
    match = re.fullmatch(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)([smhd])", text)
    seconds = Decimal(match[1]) * _UNITS_S[match[2]] if match else Decimal(0)
    if seconds <= 0:
        raise typer.BadParameter(f"{text!r} is no duration: say 30s, 5m, 24h or 2d")
    return seconds


def day(text: str) -> date:
    """`2026-11-22`, a UTC day."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day: say 2026-11-22") from None


def number(text: str) -> Decimal:
    """A number that is not negative."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise typer.BadParameter(f"{text!r} is no number of zero or more")
    return value


def positive(text: str) -> Decimal:
    """A number above zero."""
    value = number(text)
    if value == 0:
        raise typer.BadParameter("must be more than zero")
    return value


def percent(text: str) -> Decimal:
    """A rate in percent."""
    rate = number(text)
    if rate >= 100:
        raise typer.BadParameter("a rate is less than 100 percent")
    return rate


def balance(text: str) -> tuple[str, Decimal]:
    """`btc=10` as currency and opening balance."""
    currency, equals, total = text.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z0-9]{2,10}", currency):
        raise typer.BadParameter(f"{text!r}: say currency=amount")
    return (currency.lower(), number(total))


def currency_code(text: str) -> str:
    """`USDT` or `usdt` as the venue writes it in paths."""
    if not re.fullmatch(r"[A-Za-z0-9]{2,12}", text):
        raise typer.BadParameter(f"{text!r} is no currency: say usdt or btc")
    return text.lower()


SettingsFile = Annotated[
    Path | None,
    typer.Option("--settings", metavar="FILE", help="Settings file; else $ARBBOT_SETTINGS, else ./settings.toml."),
]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, money as text, for programs.")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; the journal keeps it with your name.")]
Socket = Annotated[
    Path | None, typer.Option("--socket", metavar="FILE", help="Control socket; else that of the settings.")
]
JournalFile = Annotated[
    Path | None, typer.Option("--journal", metavar="FILE", help="Journal to read; else that of the last run.")
]
