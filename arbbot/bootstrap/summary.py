"""The end of a run in plain words."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from arbbot.bootstrap.terminal import say
from arbbot.domain.exit_codes import ExitCode
from arbbot.telemetry.utc import utc_text

DAY_S = 86_400
OVER_ALL = " (over the journal's whole life)"


def dated(figures: dict[str, Any]) -> dict[str, Any]:
    """A report whose beginning is a date too."""
    since = figures["since"]
    return figures if since is None else figures | {"since": {"utc": utc_text(since["utc_us"]), **since}}


def _settled(line: dict[str, Any]) -> str:
    """What settlements moved, where they moved something."""
    parts = (("settled", line["settled"]), ("in transit", line["in_transit"]))
    return "".join(f"{name} {plain(moved)}, " for name, moved in parts if moved)


def summary_lines(figures: dict[str, Any]) -> list[str]:
    """A report as lines: hedges, exposure, ledger, P&L, edge, and why the rest was declined."""
    pnl, edge = figures["pnl"], figures["edge_bps"]
    lines = _counts(figures)
    for asset, interval in figures["exposure"].items():
        lines.append(f"exposure    {asset} [{plain(interval['low'])}, {plain(interval['high'])}]")
    for currency, line in figures["ledger"].items():
        lines.append(
            f"ledger      {currency:5} opening {plain(line['opening'])}, booked {plain(line['booked'])}, "
            f"external {plain(line['external'])}, rounding {plain(line['rounding'])}, {_settled(line)}"
            f"venue {plain(line['venue'])}, difference {plain(line['difference'])}"
        )
    unit = pnl["numeraire"]
    lines.append(f"hedge P&L   {plain(pnl['hedge'])} {unit} after fees, at each decision's FX")
    if pnl["drills"]:
        fees = pnl["drills_fx_fees"]
        told = f", and {plain(fees)} of FX fees" if fees else ""
        lines.append(f"drills      {plain(pnl['drills'])} {unit}{told}, in no figure of hedges")
    lines.append(f"fees        {only(figures['fees']) or 'none'} in the hedges' legs")
    lines.extend(_fx_lines(figures))
    lines.append(
        f"float       revaluation {plain(pnl['float_revaluation'])} {unit}, "
        f"foreign cash {plain(pnl['foreign_revaluation'])} {unit}"
    )
    lines.append(
        f"net edge    expected {plain(edge['expected'])} bp, realised {plain(edge['realised'])} bp{_fx(figures)}"
    )
    lines.append(
        f"turnover    {plain(figures['turnover_per_day'])} times the capital a day; "
        f"net return {_percent(figures['net_return_annualised'])} a year, simple, over {_days(figures['span_s'])}"
    )
    lines.extend(_weight(figures["ramp"]))
    for trip in figures["limits"]["tripped"]:
        lines.append(f"LIMIT       {trip['name']} tripped at {plain(trip['measured'])} of {plain(trip['limit'])}")
    refused = ", ".join(f"{name} {count}" for name, count in figures["refusals"].items())
    lines.append(f"declined    {refused or 'nothing'}{OVER_ALL if refused and _rebased(figures) else ''}")
    return lines


def _weight(ramp: dict[str, Any]) -> list[str]:
    """What the ramp came to, where it decided anything."""
    if ramp["weight_percent"] is None:
        return []
    counts = f"{ramp['up']} times up, {ramp['down']} down, {ramp['hold']} as it was, {ramp['set']} set by a person"
    return [f"weight      {plain(ramp['weight_percent'])} % of target size and capital; {counts}"]


def _rebased(figures: dict[str, Any]) -> bool:
    """Whether counts over the journal's life are not those of the money."""
    return figures["since"] is not None and figures["since"]["cause"] != "opening"


def _counts(figures: dict[str, Any]) -> list[str]:
    """Since when everything counts, and how many hedges came to what; after a rebase those of before too."""
    since, hedges = figures["since"], figures["hedges"]
    now = f"{hedges['open']} open; in doubt: {len(figures['in_doubt'])}"
    if not _rebased(figures):
        begun = [] if since is None else [f"since       {utc_text(since['utc_us'])}, the opening"]
        return [*begun, f"hedges      {_ended(hedges)}, {now}"]
    return [
        f"since       {utc_text(since['utc_us'])}, a rebase by {since['who']}: {since['reason']}; all money since",
        f"hedges      {_ended(figures['hedges_since'])}, {now}",
        f"            {_ended(hedges)}{OVER_ALL}",
    ]


def _ended(counts: dict[str, int]) -> str:
    given_up = f", {counts['abandoned']} given up" if counts["abandoned"] else ""
    return (
        f"{counts['completed']} completed, {counts['one_sided']} one-sided and resolved, "
        f"{counts['nothing']} without a fill{given_up}"
    )


def _fx(figures: dict[str, Any]) -> str:
    """What the edge has no price for."""
    count = figures["unpriced_hedges"]
    return f"; the FX leg of {count} hedges is unpriced (trade.fx_policy never)" if count else ""


def _fx_lines(figures: dict[str, Any]) -> list[str]:
    """What hedges left in foreign currency, what it is worth since, and what its conversion made."""
    pnl, counts, still_open = figures["pnl"], figures["conversions_since"], figures["conversions"]["open"]
    unit, ended = pnl["numeraire"], sum(counts.values())
    lines = [
        f"FX drift    {plain(only(figures['fx_drift']))}; its P&L {plain(pnl['fx_drift'])} {unit}, of which realised "
        f"{plain(pnl['fx_realised'])}, before FX fees of {plain(pnl['fx_fees'])}"
    ]
    if ended or still_open:
        lines.append(
            f"converted   {counts['converted']} of {ended} conversions in full, {counts['partial']} in part, "
            f"{still_open} open; hedge P&L at their prices, FX fees off: {plain(pnl['converted'])} {unit}"
        )
    begun_us = 0 if figures["since"] is None else figures["since"]["utc_us"]
    for each in (each for each in figures["last_conversions"] if each["utc_us"] >= begun_us):
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
