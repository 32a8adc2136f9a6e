"""The parts of `make bench` that have no gate of their own still work, and telling keeps its budget."""

from __future__ import annotations

import asyncio
import json

import pytest

from arbbot.bench.bookkeeping import bookkeeping
from arbbot.bench.page import page_cost
from arbbot.bench.table import Figure, show
from arbbot.bench.telling import watched
from arbbot.bench.tick_to_trade import Latency, by_aiohttp, daemon, floor, loops, on_loop


@pytest.mark.parametrize("measure", [floor, by_aiohttp, daemon])
def test_a_tick_becomes_two_orders_over_loopback(measure: object) -> None:
    """A book sent by another process is answered by two whole orders, every time: the floor's and the daemon's."""
    assert callable(measure)
    latency = on_loop(loops()["asyncio"], measure, 1, 2)
    assert isinstance(latency, Latency)
    assert 0 < latency.p50_us <= latency.p99_us


def test_the_page_is_measured_closed_and_open() -> None:
    """Ten readers in a process of their own come and go, and the daemon trades meanwhile."""
    cost = asyncio.run(page_cost(1, 3, idle_s=0.3))
    assert 0 < cost.closed_p50_us <= cost.closed_p99_us
    assert 0 < cost.open_p50_us <= cost.open_p99_us
    assert 0 < cost.series_ms < cost.opening_ms


def test_bookkeeping_is_measured_with_the_real_parts() -> None:
    """Recorder, telemetry, dispatch and both kinds of commit have a cost."""
    cost = bookkeeping(5)
    assert 0 < cost.noting_us < cost.beside_us
    assert cost.commit_normal_us > 0
    assert cost.commit_full_us > 0


def test_being_watched_takes_no_more_of_a_core_than_its_budget() -> None:
    """Lines, metrics, gauges, an agent and a scraper, with a hedge a second: each has a cost, and by CPU time they stay
    within one hundredth of a core together, with as much again for a machine that others use.
    """
    cost = watched(2, 5)
    assert cost.task_share > 0
    assert cost.gauges_ms > 0
    assert cost.scrape_ms > 0
    assert cost.task_share < cost.share < 0.02


def test_figures_are_told_as_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Both name the figure, its budget and whether it is kept."""
    figures = [Figure("reading", 1.2, "x", 1.25, "fast"), Figure("writing", 9.0, "us", 5.0, "slow")]
    show(figures, "a machine", as_json=False)
    shown = capsys.readouterr().out
    assert "kept" in shown
    assert "OVER" in shown
    show(figures, "a machine", as_json=True)
    told = json.loads(capsys.readouterr().out)
    assert [row["verdict"] for row in told["figures"]] == ["kept", "OVER"]
    assert told["machine"] == "a machine"


def test_every_installed_loop_is_measured() -> None:
    """The standard loop is always there, and makes loops."""
    loop = loops()["asyncio"]()
    assert isinstance(loop, asyncio.AbstractEventLoop)
    loop.close()
