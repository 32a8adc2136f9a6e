"""The verdict: named criteria, each with what was measured, on disk beside the rehearsal's journal."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot.bootstrap.longrun.memory import GROWTH_MIB_A_DAY_MAX, MOST_MIB_MAX, Memory
from arbbot.bootstrap.longrun.schedule import DAY_S
from arbbot.bootstrap.longrun.supervise import Course
from arbbot.bootstrap.longrun.tally import Tally
from arbbot.bootstrap.longrun.truth import Truth, halted_in_time
from arbbot.bootstrap.summary import only, plain
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.money import BPS, ZERO

FILE = "verdict.json"
BROKEN_TOLD = 5
ANSWER_MS_MAX = 1_000
"""A few times what the internet costs. Slower, and it is another market that is traded than the one decided on."""
FATAL_CODES = (ExitCode.FAULT, ExitCode.JOURNAL, ExitCode.SETTINGS, ExitCode.USAGE, ExitCode.SECRET)
"""Ends that no fault of the venue explains."""
BROKEN_BY_OURSELVES = frozenset({"row_contradiction"})


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing that must hold."""

    name: str
    passed: bool
    measured: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that a verdict is made of."""

    course: Course
    tally: Tally
    truth: Truth
    memory: Memory | None
    length_s: Decimal
    dust: Decimal
    unhedged_s: Decimal
    """The settings' limit."""
    added_s: Decimal
    """By which time-outs last longer at this speed, market time."""
    unhedged_notional: Decimal
    """The settings' limit."""


def differences(tally: Tally, truth: Truth) -> dict[str, Decimal]:
    """Per currency, the venue's true balance minus the sum of the journal's rows; what a rebase swallowed counts too.

    Currencies that never moved are left out when they agree.
    """
    found = {}
    for currency in sorted(truth.balances.keys() | tally.holdings.keys()):
        missed = truth.balances.get(currency, ZERO) - tally.holdings.get(currency, ZERO)
        swallowed = tally.rebase_differences.get(currency, ZERO)
        if missed or swallowed or truth.balances.get(currency) != truth.opening.get(currency):
            found[currency] = abs(missed) + abs(swallowed)
    return found


def criteria(seen: Seen) -> list[Criterion]:
    """All of them, whether they hold or not."""
    return [*_ending(seen), *_money(seen), *_small(seen), *_machine(seen), *_tried(seen)]


def _ending(seen: Seen) -> list[Criterion]:
    course, tally, truth = seen.course, seen.tally, seen.truth
    lasted_s = (course.ended_us - course.begun_us) / 1e6
    doubtful = [order.terms.client_order_id for order in tally.state.in_doubt()]
    return [
        Criterion("duration", lasted_s >= float(seen.length_s) and not course.interrupted,
                  f"{lasted_s / 3600:.2f} h" + (", interrupted" if course.interrupted else ""),
                  f"{float(seen.length_s) / 3600:.2f} h of market time"),
        Criterion("orderly end", course.last_code == ExitCode.OK and course.quiet,
                  f"exit code {course.last_code}, {'at rest' if course.quiet else 'not at rest'} before the stop",
                  "at rest with faults off, then exit code 0"),
        Criterion("flat", abs(truth.net) <= seen.dust and tally.state.open_hedge_id is None,
                  f"{plain(truth.net)} btc by the venue's rows", f"within {plain(seen.dust)} btc"),
        Criterion("nothing rests at the venue", not truth.open_orders, "; ".join(truth.open_orders) or "none", "none"),
        Criterion("nothing in doubt", not doubtful, ", ".join(doubtful) or "none", "none"),
    ]  # fmt: skip


def _money(seen: Seen) -> list[Criterion]:
    tally, truth = seen.tally, seen.truth
    off = differences(tally, truth)
    unknown = len(truth.rows - tally.rows) + len(tally.rows - truth.rows)
    least = "none decided" if tally.least_net is None else f"least {tally.least_net * BPS:.3f} bp"
    completed = tally.state.totals.get("completed", 0)
    return [
        Criterion("ledger equals the venue", not any(off.values()), only(off) or "nothing moved", "difference 0"),
        Criterion("rows booked exactly once", unknown == 0, f"{len(truth.rows)} at the venue, {unknown} unlike",
                  "the venue's rows and no other"),
        Criterion("no hedge decided at a loss", not tally.at_a_loss,
                  f"{len(tally.at_a_loss)} of {tally.opened}, {least} net, recomputed", "0 at or below the net floor"),
        Criterion("it traded", completed > 0, f"{completed} hedges completed", "at least 1"),
        Criterion("nothing withdrawn", not truth.withdrawn, "yes" if truth.withdrawn else "no", "no"),
    ]  # fmt: skip


def _small(seen: Seen) -> list[Criterion]:
    """What the limits promise, by the venue's own rows."""
    truth = seen.truth
    lasted_us = truth.lasted_but_for(seen.course.down)
    longest_s = max(lasted_us.values(), default=0) / 1e6
    added = f", and {seen.added_s:.0f} s by which time-outs are longer at this speed" if seen.added_s else ""
    most_us = (seen.unhedged_s + seen.added_s) * 1_000_000
    longer = [span for span, each_us in lasted_us.items() if each_us > most_us]
    halted = sum(halted_in_time(span, most_us, seen.course.down, seen.tally.unhedged_halts) for span in longer)
    return [
        Criterion("unhedged for a short time, or halted for it", halted == len(longer),
                  f"{longest_s:.1f} s at most while it ran, {truth.longest_us / 1e6:.1f} s with its deaths"
                  f"; halted in {halted} of {len(longer)} longer ones",
                  f"<= limits.unhedged_s, {plain(seen.unhedged_s)} s{added}; or that limit halted it in time"),
        Criterion("little was unhedged", truth.most_usd <= seen.unhedged_notional, f"{truth.most_usd:.2f} usd at most",
                  f"<= limits.unhedged_notional, {plain(seen.unhedged_notional)}"),
    ]  # fmt: skip


def _tried(seen: Seen) -> list[Criterion]:
    """Whether it was a trial at all. A short one cannot let everything strike, and says what it does not show."""
    course = seen.course
    missed = sorted(course.planned - course.struck.keys())
    told = f"{len(course.planned) - len(missed)} of {len(course.planned)}" + (
        f", not {', '.join(missed)}" if missed else ""
    )
    short = seen.length_s < DAY_S
    died = {ended.cause for ended in course.deaths}
    survived = f"{sum(each.cause in course.deaths_planned for each in course.deaths)} times"
    return [
        Criterion("every trouble struck", not missed or short, told if course.planned else "none was let loose",
                  "not asked for in less than a day: it shows nothing of the others" if short
                  else "each trouble of the timetable at least once"),
        Criterion("killed and stopped", course.deaths_planned <= died,
                  survived if course.deaths_planned else "left alone, which shows nothing of deaths",
                  "at least once each, where deaths are planned"),
    ]  # fmt: skip


def _machine(seen: Seen) -> list[Criterion]:
    course, tally, memory = seen.course, seen.tally, seen.memory
    told, bound = "not measured on this system", f"<= {GROWTH_MIB_A_DAY_MAX:g} MiB a day, <= {MOST_MIB_MAX:g} MiB"
    if memory is not None:
        slope = (
            "too short to tell its growth"
            if memory.slope is None
            else f"{memory.slope:+.1f} MiB a day in the second half"
        )
        told = f"{memory.start:.0f} at start, {memory.most:.0f} at most, {memory.end:.0f} MiB at the end; {slope}"
    fatal = [ended for ended in course.deaths if ended.code in FATAL_CODES]
    broken = [
        *tally.broken,
        *(f"ended by itself with {ended.code}" for ended in fatal),
        *(f"alert {name}" for name in sorted(BROKEN_BY_OURSELVES & tally.alerts.keys())),
    ]
    deaths, back = len(course.deaths), course.gave_up is None
    return [
        Criterion("memory is flat", memory is not None and memory.flat, told, bound),
        Criterion("every death recovered from", back and course.quiet,
                  course.gave_up or f"{deaths} deaths, {len(course.recoveries_us)} spells without trading ended",
                  "trading again after each"),
        _pace(tally),
        Criterion("no invariant broken", not broken, "; ".join(broken[:BROKEN_TOLD]) or "none", "none"),
    ]  # fmt: skip


def _pace(tally: Tally) -> Criterion:
    half_ms = tally.answer_ms(0.5)
    told = "no order" if half_ms is None else f"half of the orders answered within {half_ms} ms of market time"
    return Criterion("the machine keeps up", half_ms is not None and half_ms <= ANSWER_MS_MAX, told,
                     f"<= {ANSWER_MS_MAX} ms, else the speed is too high for it")  # fmt: skip


# --- on disk ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class OnRecord:
    """What the live gate asks of a rehearsal."""

    path: Path
    passed: bool
    market_s: Decimal
    faults: str
    code: str
    settings: str
    version: str

    @property
    def stamp(self) -> str:
        """When it began, as its directory is named."""
        return self.path.parent.name


def write(directory: Path, told: Mapping[str, Any]) -> Path:
    """Put a verdict on record, readable by its owner alone and never half written."""
    path, draft = directory / FILE, directory / f".{FILE}"
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(told, file, indent=2, default=_text)
        file.write("\n")
    draft.replace(path)
    return path


def _text(value: object) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def on_record(rehearsals: Path) -> Iterator[OnRecord]:
    """Every verdict below a directory, oldest first; what cannot be read is none."""
    for path in sorted(rehearsals.glob(f"*/{FILE}")):
        try:
            told = json.loads(path.read_text("utf-8"))
            yield OnRecord(
                path, told["verdict"] == "passed", Decimal(told["market_s"]), str(told["options"]["faults"]),
                str(told["code"]), str(told["settings"]), str(told["version"]),
            )  # fmt: skip
        except (OSError, ValueError, ArithmeticError, KeyError, TypeError):
            continue


def as_json(found: list[Criterion]) -> list[dict[str, Any]]:
    """Criteria for programs."""
    return [asdict(each) for each in found]
