"""What no record carries reaches the agent all the same."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.gauges import LOOKS, Gauges, HitRatio, Places
from arbbot.domain import events as ev
from arbbot.domain.events import Moment
from arbbot.engine.state import State
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from tests.engine.played_venue import Play
from tests.engine.rig import Rig
from tests.engine.scenes import RESTS, hedge
from tests.telemetry.conftest import UdpAgent


class RigClock:
    """The rig's time."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def now(self) -> Moment:
        return self._rig.at

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing waits here")


class Watched:
    """A rig with its gauges and an agent that hears them."""

    def __init__(self, rig: Rig, folder: Path) -> None:
        self.rig = rig
        self.limiter = Limiter(Random(1))
        self._agent = UdpAgent()
        self._metrics = Metrics(parse_agent(self._agent.address), {}, Redactor())
        gateway = BitstampGateway(RestSettings("http://127.0.0.1:1"), RigClock(rig), self.limiter)
        places = Places(rig.engine, gateway, RigClock(rig), folder / "journal.db", folder, rig.at)
        self._gauges = Gauges(self._metrics, places)

    def told(self) -> dict[str, float]:
        """Every gauge of this moment, by its name, and its own tag where it has one."""
        self._gauges.tell()
        return self.heard()

    async def run(self) -> None:
        """As the daemon does."""
        await self._gauges.run()

    def heard(self) -> dict[str, float]:
        """What the agent has heard since it was last asked; counts summed."""
        self._metrics.flush()
        found: dict[str, float] = {}
        for line in self._agent.received():
            name, _, rest = line.removeprefix("arbbot.").partition(":")
            value, _, tags = rest.partition("|")
            key = " ".join(filter(None, (name, tags.partition("#")[2])))
            found[key] = float(value) + (found.get(key, 0.0) if tags.startswith("c") else 0.0)
        return found

    def close(self) -> None:
        self._metrics.close()
        self._agent.close()


def test_nothing_is_made_up_before_it_is_known(tmp_path: Path) -> None:
    """Before anything was heard there is no premium, no clock, no answer time and no exposure's worth; the ledger
    is unreconciled since the start.
    """
    watched = Watched(Rig(), tmp_path)
    told = watched.told()
    watched.close()
    unknown = ("premium.difference_bps", "clock.off_ms", "rest.p50_ms", "journal.bytes")
    assert not told.keys() & set(unknown)
    assert "limits.used limit:equity_loss" not in told
    assert told["exposure.notional"] == told["orders.in_doubt_age_s"] == told["rate_limit.ratio"] == 0
    assert told["disk.free_bytes"] > 0
    assert told["reconcile.age_s"] == 0


def test_premium_and_clock_are_told_once_they_are_seen(tmp_path: Path) -> None:
    """The tickers' premium lies 85 bp above the books'; the venue's clock 1.2 s behind ours."""
    watched = Watched(Rig().ready(), tmp_path)
    for symbol, bid, ask in (("btcusd", "59990", "60000"), ("btceur", "55000", "55010"), ("eurusd", "1.1", "1.1001")):
        watched.rig.step(ev.TickerFetched(0, symbol, Decimal(bid), Decimal(ask), Decimal(bid)))
    watched.rig.step(ev.VenueClockSeen(-1200))
    told = watched.told()
    watched.close()
    assert 85 < told["premium.difference_bps"] < 86
    assert told["clock.off_ms"] == 1200


def test_a_one_sided_hedge_shows_its_worth_and_its_limits(tmp_path: Path) -> None:
    """Bought for 0.05 at 60,000 and not sold: 3,000 in the numeraire, and the share of each limit that it uses."""
    watched = Watched(hedge(Rig(), sell=RESTS), tmp_path)
    watched.rig.run(4)
    told = watched.told()
    watched.close()
    assert told["exposure.notional"] == pytest.approx(0.05 * 59_995)
    assert told["limits.used limit:unhedged_notional"] == pytest.approx(3000 / 1e9, rel=0.01)
    assert told["limits.used limit:unhedged_s"] == pytest.approx(4.03 / 1e9, rel=0.1)


def test_ages_grow_with_the_rigs_time(tmp_path: Path) -> None:
    """A doubt is as old as its order's intent; the last agreement as old as the last reading that showed it."""
    watched = Watched(hedge(Rig(), buy=Play("lost", taken=False)), tmp_path)
    watched.rig.run(100)
    told = watched.told()
    watched.close()
    assert told["orders.in_doubt_age_s"] == pytest.approx(100, abs=1)
    assert told["reconcile.age_s"] > 99
    assert told["uptime_s"] == pytest.approx(100, abs=1)


def test_an_account_that_never_agrees_grows_old_from_the_start(tmp_path: Path) -> None:
    """Without any agreement ever, the page for `reconcile_late` comes all the same."""
    watched = Watched(Rig(), tmp_path)
    watched.rig.at = Moment(watched.rig.at.mono_ns + 901 * 10**9, watched.rig.at.utc_us + 901 * 10**6)
    told = watched.told()
    watched.close()
    assert told["reconcile.age_s"] == pytest.approx(901)


def test_without_a_book_exposure_has_the_journals_last_price(tmp_path: Path) -> None:
    """A start with something one-sided and a feed that is away: worth what it was when last noted, not unknown."""
    watched = Watched(hedge(Rig(), sell=RESTS), tmp_path)
    watched.rig.run(4)
    core = watched.rig.engine.core
    core.state.last_marks = {core.route.base: Decimal(50_000)}
    core.view.slots[core.route.domestic.symbol].book = None
    told = watched.told()
    watched.close()
    assert told["exposure.notional"] == pytest.approx(0.05 * 50_000)


async def test_a_gauge_that_fails_costs_itself_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is taken away, so that no old value goes on looking well, it is counted and said once; all others are told,
    and at the next look again.
    """
    told: list[str] = []
    monkeypatch.setattr("arbbot.bootstrap.gauges.mention", told.append)
    monkeypatch.setattr("arbbot.bootstrap.gauges.EVERY_S", 0.01)
    watched = Watched(Rig(), tmp_path)
    whole = watched.told().keys()
    monkeypatch.setattr(State, "in_doubt", lambda _: 1 // 0)
    running = asyncio.create_task(watched.run())
    await asyncio.sleep(0.1)
    rest = watched.heard()
    assert not running.done()
    running.cancel()
    await asyncio.wait([running])
    watched.close()
    assert whole - rest.keys() == {"orders.in_doubt_age_s"}
    assert rest["telemetry.dropped what:gauges"] > 1
    assert told == [
        "arbbot: orders.in_doubt_age_s cannot be read: ZeroDivisionError: integer division or modulo by zero"
    ]


@pytest.mark.timeout(10)
def test_gauges_that_fail_while_nobody_reads_standard_error_hold_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full pipe that nobody empties, and a fault that several gauges share: all others are told at once, however
    patient the terminal's words are at a start.
    """
    monkeypatch.setattr("arbbot.bootstrap.terminal.PATIENCE_S", 3600.0)
    monkeypatch.setattr("arbbot.bootstrap.gauges.rest_figures", lambda *_: 1 // 0)
    watched = Watched(Rig(), tmp_path)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while os.write(writing, b"x" * 4096):
            pass
    os.set_blocking(writing, True)
    with os.fdopen(writing, "w") as stderr, os.fdopen(reading):
        monkeypatch.setattr(sys, "stderr", stderr)
        told = watched.told()
        watched.close()
    assert told["telemetry.dropped what:gauges"] == 3
    assert told["disk.free_bytes"] > 0


def test_the_hit_ratio_is_that_of_the_last_ten_minutes() -> None:
    """One reply of four said slower; ten quiet minutes later that is forgotten, whatever was asked since."""
    limiter = Limiter(Random(1))
    ratio = HitRatio(limiter)
    for moment in range(4):
        limiter.acquire(Lane.ORDER, moment)
    limiter.limited(4, sent_s=3)
    assert (ratio.look(), ratio.ratio) == (4, 0.25)
    for number in range(LOOKS - 1):
        limiter.acquire(Lane.ORDER, 1000 + number)
        assert ratio.look() == 1
    assert ratio.ratio == 1 / (4 + LOOKS - 1)
    ratio.look()
    assert ratio.ratio == 0
