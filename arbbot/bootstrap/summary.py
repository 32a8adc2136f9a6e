"""The end of a run in plain words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arbbot.bootstrap.terminal import say
from arbbot.domain.exit_codes import ExitCode

DAY_S = 86_400


def summary_lines(figures: dict[str, Any]) -> list[str]:
    """A report as lines: hedges, exposure, ledger, P&L, edge, and why the rest was declined."""
    hedges, pnl, edge = figures["hedges"], figures["pnl"], figures["edge_bps"]
    lines = [
        f"hedges      {hedges['completed']} completed, {hedges['one_sided']} one-sided and resolved, "
        f"{hedges['nothing']} without a fill, {hedges['open']} open; in doubt: {len(figures['in_doubt'])}",
    ]
    for asset, interval in figures["exposure"].items():
        lines.append(f"exposure    {asset} [{plain(interval['low'])}, {plain(interval['high'])}]")
    for currency, line in figures["ledger"].items():
        lines.append(
            f"ledger      {currency:5} opening {plain(line['opening'])}, booked {plain(line['booked'])}, "
            f"external {plain(line['external'])}, rounding {plain(line['rounding'])}, "
            f"venue {plain(line['venue'])}, difference {plain(line['difference'])}"
        )
    unit = pnl["numeraire"]
    lines.append(f"hedge P&L   {plain(pnl['hedge'])} {unit} after fees, at each decision's FX")
    lines.append(f"fees        {only(figures['fees']) or 'none'} in the hedges' legs")
    lines.extend(_fx_lines(figures))
    lines.append(
        f"float       revaluation {plain(pnl['float_revaluation'])} {unit}, "
        f"foreign cash {plain(pnl['foreign_revaluation'])} {unit}"
    )
    lines.append(f"net edge    expected {plain(edge['expected'])} bp, realised {plain(edge['realised'])} bp")
    lines.append(
        f"turnover    {plain(figures['turnover_per_day'])} times the capital a day; "
        f"net return {_percent(figures['net_return_annualised'])} a year, simple, over {_days(figures['span_s'])}"
    )
    for trip in figures["limits"]["tripped"]:
        lines.append(f"LIMIT       {trip['name']} tripped at {plain(trip['measured'])} of {plain(trip['limit'])}")
    refused = ", ".join(f"{name} {count}" for name, count in figures["refusals"].items())
    lines.append(f"declined    {refused or 'nothing'}")
    return lines


def _fx_lines(figures: dict[str, Any]) -> list[str]:
    """What hedges left in foreign currency, what it is worth since, and what its conversion made."""
    pnl, counts = figures["pnl"], figures["conversions"]
    unit, ended = pnl["numeraire"], sum(counts.values()) - counts["open"]
    lines = [
        f"FX drift    {plain(only(figures['fx_drift']))}; its P&L {plain(pnl['fx_drift'])} {unit}, of which realised "
        f"{plain(pnl['fx_realised'])}, before FX fees of {plain(pnl['fx_fees'])}"
    ]
    if sum(counts.values()):
        lines.append(
            f"converted   {counts['converted']} of {ended} conversions in full, {counts['partial']} in part, "
            f"{counts['open']} open; hedge P&L at their prices, FX fees off: {plain(pnl['converted'])} {unit}"
        )
    for each in figures["last_conversions"]:
        lines.append(
            f"            {each['conversion_id']}: {each['side']} {plain(each['filled'])} of {plain(each['size'])} at "
            f"{plain(each['price'])}, fee {plain(each['fee'])}, FX P&L {each['realised_pnl']:.4f}"
        )
    return lines


def _percent(share: Decimal | None) -> str:
    return "-" if share is None else f"{share:.2%}"


def _days(span_s: Decimal | None) -> str:
    if span_s is None:
        return "-"
    return f"{span_s:.0f} s" if span_s < DAY_S else f"{span_s / DAY_S:.1f} days"


def only(amounts: dict[str, Decimal]) -> str:
    """Amounts with their currencies."""
    return ", ".join(f"{plain(amount)} {currency}" for currency, amount in amounts.items())


def plain(number: Decimal | str | None) -> str:
    """A figure without exponent and needless zeros; a dash where there is none."""
    if number is None:
        return "-"
    if isinstance(number, str):
        return number
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def print_summary(figures: dict[str, Any], code: ExitCode, reason: str, trouble: str | None) -> None:
    """The summary on stderr, with why it ended and what is wrong with the recording; stdout is the log's."""
    warning = [] if trouble is None else [f"WARNING     {trouble}; it cannot be replayed"]
    say("", *summary_lines(figures), *warning, f"exit        {int(code)} ({code.name.lower()}): {reason}")
