"""`arbbot rehearse` and its options."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Annotated

import typer

from arbbot.cli_exchange import Scenario
from arbbot.cli_types import AsJson, SettingsFile, duration, positive

DAY_S = Decimal(86_400)
USUAL_SPEED = Decimal(60)
SPEED_MAX = 1000


class Faults(StrEnum):
    """--faults."""

    NONE = "none"
    USUAL = "usual"
    HEAVY = "heavy"


def rehearse(
    for_s: Annotated[
        Decimal | None,
        typer.Option("--for", parser=duration, metavar="TIME", help="Of market time: 30m, 7d ...; else 24h."),
    ] = None,
    speed: Annotated[
        Decimal | None,
        typer.Option("--speed", parser=positive, metavar="N", help="Market seconds per second; else 60. 1: real time."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same market and timetable.")] = 1,
    scenario: Annotated[Scenario, typer.Option("--scenario", help="The exchange's market.")] = Scenario.EVENTFUL,
    faults: Annotated[Faults, typer.Option("--faults", help="How much goes wrong.")] = Faults.USUAL,
    listing: Annotated[bool, typer.Option("--list", help="Play nothing; list what is on record.")] = False,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """A day against the built-in exchange with faults, spikes and deaths; live mode asks for a passed one."""
    if speed is not None and not 1 <= speed <= SPEED_MAX:
        raise typer.BadParameter(f"--speed is from 1 to {SPEED_MAX}")
    from arbbot.settings import RunMode, load

    loaded = load(settings, RunMode.SANDBOX.value)
    from arbbot import bootstrap
    from arbbot.bootstrap.longrun import Level, Options

    if listing:
        return bootstrap.listed(loaded, as_json=as_json)
    options = Options(for_s or DAY_S, speed or USUAL_SPEED, seed, scenario.value, Level(faults.value))
    return bootstrap.rehearse(loaded, options, as_json=as_json)
