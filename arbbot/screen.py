"""What people see: tables for the operator's answers, or the same answer as JSON with money as text. No logic."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import Enum
from typing import Any

from rich.console import Console
from rich.table import Table

from arbbot.telemetry.utc import utc_text

Answer = Mapping[str, Any]
_NONE = "-"
_STRANGE = "\ufffd"
_PIPE_COLUMNS = 200


def show(answer: Answer, as_json: bool, kind: str = "") -> None:
    """Write an answer to standard output; `kind` picks its tables: status, why, settings, or none for an outline."""
    if as_json:
        show_json(answer)
        return
    _SCREENS.get(kind, _outline)(_console(), harmless(answer))


def harmless(value: Any) -> Any:
    """The same with a mark for whatever is no plain character: the words may be the venue's, and a terminal obeys."""
    if isinstance(value, str) and not isinstance(value, Enum):
        return value if value.isprintable() else "".join(each if each.isprintable() else _STRANGE for each in value)
    if isinstance(value, Mapping):
        return {harmless(name): harmless(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [harmless(each) for each in value]
    return value


def show_json(value: Any) -> None:
    """JSON on standard output, for programs; money as text."""
    sys.stdout.write(json.dumps(value, default=plain_json, indent=2) + "\n")


def _console() -> Console:
    """No markup: brackets in a reason are brackets. A pipe has no width to fold tables to."""
    width = None if sys.stdout.isatty() else _PIPE_COLUMNS
    return Console(markup=False, emoji=False, highlight=False, soft_wrap=True, width=width)


def plain_json(value: object) -> Any:
    """For `json.dumps`: money as text without exponent."""
    if isinstance(value, Decimal):
        return format(value, "f")
    return value.value if isinstance(value, Enum) else str(value)


def text(value: object) -> str:
    """A value for a table cell: money without exponent, absence as a dash."""
    if value is None or value == "":
        return _NONE
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple):
        return ", ".join(text(item) for item in value) or _NONE
    return str(value)


def _table(console: Console, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table, or its title with "none"."""
    filled = [[text(cell) for cell in row] for row in rows]
    if not filled:
        console.print(f"{title}: none")
        return
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, show_header=any(columns))
    for index, column in enumerate(columns):
        table.add_column(column, overflow="fold", justify="left" if index == 0 else "right")
    for row in filled:
        table.add_row(*row)
    console.print(table)


def _headline(console: Console, answer: Answer) -> None:
    reason = f" ({answer['state_reason']})" if answer.get("state_reason") else ""
    console.print(f"{answer['mode']} mode, {answer['state']}{reason}, {answer['route']}", style="bold")


def _status(console: Console, answer: Answer) -> None:
    _headline(console, answer)
    console.print(f"version {answer['version']}, up {answer['uptime_s']} s")
    for problem in answer["problems"]:
        console.print(f"problem: {problem}", style="red")
    _recording(console, answer.get("recording"))
    if undelivered := of_alerts(answer.get("alerts")):
        console.print(undelivered, style="red")
    console.print(f"flat: {text(answer['flat'])}   ledger equals the venue: {_agreement(answer)}")
    if answer["rebase_waiting"]:
        console.print("a rebase waits: nothing may be open, and no transaction new for account.lag_s")
    exposure = [(asset, line["low"], line["high"]) for asset, line in answer["exposure"].items()]
    _table(console, "exposure", ("asset", "if all sells fill", "if all buys fill"), exposure)
    _orders(console, answer["open_orders"])
    balances = [(name, line["venue"], line["ledger"], line["difference"]) for name, line in answer["balances"].items()]
    _table(console, "balances", ("currency", "venue", "ledger", "difference"), balances)
    _fx(console, answer["fx"])
    books = [
        (symbol, line["bid"], line["ask"], line["age_ms"], line["fresh"], line["halted"])
        for symbol, line in answer["books"].items()
    ]
    _table(console, "books", ("market", "bid", "ask", "age ms", "fresh", "halted"), books)
    _limits(console, answer["limits"])
    console.print(f"weight: a hedge may use {text(answer['weight_percent'])} % of target size and capital")
    _reasons(console, answer["blockers"])
    _hedges(console, answer["hedges"])


def _agreement(answer: Answer) -> str:
    """Whether the last comparison still holds; while anything is open there is none, and differences say nothing."""
    busy = answer["open_orders"] or answer["open_hedge"] or answer["fx"]["open_conversion"]
    if answer["reconciled"] or not busy:
        return text(answer["reconciled"])
    age_s = answer["reconciled_age_s"]
    before = "" if age_s is None else f", last equal {age_s} s ago"
    return f"not compared while something is open{before}; differences below are fills on their way"


def _limits(console: Console, limits: Answer) -> None:
    rows = [(name, line["measured"], line["limit"]) for name, line in limits["hard"].items()]
    _table(console, "limits", ("limit", "now", "trips at"), rows)
    for trip in limits["tripped"]:
        console.print(f"tripped: {trip['name']} at {text(trip['measured'])} of {text(trip['limit'])}", style="red")
    for reset in limits["last_resets"]:
        console.print(f"reset: {reset['name']}, by {reset['who']}: {reset['reason']}")


def _recording(console: Console, recording: Answer | None) -> None:
    if recording and (recording["failed"] or recording["dropped"]):
        why = recording["failed"] or f"{recording['dropped']} lines lost"
        console.print(f"recording {recording['directory']} cannot be replayed: {why}", style="red")


def of_alerts(alerts: Answer | None) -> str | None:
    """What keeps alerts from whom they are for, and how many nobody will hear of; None while nothing does."""
    if alerts is None or not (alerts["trouble"] or alerts["dropped"]):
        return None
    trouble = f"not delivered, the last request was {alerts['trouble']}" if alerts["trouble"] else "delivered again"
    return f"alerts: {trouble}; {alerts['waiting']} waiting, {alerts['dropped']} lost"


def _orders(console: Console, orders: Sequence[Answer]) -> None:
    columns = ("open order", "market", "side", "kind", "price", "size", "may fill", "state", "age s")
    keys = ("client_order_id", "market", "side", "kind", "price", "size", "may_fill", "state", "age_s")
    _table(console, "open orders", columns, ([order[key] for key in keys] for order in orders))


def _hedges(console: Console, hedges: Sequence[Answer]) -> None:
    columns = ("hedge", "direction", "size", "outcome", "expected bps", "realised bps", "realised P&L")
    keys = ("hedge_id", "direction", "size", "outcome", "expected_bps", "realised_bps", "realised_pnl")
    _table(console, "last hedges", columns, ([hedge[key] for key in keys] for hedge in hedges))


def _fx(console: Console, fx: Answer) -> None:
    drift = ("currency", "drift", "low", "high", "policy", "open_conversion")
    columns = ("currency", "drift", "if all sells fill", "if all buys fill", "policy", "open conversion")
    _table(console, "FX drift", columns, [[fx[key] for key in drift]])
    if fx["unpriced"]:
        console.print("the FX leg is unpriced: policy never, so no edge or P&L of a hedge has converting it in")
    _not_converting(console, fx)
    keys = ("conversion_id", "side", "size", "filled", "price", "fee", "realised_pnl", "outcome")
    columns_of_last = ("conversion", "side", "size", "filled", "price", "fee", "FX P&L", "outcome")
    _table(console, "last conversions", columns_of_last, ([each[key] for key in keys] for each in fx["last"]))


def _not_converting(console: Console, fx: Answer) -> None:
    if fx["waiting"]:
        console.print(f"not converting: {fx['waiting']['meaning']} ({fx['waiting']['name']})")


def _reasons(console: Console, refusals: Sequence[Answer]) -> None:
    if not refusals:
        console.print("no hedge is refused at this moment")
    for refusal in refusals:
        console.print(f"not trading: {refusal['meaning']} ({refusal['name']})")


def _why(console: Console, answer: Answer) -> None:
    _headline(console, answer)
    _reasons(console, answer["refusals"])
    _not_converting(console, answer["fx"])
    columns = ("direction", "gross at touch", "gross of size", "threshold", "break-even", "net", "net floor")
    keys = ("touch_gross_bps", "gross_bps", "threshold_bps", "break_even_bps", "net_bps", "net_floor_bps")
    rows = (
        [f"buy {edge['buy_market']}, sell {edge['sell_market']}", *(edge[key] for key in keys)]
        for edge in answer["directions"].values()
    )
    _table(console, "edge, in basis points", columns, rows)
    _pairs(console, "refusals since the start", answer["counts"])


def _pairs(console: Console, title: str, pairs: Answer) -> None:
    _table(console, title, ("", ""), pairs.items())


def _withdrawals(console: Console, answer: Answer) -> None:
    columns = ("request", "asked at", "currency", "size", "network", "to", "status", "pending s", "transaction")
    keys = ("id", "utc", "currency", "size", "network", "address", "status", "pending_s", "transaction_id")
    _table(console, "withdrawal requests", columns, ([each[key] for key in keys] for each in answer["requests"]))


def _deposits(console: Console, answer: Answer) -> None:
    columns = ("seen at", "currency", "size", "network", "to", "status", "waits for", "transaction")
    keys = ("utc", "currency", "size", "network", "address", "status", "waits_for", "transaction_id")
    _table(console, "crypto deposits", columns, ([each[key] for key in keys] for each in answer["deposits"]))


def _transfers(console: Console, answer: Answer) -> None:
    columns = ("transfer", "asked at", "currency", "size", "from", "to", "who", "reason", "outcome", "words")
    keys = ("transfer", "utc", "currency", "size", "from", "to", "who", "reason", "outcome", "words")
    _table(console, "transfers", columns, ([each[key] for key in keys] for each in answer["transfers"]))


def _advice(console: Console, answer: Answer) -> None:
    counted = f"{answer['hedges']} hedges and {answer['conversions']} conversions"
    console.print(
        f"{answer['route']}, by {answer['by']}: {counted} of the last {float(answer['window_s']) / 3600:.1f} h"
    )
    columns = ("balance", "held", "principal", "changed", "a day", "per hedge", "hedges left", "days left")
    keys = ("held", "principal", "change", "change_per_day", "spent_per_hedge", "hedges_left", "days_left")
    rows = ([name, *(line[key] for key in keys)] for name, line in answer["balances"].items())
    _table(console, "balances", columns, rows)
    first = answer["first"]
    console.print("nothing runs out" if first is None else f"first to run out: {first}")
    for each in answer["moves"]:
        if each["move"] == "convert":
            console.print(f"convert: {each['side']} {text(each['size'])} on {each['market']}")
        else:
            console.print(f"send in: {text(each['size'])} {each['currency']}")


def _settings(console: Console, answer: Answer) -> None:
    rows = ((key, line["value"], line["from"]) for key, line in answer.items())
    _table(console, "settings in force", ("setting", "value", "from"), rows)


def _breakeven(console: Console, answer: Answer) -> None:
    account, years = answer["account"], list(answer["hours"])
    if account is None:
        console.print(f"this account's fees are not known: {answer['account_unknown']}")
    else:
        rates = ", ".join(
            f"{name} maker {text(each['maker_pct'])} taker {text(each['taker_pct'])}"
            for name, each in account["markets"].items()
        )
        console.print(f"this account, by {account['source']}: {rates}")
        needs = f"{text(account['gross_needed_pct'])} %, with the FX leg {text(account['gross_needed_with_fx_pct'])} %"
        costs = f"{text(account['legs_cost_pct'])} % and the FX leg {text(account['fx_cost_pct'])} %"
        console.print(f"  the two legs cost {costs}; gross edge needed {needs}")
        for what, fx in (("the two legs", ""), ("all three", "_with_fx")):
            hours, wanted = account[f"hours_wanted_by_year{fx}"], text(account[f"gross_wanted{fx}_pct"])
            met = ", ".join(f"{year} {hours[year]} of {answer['hours'][year]}" for year in years)
            console.print(f"  net floor and sell limit want {wanted} % for {what}; recorded hours with it: {met}")
    _threshold(console, answer, account)
    rows = [
        [f"{tier['volume_usd']:,}", tier["maker_pct"], tier["taker_pct"], tier["gross_needed_pct"],
         tier["gross_needed_with_fx_pct"], tier["gross_wanted_pct"], *tier["hours_wanted_by_year"].values()]
        for tier in answer["tiers"]
    ]  # fmt: skip
    columns = ("30-day volume, usd", "maker %", "taker %", "needed %", "with FX %", "wanted %", *years)
    _table(console, "by tier: what two legs need, what floor and limit want, hours that had that", columns, rows)
    console.print(f"{answer['meaning']}; recorded hours: " + ", ".join(f"{y} {n}" for y, n in answer["hours"].items()))
    console.print("the ladder is that of a public library's table; the account's own fees are the truth")


def _threshold(console: Console, answer: Answer, account: Answer | None) -> None:
    if account and account["threshold_below_limit"]:
        console.print(f"no hedge is made below {text(answer['limit_needs_pct'])} % gross, the sell limit", style="red")
    if answer["threshold_mode"] != "fixed":
        console.print("threshold: cost plus, which follows the fees")
        return
    told = f"threshold in the settings: {text(answer['threshold_pct'])} % gross, FX policy {answer['fx_policy'].value}"
    if account is None:
        console.print(told)
    elif not account["threshold_pays"]:
        console.print(f"{told}: a signal at it cannot pay at this account's fees", style="red")
    elif not account["threshold_pays_with_fx"]:
        console.print(f"{told}: a signal at it pays for two legs, but not for its FX leg", style="red")
    else:
        console.print(f"{told}: a signal at it pays, slippage apart")


def _ramp(console: Console, answer: Answer) -> None:
    size = text(answer["hedge_size"])
    weight = text(answer["weight_percent"])
    console.print(f"weight {weight} %: one hedge is at most {size} base units, and {weight} % of the capital")
    _drill(console, answer["drill"])
    if not answer["enabled"]:
        console.print("the ramp is off: the weight stays trade.weight_percent")
        return
    _table(console, "evidence since the last decision", ("", "so far", "asked"), _ramp_evidence(answer))
    for name in ("against", "lacking"):
        console.print(f"{name}: {text(answer[name])}")
    rows = [
        (utc_text(each["utc_us"])[:19], each["verdict"], _step(each), *_decided_by(each))
        for each in answer["decisions"]
    ]
    columns = ("decided", "verdict", "weight", "hedges", "one-sided", "expected bps", "realised bps", "slippage bps",
               "told to wait %", "why")  # fmt: skip
    _table(console, "decisions", columns, rows)


def _drill(console: Console, drill: Answer) -> None:
    if drill["enabled"]:
        lost = f"{text(drill['lost_today'])} of {text(drill['budget'])} lost today"
        waiting = f"; none now: {drill['waiting']}" if drill["waiting"] else ""
        console.print(f"readiness drills: {drill['drills']}, {lost}{waiting}")


def _ramp_evidence(answer: Answer) -> list[tuple[object, ...]]:
    seen, asked = answer["evidence"], answer["asked"]
    return [
        ("hedges", seen["hedges"], f"{asked['min_hedges']} at least"),
        ("settled", seen["edge_hedges"], f"{asked['min_edge_hedges']} at least"),
        ("at least half the size allowed", seen["full_hedges"], f"{asked['min_edge_hedges']} at least"),
        ("realised edge, bps", seen["realised_bps"], _least_edge(asked)),
        ("slippage, bps", seen["slippage_bps"], f"{text(asked['max_slippage_bps'])} at most"),
        ("one-sided, %", seen["one_sided_percent"], f"{text(asked['max_one_sided_percent'])} at most"),
        ("told to wait, %", seen["rate_limited_percent"], f"{text(asked['max_rate_limited_percent'])} at most"),
        ("limits tripped", seen["trips"], "none"),
        ("own halts", seen["halts"], "none"),
        ("rebases", seen["rebases"], "none"),
    ]


def _least_edge(asked: Answer) -> str:
    if asked["least_realised_bps"] is None:
        return f"{text(asked['max_shortfall_bps'])} below the expected at most"
    return f"{text(asked['least_realised_bps'])} at least"


def _step(decision: Answer) -> str:
    return f"{text(decision['before_percent'])} to {text(decision['weight_percent'])} %"


def _decided_by(decision: Answer) -> tuple[object, ...]:
    if decision["verdict"] == "set":
        return (None,) * 6 + (f"{decision['who']}: {decision['reason']}",)
    seen = decision["evidence"]
    keys = ("hedges", "one_sided", "expected_bps", "realised_bps", "slippage_bps", "rate_limited_percent")
    why = [*(f"against: {name}" for name in decision["against"]), *(f"lacks {name}" for name in decision["lacking"])]
    return (*(seen[key] for key in keys), ", ".join(why) or "all evidence is there")


def _spikes(console: Console, answer: Answer) -> None:
    console.print(answer["source"])
    rules = [name for name in answer["totals"]["true_lost"]]
    columns = ("signal", "how many", "length s", *(f"stopped by {name}" for name in rules), "delay s", "time left")
    rows = (
        [row["kind"], row["signals"], row["median_length_s"], *(row["stopped"][name] for name in rules),
         row["median_delay_s"], row["edge_time_left"]]
        for row in answer["kinds"]
    )  # fmt: skip
    _table(console, "each rule alone, and the whole guard", columns, rows)
    for name, line in answer["totals"].items():
        told = text(line) if not isinstance(line, Mapping) else ", ".join(f"{key} {n}" for key, n in line.items())
        console.print(f"{name.replace('_', ' ')}: {told}")
    console.print(answer["meaning"])
    console.print(answer["not_hourly"])


def _outline(console: Console, answer: Answer, indent: str = "") -> None:
    """Any nested answer, one line a value."""
    for name, value in answer.items():
        if isinstance(value, Mapping):
            console.print(f"{indent}{name}:")
            _outline(console, value, indent + "  ")
        elif isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
            console.print(f"{indent}{name}:")
            for item in value:
                line = "  ".join(f"{key}={text(cell)}" for key, cell in item.items())
                console.print(f"{indent}  {line}")
        else:
            console.print(f"{indent}{name}: {text(value)}")


_SCREENS: dict[str, Callable[[Console, Answer], None]] = {
    "status": _status,
    "why": _why,
    "settings": _settings,
    "breakeven": _breakeven,
    "ramp": _ramp,
    "spikes": _spikes,
    "withdrawals": _withdrawals,
    "deposits": _deposits,
    "transfers": _transfers,
    "advice": _advice,
}
