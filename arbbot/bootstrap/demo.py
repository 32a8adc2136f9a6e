"""`arbbot run --demo`: the daemon against the built-in exchange in a process of its own, in a fresh state directory."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from pydantic import SecretStr

from arbbot.bootstrap.exchange_child import exchange_child
from arbbot.bootstrap.terminal import say
from arbbot.domain.exit_codes import ExitCode
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.settings import KeySettings, RunMode, Settings

SCENARIO = "dislocated"
TAKER_PERCENT = Decimal("0.03")
MAKER_PERCENT = Decimal("0.00")
MOST_HEDGES = 256
FULL_WEIGHT = Decimal(100)
MEDIAN_SAMPLES = 4
"""Of the premium, before the first signal is believed: a demonstration is short."""
LAG_S = Decimal("0.5")
"""The built-in exchange shows every row at once: the ledger's opening has nothing to wait for."""


def explanation(settings: Settings) -> str:
    """What makes it trade, and what is real in it: nothing."""
    usual, usual_samples = settings.trade.weight_percent, settings.spike.median_samples
    samples = min(usual_samples, MEDIAN_SAMPLES)
    return f"""\
This is a demonstration in dry-run: no real venue, no real money.
exchange   built in, scenario "{SCENARIO}": ARTIFICIAL dislocations of 0.5-1.5 % every few seconds, in both directions.
           Real markets show none on most days; `arbbot exchange --scenario calm` is what 2026 looks like.
fee tier   {MAKER_PERCENT} % maker, {TAKER_PERCENT} % taker: the ladder's highest, above 1,000 M of monthly volume.
           At the lowest tier ({Decimal("0.40")} % taker) a 0.35 % signal never pays, and the daemon declines it.
weight     full: one hedge may be {FULL_WEIGHT} % of the target size; by the settings it is {usual} %.
guard      as in the settings, but it believes signals after {samples} samples of the premium, not {usual_samples}.
start      the ledger's opening waits {LAG_S} s for late rows, not {settings.account.lag_s} s: here none are late.
limits     as in the settings, but for the notional of an hour and a day, which grow with the weight, and for
           {MOST_HEDGES} hedges in {settings.limits.hedges_window_s} s, not {settings.limits.max_hedges}."""


async def run(settings: Settings, serve: Callable[[Settings], Awaitable[ExitCode]]) -> ExitCode:
    """Start the exchange, run `serve` with settings that point at it, stop the exchange."""
    say(explanation(settings))
    fees = ("--maker-fee", str(MAKER_PERCENT), "--taker-fee", str(TAKER_PERCENT))
    async with exchange_child("--scenario", SCENARIO, *fees) as addresses:
        shown = pointed(settings, addresses)
        say(*invitation(shown))
        return await serve(shown)


def invitation(shown: Settings) -> list[str]:
    """What to type meanwhile, in another terminal: the state directory is not that of the settings."""
    program, socket = os.path.relpath(sys.executable), shlex.quote(str(shown.control_socket))
    if program.startswith(".."):
        program = sys.executable
    arbbot = f"{shlex.quote(program)} -m arbbot"
    return [
        f"look       {arbbot} status --socket {socket}",
        f"command    {arbbot} pause --reason 'a look' --socket {socket}",
    ]


def pointed(settings: Settings, addresses: dict[str, str]) -> Settings:
    """The settings of a demonstration: its own state directory, the exchange's addresses and key, full weight."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")  # noqa: TID251 - names a directory
    state_dir = Path(settings.state_dir) / f"demo-{stamp}"
    sandbox = settings.sandbox.model_copy(
        update={"rest_url": addresses["rest"], "ws_url": addresses["websocket"], "ca_file": None}
    )
    trade = settings.trade.model_copy(update={"weight_percent": FULL_WEIGHT})
    spike = settings.spike.model_copy(update={"median_samples": min(settings.spike.median_samples, MEDIAN_SAMPLES)})
    scale = FULL_WEIGHT / settings.trade.weight_percent
    limits = settings.limits.model_copy(
        update={
            "notional_per_hour": settings.limits.notional_per_hour * scale,
            "notional_per_day": settings.limits.notional_per_day * scale,
            "max_hedges": max(settings.limits.max_hedges, MOST_HEDGES),
        }
    )
    account = settings.account.model_copy(update={"lag_s": min(settings.account.lag_s, LAG_S)})
    keys = KeySettings(key_id=SecretStr(DEMO_KEY), secret=SecretStr(DEMO_SECRET))
    changed = {"state_dir": state_dir, "sandbox": sandbox, "trade": trade, "spike": spike, "limits": limits}
    return settings.model_copy(update={"mode": RunMode.SANDBOX, "keys": keys, "account": account, **changed})
