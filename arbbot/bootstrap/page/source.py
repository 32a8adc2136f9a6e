"""The daemon as its page sees it: the operator's answers, a few folds of its records, and its journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import orjson

from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap import recording
from arbbot.bootstrap.chronicle import words
from arbbot.bootstrap.page import machine
from arbbot.bootstrap.page.exposed import Unhedged, worst_notional
from arbbot.bootstrap.page.hedge_rows import HedgeRows
from arbbot.bootstrap.page.memory import ROWS, Memory
from arbbot.bootstrap.page.series import Sample, Series
from arbbot.dashboard import Declined, dumps
from arbbot.domain.events import Event, Moment
from arbbot.domain.records import Record
from arbbot.engine.core import SECOND_NS
from arbbot.engine.ramp_told import ramp_answer
from arbbot.engine.report import report
from arbbot.engine.step import Engine
from arbbot.journal.history import lines_of
from arbbot.journal.sqlite import Line, SqliteJournal
from arbbot.ports import Clock
from arbbot.research.record import Recorder
from arbbot.runtime.answers import Run, edges, fitness, refusal_counts, status
from arbbot.runtime.control import Refused
from arbbot.runtime.operator_verbs import TEXT_CHARS_MAX, operator_event, outcome
from arbbot.telemetry.fold import Telemetry

WHO = "the page"
VERBS = ("halt", "pause", "resume")
REASONS = {"halt": "halted from the page"}
"""Where none was given: a halt is never refused over its reason."""
OF_THE_REPORT = (
    "since", "hedges", "pnl", "fees", "edge_bps", "ledger", "conversions", "turnover_per_day", "net_return_annualised",
)  # fmt: skip
DECISIONS_SHOWN = 5
"""On the weight of a hedge."""
MACHINE_EVERY_NS = SECOND_NS


@dataclass(frozen=True, slots=True)
class Parts:
    """What the page looks at, and the door through which its commands go."""

    engine: Engine
    run: Run
    clock: Clock
    journal: SqliteJournal
    gateway: BitstampGateway
    telemetry: Telemetry
    recorder: Recorder | None
    state_dir: Path
    demo: bool
    deliver: Callable[[Event, Moment], Sequence[Record]]
    still: Callable[[Moment], str | None]
    """What of the daemon does not move, in words."""
    radar: Callable[[], dict[str, Any]] | None = None
    """What it has seen so far; None where there is none."""


def _one_line(reason: str) -> str:
    """What people type and paste, without what no log shows: other blanks than spaces, line ends, invisible marks."""
    shown = "".join(letter if letter.isprintable() else " " for letter in reason)
    return " ".join(shown.split())[:TEXT_CHARS_MAX].strip()


class PageSource:
    """See `dashboard.Source`."""

    def __init__(self, parts: Parts, memory: Memory) -> None:
        self._parts = parts
        self._memory = memory
        self._historian = ThreadPoolExecutor(1, thread_name_prefix="page-history")
        self._unhedged = Unhedged()
        self._written: dict[str, Any] = {}
        self._written_at: int | None = None
        self._machine: dict[str, Any] = {}
        self._machine_ns: int | None = None
        self.series_kept = Series(self._sample)
        self.page_figures: Callable[[], dict[str, Any]] = dict
        """The page's own counts; set by whoever serves it."""

    # --- looking -------------------------------------------------------------------------------------------

    def about(self) -> dict[str, Any]:
        """See `Source.about`."""
        return {"resume_phrase": self._phrase}

    def snapshot(self) -> dict[str, Any]:
        """See `Source.snapshot`."""
        parts, memory = self._parts, self._memory
        memory.catch_up()
        now = parts.clock.now()
        told = self._status(now)
        return {
            "utc_us": now.utc_us,
            "hedges_version": memory.version,
            "status": told,
            "why": self._why(told),
            "health": self._health(told, now),
            "sample": self.series_kept.latest(),
            "ramp": ramp_answer(parts.engine, DECISIONS_SHOWN),
            "radar": None if parts.radar is None else parts.radar(),
            **self._of_records(),
        }

    def series(self) -> dict[str, Any]:
        """See `Source.series`."""
        self._memory.catch_up()
        days = self._memory.days
        return {**self.series_kept.figures(), "pnl": list(days.curve), "marks": list(days.marks)}

    def hedges(self) -> dict[str, Any]:
        """See `Source.hedges`."""
        self._memory.catch_up()
        rows = self._memory.rows
        first = self._parts.engine.core.state.hedges_minted - ROWS + 1
        told = {"version": self._memory.version, "hedges": rows.newest_first(), "next": first if first > 1 else None}
        return {**told, "days": self._memory.days.days()}  # up to 120 lines: not for every frame

    async def hedges_before(self, cursor: int) -> dict[str, Any]:
        """See `Source.hedges_before`; the cursor is a hedge's number."""
        journal, first = self._parts.journal, max(1, cursor - ROWS)
        wanted = [f"{journal.key}-h{number:05d}" for number in range(first, cursor)]
        rows = HedgeRows()
        for line in await self._lines_of(wanted):
            rows.take(line.record)
        return {"version": self._memory.version, "hedges": rows.newest_first(), "next": first if first > 1 else None}

    async def timeline(self, hedge_id: str) -> dict[str, Any] | None:
        """See `Source.timeline`."""
        lines = await self._lines_of([hedge_id])
        if not lines:
            return None
        route, start_us = self._parts.engine.core.route, lines[0].utc_us
        told = [
            {
                "after_ms": Decimal(line.utc_us - start_us) / 1000,
                "utc_us": line.utc_us,
                "kind": line.record.kind,
                "words": words(line.record, route),
            }
            for line in lines
        ]
        return {"hedge_id": hedge_id, "lines": told}

    async def _lines_of(self, plans: list[str]) -> list[Line]:
        """One look at the journal at a time, in a thread of the page's own: the loop's are wanted for host names."""
        path = self._parts.journal.path
        return await asyncio.get_running_loop().run_in_executor(self._historian, lines_of, path, plans)

    def close(self) -> None:
        """Let the thread go; whoever still waits for it gets nothing."""
        self._historian.shutdown(wait=False, cancel_futures=True)

    # --- commanding ----------------------------------------------------------------------------------------

    def command(self, verb: str, reason: str, phrase: str | None) -> dict[str, Any]:
        """See `Source.command`."""
        if verb not in VERBS:
            raise Declined(f"the page knows {', '.join(VERBS)}")
        if verb == "resume" and phrase != self._phrase:
            raise Declined(f'to resume, type "{self._phrase}"')
        parts = self._parts
        try:
            event = operator_event({"verb": verb, "who": WHO, "reason": _one_line(reason) or REASONS.get(verb, "")})
            return outcome(parts.engine.core.state, parts.deliver(event, parts.clock.now()), verb)
        except Refused as refusal:
            raise Declined(str(refusal)) from refusal

    @property
    def _phrase(self) -> str:
        return f"resume {self._parts.run.mode}"

    # --- parts of a snapshot ---------------------------------------------------------------------------------

    def _status(self, now: Moment) -> dict[str, Any]:
        engine = self._parts.engine
        told = status(engine, self._parts.run, now)
        del told["hedges"]  # the page asks for them when they change
        return {
            **told,
            "state_since_us": self._memory.notes.mode_since_us,
            "worst_notional": worst_notional(engine.core),
            "unhedged_since_us": self._unhedged.since_us(engine.core, now),
            "demo": self._parts.demo,
        }

    def _why(self, told: dict[str, Any]) -> dict[str, Any]:
        parts = self._parts
        directions = edges(parts.engine)["directions"]
        for edge in directions.values():
            touch, gross, net = edge["touch_gross_bps"], edge["gross_bps"], edge["net_bps"]
            edge["slippage_bps"] = None if touch is None or gross is None else touch - gross
            edge["fees_bps"] = None if gross is None or net is None else gross - net
        counts = refusal_counts(parts.engine, parts.run)
        return {"refusals": told["blockers"], "directions": directions, "counts": counts}

    def _of_records(self) -> dict[str, Any]:
        """What rests on durable records alone, as JSON: written anew only when there has been one."""
        memory = self._memory
        if self._written_at != memory.durable:
            told = {"report": self._report(), "notes": memory.notes.newest_first()}
            self._written = {name: orjson.Fragment(dumps(part)) for name, part in told.items()}
            self._written_at = memory.durable
        return self._written

    def _report(self) -> dict[str, Any]:
        engine, days = self._parts.engine, self._memory.days
        told = report(engine.core.state, engine.core.route, self._parts.run.mode)
        return {**{key: told[key] for key in OF_THE_REPORT}, "drawdown": days.drawdown()}

    def _health(self, told: dict[str, Any], now: Moment) -> dict[str, Any]:
        if self._machine_ns is None or now.mono_ns - self._machine_ns >= MACHINE_EVERY_NS:
            self._machine, self._machine_ns = self._measured(now), now.mono_ns
        still = self._parts.still(now)
        return {
            **fitness(told["problems"], still),
            "feed": {
                "connection": self._parts.engine.core.view.epoch,
                "reconnects": self._memory.notes.reconnects,
            },
            **self._machine,
            "recording": recording.figures(self._parts.recorder),
            "alerts": self._parts.telemetry.alert_figures(),
            "page": self.page_figures(),
        }

    def _measured(self, now: Moment) -> dict[str, Any]:
        """What has to be asked of the system, or sorted: once a second is enough for a person."""
        parts = self._parts
        return {
            "rest": machine.rest_figures(parts.gateway, now),
            "loop_lag_ms": machine.milliseconds(max(parts.telemetry.loop_lags_ms, default=0.0)),
            "disk_free_bytes": machine.disk_free_bytes(parts.state_dir),
            "rss_bytes": machine.rss_bytes(),
            "journal_bytes": machine.journal_bytes(parts.journal.path),
        }

    def _sample(self) -> Sample:
        """A point of the charts. The series asks once a second, and so keeps the memory from piling up."""
        self._memory.catch_up()
        now = self._parts.clock.now()
        directions = edges(self._parts.engine)["directions"]
        low, high = self._parts.engine.core.state.exposure()
        self._unhedged.since_us(self._parts.engine.core, now)
        return {
            "utc_us": now.utc_us,
            "net_bps": {name: edge["net_bps"] for name, edge in directions.items()},
            "gross_bps": {name: edge["gross_bps"] for name, edge in directions.items()},
            "threshold_bps": {name: edge["threshold_bps"] for name, edge in directions.items()},
            "low": low,
            "high": high,
        }
