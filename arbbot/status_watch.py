"""`arbbot status --watch`: the four questions of an operator, answered again and again in a terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.screen import plain_json, text

EVERY_S = 1.0
GOOD, BAD, IDLE = "green", "bold red", "dim"

Answer = Mapping[str, Any]


def watch(ask: Callable[[], Answer], as_json: bool, every_s: float = EVERY_S) -> None:
    """Show until Ctrl-C: a screen on a terminal, with `as_json` one line of JSON each time. Raises Failure (USAGE)
    where there is no terminal; a daemon that does not answer is shown, and asked again.
    """
    if as_json:
        while True:
            sys.stdout.write(json.dumps(_asked(ask), default=plain_json) + "\n")
            sys.stdout.flush()
            time.sleep(every_s)
    if not sys.stdout.isatty():
        raise Failure(ExitCode.USAGE, "--watch draws on a terminal; a program wants --watch --json")
    console = Console(markup=False, emoji=False, highlight=False)
    with Live(console=console, screen=True, auto_refresh=False) as live:
        while True:
            live.update(picture(_asked(ask)), refresh=True)
            time.sleep(every_s)


def _asked(ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except Failure as failure:
        return {"error": failure.reason}


def picture(answer: Answer) -> RenderableType:
    """One screen of the answer to `status`, or of the error in its place."""
    if "error" in answer:
        return Text(f"NO ANSWER: {answer['error']}", style=BAD)
    return Group(_banner(answer), Text(), *_answers(answer), Text(), _balances(answer), Text(), _hedges(answer))


def _banner(answer: Answer) -> Text:
    style = GOOD if answer["state"] == "active" else BAD
    banner = Text(f" {answer['mode'].upper()} ", style="bold white on red" if answer["mode"] == "live" else "reverse")
    banner.append(f"  {answer['state'].upper()}", style=style)
    if answer["state_reason"]:
        banner.append(f"  {answer['state_reason']}")
    return banner.append(f"   {answer['route']}, version {answer['version']}, up {answer['uptime_s']} s", style=IDLE)


def _answers(answer: Answer) -> list[Text]:
    """Am I flat, what is in doubt, why are we not trading, does the ledger equal the venue."""
    exposure = "; ".join(
        f"{asset} [{text(line['low'])}, {text(line['high'])}]" for asset, line in answer["exposure"].items()
    )
    orders = f"{len(answer['open_orders'])} open orders"
    doubt = [f"{order['client_order_id']}: {_left(order)}" for order in answer["open_orders"] if order["in_doubt"]]
    reasons = [f"{each['meaning']} ({each['name']})" for each in answer["blockers"]]
    apart = [f"{name} by {text(line['difference'])}" for name, line in answer["balances"].items() if _differs(line)]
    agreed = "" if answer["reconciled_age_s"] is None else f", last {answer['reconciled_age_s']} s ago"
    lines = [
        _line("am I flat?", bool(answer["flat"]), f"{'yes' if answer['flat'] else 'NO'}: {exposure}; {orders}"),
        _line("in doubt?", not doubt, "; ".join(doubt) or "nothing"),
        _line("not trading?", True, "; ".join(reasons) or "no hedge is refused at this moment"),
        _line("ledger?", bool(answer["reconciled"]), _ledger(bool(answer["reconciled"]), apart) + agreed),
    ]
    return lines + [_line("problem", False, problem) for problem in answer["problems"]]


def _left(order: Answer) -> str:
    return f"{order['side']} {order['may_fill']} on {order['market']}, {order['age_s']} s"


def _differs(line: Answer) -> bool:
    return line["difference"] is not None and Decimal(line["difference"]) != 0


def _ledger(agreed: bool, apart: list[str]) -> str:
    if apart:
        return f"DIFFERS from the venue: {', '.join(apart)}"
    return "equals the venue's balances" if agreed else "not compared since something moved"


def _line(question: str, good: bool, said: str) -> Text:
    return Text(f"{question:14}", style="bold").append(said, style=GOOD if good else BAD)


def _balances(answer: Answer) -> Table:
    table = _table("balances", "venue", "ledger", "difference")
    for name, line in answer["balances"].items():
        table.add_row(name, text(line["venue"]), text(line["ledger"]), text(line["difference"]))
    return table


def _hedges(answer: Answer) -> Table:
    table = _table("last hedges", "direction", "size", "outcome", "expected bps", "realised bps", "realised P&L")
    keys = ("hedge_id", "direction", "size", "outcome", "expected_bps", "realised_bps", "realised_pnl")
    for hedge in answer["hedges"]:
        table.add_row(*(text(hedge[key]) for key in keys))
    return table


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column(first, style="bold")
    for name in others:
        table.add_column(name, justify="right")
    return table
