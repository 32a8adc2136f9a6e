"""What no record carries reaches the agent all the same."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from random import Random

import pytest

from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.gauges import LOOKS, Gauges, HitRatio, Places
from arbbot.domain import events as ev
from arbbot.domain.events import Moment
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
        self._metrics.flush()
        found = {}
        for line in self._agent.received():
            name, _, rest = line.removeprefix("arbbot.").partition(":")
            value, _, tags = rest.partition("|")
            found[" ".join(filter(None, (name, tags.partition("#")[2])))] = float(value)
        return found

    def close(self) -> None:
        self._metrics.close()
        self._agent.close()


def test_nothing_is_made_up_before_it_is_known(tmp_path: Path) -> None:
    """Before anything was heard there is no premium, no clock, no agreement, no answer time and no exposure's worth."""
    watched = Watched(Rig(), tmp_path)
    told = watched.told()
    watched.close()
    unknown = ("premium.difference_bps", "clock.off_ms", "reconcile.age_s", "rest.p50_ms", "journal.bytes")
    assert not told.keys() & set(unknown)
    assert "limits.used limit:equity_loss" not in told
    assert told["exposure.notional"] == told["orders.in_doubt_age_s"] == told["rate_limit.ratio"] == 0
    assert told["disk.free_bytes"] > 0


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
