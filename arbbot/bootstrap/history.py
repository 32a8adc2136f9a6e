"""`arbbot backtest`: recorded closes in virtual time, at several fee tiers, told honestly."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from arbbot import screen
from arbbot.bootstrap.summary import only, plain
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.rehearsal import history_run
from arbbot.settings import Settings, rules

PROGRESS_EVERY_S = 5.0


def backtest(
    period: str, settings: Settings, *, taker_percent: Sequence[Decimal], seed: int, as_json: bool
) -> ExitCode:
    """Run a period at each taker fee. Raises Failure (USAGE) for a period without records."""
    runs = []
    for taker in taker_percent:
        try:
            runs.append(
                history_run(period, taker, rules(settings), seed, progress=progress_line(f"{period} {taker} %"))
            )
        except ValueError as error:
            raise Failure(ExitCode.USAGE, f"backtest {period}: {error}") from error
    if as_json:
        screen.show_json(runs)
    else:
        print(*(line for run in runs for line in lines(run)), sep="\n")
    return ExitCode.OK


def progress_line(label: str) -> Callable[[float], None]:
    """Tells on stderr how far a run is, now and then."""
    told = time.monotonic()  # noqa: TID251 - paces a progress line

    def tell(share: float) -> None:
        nonlocal told
        now = time.monotonic()  # noqa: TID251 - paces a progress line
        if now - told >= PROGRESS_EVERY_S:
            told = now
            print(f"{label}: {share:.0%}", file=sys.stderr, flush=True)

    return tell


def _grown(ramp: dict[str, Any]) -> str:
    """What the ramp made of the weight that it began with."""
    weight = ramp["weight_percent"]
    return "" if weight is None else f" at the start, and the ramp ended at {plain(weight)} %"


def lines(run: dict[str, Any]) -> list[str]:
    """One run for people."""
    closing, synthetic = run["closing_prices"], run["synthetic"]
    hedges, pnl, edge = synthetic["hedges"], synthetic["pnl"], synthetic["edge_bps"]
    converted = synthetic["conversions"]
    hours = ", ".join(f">= {threshold} in {count}" for threshold, count in closing["qualifying_hours"].items())
    refused = ", ".join(f"{name} {count}" for name, count in sorted(synthetic["refusals"].items()))
    lifted = ", ".join(f"{key} to {plain(value)}" for key, value in run["raised_rules"].items())
    return [
        f"{run['period']} at {plain(run['taker_fee_percent'])} % taker, "
        f"one look every {run['step_s']} s, seed {run['seed']}",
        f"  played on       the rehearsal's own route {', '.join(run['route'])} and balances "
        f"{only(run['balances'])}, not those of the settings",
        f"  rules           of the settings: one hedge is at most {plain(run['hedge_size'])} base units"
        + _grown(synthetic["ramp"])
        + (f"; raised for this: {lifted}" if lifted else ""),
        f"  spike guard     {run['spike_guard']}",
        f"  closing prices  {closing['hours']} hours; {hours}",
        f"                  ({closing['meaning']})",
        f"  synthetic       {synthetic['signals']} signals in {synthetic['hours_with_a_signal']} hours; "
        f"{hedges['completed']} hedges completed, {hedges['one_sided']} one-sided",
        f"                  ({synthetic['meaning']})",
        f"  turnover        {plain(synthetic['turnover'])} {pnl['numeraire']} bought, "
        f"{plain(synthetic['turnover_per_day'])} times the capital a day; fees {only(synthetic['fees']) or 'none'}",
        f"  declined        {refused or 'nothing'}",
        f"  made            {plain(pnl['hedge'])} {pnl['numeraire']} after fees, "
        f"edge {plain(edge['expected'])} bp expected, {plain(edge['realised'])} bp realised; "
        f"FX drift P&L {plain(pnl['fx_drift'])}, float {plain(pnl['float_revaluation'])}",
        f"  converted       {converted['converted']} conversions in full, {converted['partial']} in part; "
        f"FX fees {plain(pnl['fx_fees'])}, hedge P&L at their prices {plain(pnl['converted'])} {pnl['numeraire']}; "
        f"drift left {only(synthetic['fx_drift'])}",
    ]
