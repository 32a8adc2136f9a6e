"""What no record carries reaches the agent all the same."""

from __future__ import annotations

from decimal import Decimal
from random import Random

from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bootstrap.gauges import tell
from arbbot.domain import events as ev
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from tests.engine.rig import Rig
from tests.telemetry.conftest import TAGS, UdpAgent


def test_hit_ratio_and_premium_difference_are_gauges() -> None:
    """One reply of four said slower; the tickers' premium lies 85 bp above the books'. Neither is made up before."""
    agent, limiter, rig = UdpAgent(), Limiter(Random(1)), Rig()
    metrics = Metrics(parse_agent(agent.address), TAGS, Redactor())
    tell(metrics, limiter, rig.engine.premium)
    for moment in range(4):
        limiter.acquire(Lane.ORDER, moment)
    limiter.limited(4, sent_s=3)
    rig.ready()
    for symbol, bid, ask in (("btcusd", "59990", "60000"), ("btceur", "55000", "55010"), ("eurusd", "1.1", "1.1001")):
        rig.step(ev.TickerFetched(0, symbol, Decimal(bid), Decimal(ask), Decimal(bid)))
    tell(metrics, limiter, rig.engine.premium)
    metrics.close()
    told = [line.split("|")[0] for line in agent.received()]
    agent.close()
    assert told[:2] == ["arbbot.rate_limit.ratio:0.0", "arbbot.rate_limit.ratio:0.25"]
    name, value = told[2].split(":")
    assert name == "arbbot.premium.difference_bps"
    assert 85 < float(value) < 86
