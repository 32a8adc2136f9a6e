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
from arbbot.screen import harmless, of_alerts, plain_json, text

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
    answer = harmless(answer)
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
    unread = not answer["armed"] and answer["reconciled_age_s"] is None
    flat = "NOT KNOWN, the account has not been read yet" if unread else "yes" if answer["flat"] else "NO"
    nothing = "nothing by the journal; the venue has not told yet" if unread else "nothing"
    free = answer["state"] == "active" and answer["stopping"] is None
    lines = [
        _line("am I flat?", GOOD if flat == "yes" else BAD, f"{flat}: {exposure}; {orders}"),
        _line("in doubt?", BAD if doubt else IDLE if unread else GOOD, "; ".join(doubt) or nothing),
        _line("not trading?", GOOD if free else BAD, "; ".join(reasons) or "no hedge is refused at this moment"),
        _line("ledger?", _ledger_style(answer, apart), _ledger(answer, apart) + agreed),
    ]
    problems = [*answer["problems"], *filter(None, (of_alerts(answer.get("alerts")),))]
    return lines + [_line("problem", BAD, problem) for problem in problems]


def _left(order: Answer) -> str:
    return f"{order['side']} {order['may_fill']} on {order['market']}, {order['age_s']} s"


def _differs(line: Answer) -> bool:
    return line["difference"] is not None and Decimal(line["difference"]) != 0


def _ledger(answer: Answer, apart: list[str]) -> str:
    if answer["reconciled"]:
        return "equals the venue's balances"
    if answer["differs"]:
        return f"DIFFERS from the venue, {answer['differs']}"
    if _is_busy(answer):
        return "compared when nothing is open"
    if apart:
        return f"DIFFERS from the venue: {', '.join(apart)}"
    return "not compared yet" if answer["reconciled_age_s"] is None else "not compared since something moved"


def _ledger_style(answer: Answer, apart: list[str]) -> str:
    if answer["reconciled"]:
        return GOOD
    return IDLE if _is_busy(answer) and not apart and not answer["differs"] else BAD


def _is_busy(answer: Answer) -> bool:
    """Whether a difference is of fills on their way."""
    return bool(answer["open_orders"] or answer["open_hedge"] or answer["fx"]["open_conversion"])


def _line(question: str, style: str, said: str) -> Text:
    return Text(f"{question:14}", style="bold").append(said, style=style)


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
