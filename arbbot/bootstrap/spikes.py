"""`arbbot spikes`: how many false signals the spike guard stops, and how many true ones it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot import screen
from arbbot.bootstrap.replaying import read_books
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Instrument, Route
from arbbot.engine.rules import Rules
from arbbot.journal.codec import decode, encode
from arbbot.research.replay import DecidesOtherwise, read_header, replay
from arbbot.research.spike_market import NOISE, TRUE, SpikeMarket
from arbbot.research.spike_trial import OFF, WHOLE, Trial, by_hindsight, figures
from arbbot.research.wire_log import RecordingError
from arbbot.settings import Settings, rules

ARRIVAL_S = Decimal("0.3")
"""From a frame to both orders at the venue and matched: about what a REST call takes."""
MEANING_OF_SIMULATION = (
    "a made-up market with injected accidents: each signal's kind is known, how often each comes is not taken from "
    "any market"
)
MEANING_OF_RECORDING = (
    f"recorded frames, kinds by hindsight: a signal gone within {ARRIVAL_S} s would have been missed by both orders. "
    "That is a matter of its length, which is also what persistence judges: so it flatters that rule"
)
LEFT_OUT = (
    ". Recorded with the guard off, so without its questions for books and for the rate: skew and rate are left out"
)
NOT_HOURLY = "closing prices of hours cannot judge any of this: what is decided here lasts milliseconds to seconds"


def simulated(settings: Settings, *, seed: int, hours: Decimal, as_json: bool) -> ExitCode:
    """Put a made-up market through the guard of the settings and print what became of each kind of signal."""
    asked = rules(settings)
    route = _route(settings)
    market = SpikeMarket(route, seed, hours)
    trial = Trial(route, asked, _size(asked), market.kind_at)
    while (happened := market.next()) is not None:
        event, at, asked_ns = happened
        for question in trial.take(event, at, asked_ns):
            market.ask(question, at.mono_ns)
    trial.close(market.end_ns)
    rows = figures(trial.signals)
    told: dict[str, Any] = {
        "source": f"simulated, seed {seed}, {hours} h",
        "meaning": MEANING_OF_SIMULATION,
        "kinds": rows,
    }
    told["totals"] = totals([row for row in rows if row["kind"] not in (TRUE, NOISE)], _one(rows, TRUE))
    return _show(told, as_json)


def recorded(directory: Path, settings: Settings, as_json: bool) -> ExitCode:
    """The same for the frames of a recording, under its own rules but for the guard's. Raises Failure (USAGE,
    CHECK_FAILED).
    """
    try:
        header = read_header(directory)
        guard, left_out = rules(settings).spike, ""
        if not header.rules.spike.enabled:
            guard, left_out = replace(guard, **OFF["skew"], **OFF["rate"]), LEFT_OUT
        asked = replace(header.rules, spike=guard)
        trial = Trial(header.route, asked, _size(asked))
        last_ns = 0

        def watch(event: Any, at: Any, asked_ns: int | None) -> None:
            nonlocal last_ns
            last_ns = at.mono_ns
            trial.take(event, at, asked_ns)

        replay(directory, read_books, encode, decode, watch=watch)
    except RecordingError as error:
        raise Failure(ExitCode.USAGE, f"spikes: {error}") from error
    except DecidesOtherwise as error:
        raise Failure(ExitCode.CHECK_FAILED, f"{directory}: {error}") from error
    trial.close(last_ns)
    by_hindsight(trial.signals, ARRIVAL_S)
    rows = figures(trial.signals)
    told: dict[str, Any] = {
        "source": f"recording {directory}",
        "meaning": MEANING_OF_RECORDING + left_out,
        "kinds": rows,
    }
    gone = [row for row in rows if row["kind"].startswith("gone")]
    told["totals"] = totals(gone, _one(rows, f"stood {ARRIVAL_S} s"))
    return _show(told, as_json)


def totals(false: Sequence[dict[str, Any]], true: dict[str, Any] | None) -> dict[str, Any]:
    """False signals and true ones, and what the whole guard and each rule alone made of them."""
    return {
        "false": sum(row["signals"] for row in false),
        "false_stopped": {name: sum(row["stopped"][name] for row in false) for name in (WHOLE, *OFF)},
        "true": 0 if true is None else true["signals"],
        "true_lost": {name: 0 if true is None else true["stopped"][name] for name in (WHOLE, *OFF)},
    }


def _one(rows: Sequence[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    return next((row for row in rows if row["kind"] == kind), None)


def _size(asked: Rules) -> Decimal:
    return asked.trade.target_size * asked.trade.weight


def _route(settings: Settings) -> Route:
    """The settings' markets, with the figures that the venue's market list has for the usual ones."""
    names, minimum = settings.route, Decimal(10)
    return Route(
        Instrument(names.domestic, "base", "domestic", 8, 2, minimum),
        Instrument(names.foreign, "base", "foreign", 8, 2, minimum),
        Instrument(names.fx, "foreign", "domestic", 8, 5, minimum),
    )


def _show(told: dict[str, Any], as_json: bool) -> ExitCode:
    told["not_hourly"] = NOT_HOURLY
    if as_json:
        screen.show_json(told)
    else:
        screen.show(told, as_json=False, kind="spikes")
    return ExitCode.OK
