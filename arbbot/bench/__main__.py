"""`python -m arbbot.bench`: every figure of the performance budget in one run, each beside its yardstick."""

from __future__ import annotations

import asyncio
import os
import platform
from typing import Annotated

import typer

from arbbot.bench.bookkeeping import bookkeeping
from arbbot.bench.hot_paths import HOT_PATHS
from arbbot.bench.memory import Resident, measure
from arbbot.bench.page import READERS, page_cost
from arbbot.bench.pauses import pauses
from arbbot.bench.table import Figure, show
from arbbot.bench.telling import SCRAPE_EVERY_S, watched
from arbbot.bench.tick_to_trade import by_aiohttp, daemon, floor, loops, on_loop

ROUNDS = 200
SAMPLES = 100
LATENCY_ROUNDS = 3
PAGE_ROUNDS, PAGE_SAMPLES = 4, 55
"""As many orders as the limit of a minute leaves room for."""
TELLING_S, LOOKS = 5, 20
FRAMES = 150_000
SOAK_FRAMES = 1_000_000


def cpu_figures() -> list[Figure]:
    """Ratios of CPU time."""
    figures: list[Figure] = []
    for path in HOT_PATHS:
        cost = path.measure(ROUNDS)
        beside = f"{cost.ours_us:.1f} us / {cost.yardstick_us:.1f} us {path.yardstick}"
        figures.append(Figure(path.name, cost.ratio, "x", path.budget, beside))
    return figures


def bookkeeping_figures() -> list[Figure]:
    """What stands between a decision and the second write."""
    cost = bookkeeping(ROUNDS)
    told = f"recorder and telemetry {cost.noting_us:.1f} us, two dispatches the rest; nothing awaited"
    return [
        Figure("bookkeeping beside the intent's commit", cost.beside_us, "us", 5.0, told),
        Figure(
            "the intent's commit, NORMAL", cost.commit_normal_us, "us", None, "real time, median of hedge and orders"
        ),
        Figure("the intent's commit, FULL (live mode)", cost.commit_full_us, "us", None, "the same with fsync"),
    ]


def latency_figures() -> list[Figure]:
    """Tick to trade on every installed event loop."""
    figures: list[Figure] = []
    for name, factory in loops().items():
        least = on_loop(factory, floor, LATENCY_ROUNDS, SAMPLES)
        library = on_loop(factory, by_aiohttp, LATENCY_ROUNDS, SAMPLES)
        ours = on_loop(factory, daemon, LATENCY_ROUNDS, SAMPLES)
        budget = 2.5 if name == "uvloop" else None
        for what, whose in (("", ours), (", aiohttp alone", library)):
            told = (
                f"p50 {whose.p50_us:.0f} p99 {whose.p99_us:.0f} us"
                f" / floor p50 {least.p50_us:.0f} p99 {least.p99_us:.0f} us"
            )
            ratio = whose.p50_us / least.p50_us
            figures.append(Figure(f"tick to trade, {name}{what}", ratio, "x", None if what else budget, told))
    return figures


def page_figures() -> list[Figure]:
    """What ten readers of the operator's page cost, beside nobody looking, in the same run."""
    factory = next(iter(loops().values()))
    with asyncio.Runner(loop_factory=factory) as runner:
        cost = runner.run(page_cost(PAGE_ROUNDS, PAGE_SAMPLES))
    p50 = f"{cost.open_p50_us:.0f} us / {cost.closed_p50_us:.0f} us with nobody looking"
    p99 = f"{cost.open_p99_us:.0f} us / {cost.closed_p99_us:.0f} us"
    told = f"of one core, for {READERS} readers at 4 Hz"
    return [
        Figure("tick to trade, page open, p50", cost.open_p50_us / cost.closed_p50_us, "x", None, p50),
        Figure("tick to trade, page open, p99", cost.open_p99_us / cost.closed_p99_us, "x", None, p99),
        Figure("the page's stream", cost.stream_share * 100, "%", 1.0, told),
        Figure("an opening of the page keeps the loop", cost.series_ms, "ms", None, "an hour of samples, told at once"),
        Figure("the page loaded, with a first frame", cost.opening_ms, "ms", 300.0, "by a client that draws nothing"),
    ]


def telling_figures() -> list[Figure]:
    """What gauges, agent and scraper cost, with a hedge a second."""
    cost = watched(TELLING_S, LOOKS)
    parts = f"{cost.task_share:.2%} the task, {cost.gauges_ms:.1f} ms the gauges, {cost.scrape_ms:.1f} ms a scrape"
    told = f"of one core: {parts} each {SCRAPE_EVERY_S} s"
    return [Figure("telemetry, agent and scraper", cost.share * 100, "%", 1.0, told)]


def memory_figures(frames: int) -> list[Figure]:
    """Resident memory, and what a full collection costs."""
    weighed: Resident = asyncio.run(measure(frames))
    stopped = pauses(3)
    return [
        Figure("resident memory", weighed.peak_mb, "MB", 120.0, f"after {weighed.frames:,} frames"),
        Figure("its growth", weighed.growth_mb, "MB", 2.0, "second half of the run over the first"),
        Figure("full collection, heap frozen", stopped.frozen_ms, "ms", None, f"{stopped.as_started_ms:.1f} ms before"),
    ]


def main(
    as_json: Annotated[bool, typer.Option("--json", help="Figures as JSON.")] = False,
    soak: Annotated[bool, typer.Option("--soak", help=f"Weigh memory after {SOAK_FRAMES:,} frames.")] = False,
) -> None:
    """Measure the hot paths against their budgets."""
    figures = cpu_figures() + bookkeeping_figures() + latency_figures() + page_figures() + telling_figures()
    figures += memory_figures(SOAK_FRAMES if soak else FRAMES)
    machine = f"Python {platform.python_version()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    show(figures, machine, as_json=as_json)


if __name__ == "__main__":
    typer.run(main)
