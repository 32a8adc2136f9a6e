"""A rehearsal's report in plain words, and its progress while it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TextIO

from arbbot.bootstrap.summary import plain, summary_lines
from arbbot.bootstrap.terminal import say

LINES_OF_A_PIPE = 48
"""Progress lines of a whole rehearsal where no terminal rewrites them."""


def progress(length_s: float, out: TextIO | None = None) -> Callable[[dict[str, Any]], None]:
    """Tells how far it is: rewritten in place on a terminal, else a line now and then."""
    terminal = (out or sys.stderr).isatty()
    due_s = 0.0

    def tell(seen: dict[str, Any]) -> None:
        nonlocal due_s
        hedges = seen["hedges"] or {}
        made = f"{hedges.get('completed', 0)} hedges, {hedges.get('one_sided', 0)} one-sided"
        line = (
            f"{seen['market_s'] / 3600:7.2f} h of {length_s / 3600:g} h  {seen['state']:8}  {made}, "
            f"{seen['faults']} faults, {seen['deaths']} deaths, {seen['called']} calls for a person"
        )
        if terminal:
            print(f"\r{line}\x1b[K", end="", file=out or sys.stderr, flush=True)
        elif seen["market_s"] >= due_s:
            due_s = seen["market_s"] + length_s / LINES_OF_A_PIPE
            say(line, out=out)

    return tell


def lines(told: Mapping[str, Any]) -> list[str]:
    """The whole report."""
    options, unhedged, doubts, answers = told["options"], told["unhedged"], told["doubts"], told["answers_ms"]
    found = [
        f"version     {told['version']}, code {told['code'][:12]}, settings {told['settings'][:12]}",
        f"duration    {Decimal(told['market_s']) / 3600:.2f} h of market time in {told['real_s']:.0f} s, "
        f"{options['speed']} to one; scenario {options['scenario']}, seed {options['seed']}, "
        f"faults {options['faults']}",
        *summary_lines(told["report"]),
        f"faults      {told['fired_total']} struck, of {len(told['fired'])} kinds: {_counted(told['fired'])}",
        f"            troubles let loose: {_counted(told['began'])}",
        f"feed        {told['reconnects']} reconnections, {told['stalls']} stalls found",
        f"deaths      {_counted(told['deaths']) or 'none'}; exit codes {_counted(told['exit_codes']) or 'none'}; "
        f"trading again after {_seconds(told['recovery_s'])} of market time at most",
        f"doubts      {doubts['count']}: {_counted(doubts['resolved']) or 'none resolved'}; "
        f"the longest lasted {plain(doubts['longest_s'])} s",
        f"unhedged    {plain(unhedged['longest_s'])} s at most, {plain(unhedged['most'])} btc "
        f"({unhedged['most_usd']:.2f} usd) at most, by the venue's own rows",
        f"answers     to half of the orders within {answers['half']} ms of market time, to 99 % within "
        f"{answers['most']} ms: what this machine adds at this speed is in it",
        f"spikes      {told['spikes']} injected; {told['hedges_in_spikes']} hedges decided while one stood",
        f"alerts      {_counted(told['alerts']) or 'none'}",
        f"a person    was called {told['called']['times']} times",
        *(f"            at {at_s / 3600:6.2f} h: {text}" for at_s, text in told["called"]["first"]),
    ]
    width = max(len(each["name"]) for each in told["criteria"])
    for each in told["criteria"]:
        word = "ok  " if each["passed"] else "FAIL"
        found.append(f"{word} {each['name']:{width}}  {each['measured']}  (wanted: {each['wanted']})")
    return [*found, f"VERDICT     {told['verdict']}; {told['counts_for_live']}", f"on record   {told['directory']}"]


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.0f} s"
