"""The command line: hunt all mutants, or some, and show who noticed each."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from tests.mutants.catalogue import ALL
from tests.mutants.mutant import Mutant, Stale
from tests.mutants.run import Report, run
from tests.mutants.verdict import Verdict

EPILOG = """
exit codes: 0 every mutant was noticed, 1 one was not, or only by a crash, or the sound program broke a promise,
2 wrong usage or a mutant that does not fit the source any more
"""


WORDS = {"invariant": "an invariant", "test": "a test of their own", "guard": "a guard", "-": "nobody"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for; the exit code."""
    options = _parser().parse_args(arguments)
    chosen = [each for each in ALL if not options.only or any(word in each.name for word in options.only)]
    if not chosen:
        _say("no mutant is called so; --list shows them")
        return 2
    if options.list:
        _show([f"{each.promise:4} {each.name:28} {each.ground.name:28} {each.breaks}" for each in chosen])
        return 0
    began = time.monotonic()
    try:
        report = run(chosen, options.jobs, lambda each, verdict: _say(_line(each, verdict)))
    except Stale as stale:
        _say(f"stale: {stale}")
        return 2
    taken_s = time.monotonic() - began
    if options.json:
        _show([json.dumps(_figures(report, taken_s))])
    else:
        _show(_markdown(report) if options.markdown else _table(report, taken_s))
    return 0 if report.good else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        "make mutants", description=__doc__, epilog=EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="those whose names contain one of these")
    parser.add_argument("--list", action="store_true", help="name them all and say what each breaks")
    told = parser.add_mutually_exclusive_group()
    told.add_argument("--json", action="store_true", help="one JSON object on standard output")
    told.add_argument("--markdown", action="store_true", help="the table of docs/reference/mutants.md")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="processes (default: all cores)"
    )
    return parser


def _line(each: Mutant, verdict: Verdict) -> str:
    where = "" if verdict.seed is None else f"seed {verdict.seed}"
    return (
        f"{each.promise:4} {each.name:30} {verdict.killed_by:17} {verdict.by:10} {each.ground.kind:6} {where:9} "
        f"{verdict.seeds:5} {verdict.seconds:6.1f}"
    )


def _table(report: Report, taken_s: float) -> list[str]:
    killed = sum(verdict.killed for _, verdict in report.verdicts)
    lines = [f"{'':4} {'mutant':30} {'noticed by':17} {'by a':10} {'where':6} {'':9} {'lives':>5} {'s':>6}"]
    lines += [_line(each, verdict) for each, verdict in report.verdicts]
    lines += [
        f"NOT NOTICED: {each.name} ({verdict.killed_by} {verdict.text}): {each.breaks}"
        for each, verdict in report.verdicts
        if not verdict.killed
    ]
    lines += [f"UNSOUND without any mutant: {ground} seed {verdict.seed}: {verdict.killed_by} {verdict.text}"
              for ground, verdict in report.unsound]  # fmt: skip
    told = ", ".join(f"{count} by {WORDS[by]}" for by, count in report.witnesses().items())
    return [*lines, f"{killed} of {len(report.verdicts)} mutants noticed ({told}), {taken_s:.0f} s"]


def _markdown(report: Report) -> list[str]:
    lines = ["| promise | mutant | what it breaks | noticed by |", "|---|---|---|---|"]
    for each, verdict in report.verdicts:
        noticed = f"{verdict.killed_by}, {verdict.by}" if verdict.killed_by != verdict.by else verdict.by
        where = each.ground.name if each.ground.kind == "test" else f"{each.ground.name}: seed {verdict.seed}"
        lines.append(f"| {each.promise} | `{each.name}` | {each.breaks} | {noticed} ({where}) |")
    return lines


def _figures(report: Report, taken_s: float) -> dict[str, object]:
    return {
        "good": report.good,
        "taken_s": round(taken_s, 1),
        "noticed_by": report.witnesses(),
        "unsound": [{"ground": ground, **asdict(verdict)} for ground, verdict in report.unsound],
        "mutants": [
            {"name": each.name, "promise": each.promise, "breaks": each.breaks, "ground": each.ground.name,
             "noticed": verdict.killed, "by": verdict.by, **asdict(verdict)}
            for each, verdict in report.verdicts
        ],
    }  # fmt: skip


def _show(lines: Sequence[str]) -> None:
    sys.stdout.write("\n".join(lines) + "\n")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
