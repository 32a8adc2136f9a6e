"""Every metric that is declared comes out of simulated runs of the real engine, and out of them alone."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from arbbot.bitstamp.limiter import Lane, Limiter
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from arbbot.bootstrap.gauges import Gauges, Places
from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.engine.rules import DrillRules, FxPolicy
from arbbot.runtime.clock import SystemClock
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.alerts import Alerts, Answer, Choice, Message
from arbbot.telemetry.exposition import Exposition
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import build_logger
from arbbot.telemetry.manifest import CONSTANT_TAGS, MANIFEST, MetricType
from arbbot.telemetry.measures import Measures
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.engine.played_venue import Play
from tests.engine.ramp_scenes import AT, next_period, ramped, trade
from tests.engine.rig import D, Rig, rules
from tests.engine.scenes import RESTS, hedge
from tests.telemetry.conftest import IDENTITY, Pipe, UdpAgent

LOST_DEAD = Play("lost", taken=False)


async def delivered(messages: Sequence[Message], dropped: int) -> Answer:
    """A webhook that takes everything."""
    return Answer("delivered")


def converted() -> Rig:
    """A hedge, the conversion of what it left, and a stop."""
    rig = hedge(Rig(rules(fx_policy=FxPolicy.BAND, band=D(2000))))
    rig.run(60)
    rig.step(ev.StopAsked("asked to"))
    rig.run(1)
    return rig


def one_sided() -> Rig:
    """A sale that only rests: one-sided for longer than is allowed, cancelled, left by the cheaper way. Then the venue
    fills a little of it after all.
    """
    rig = hedge(Rig(rules(unhedged_s=D(3))), sell=RESTS)
    rig.run(60)
    resting = rig.venue.orders[1]
    fill = rig.venue.fill(resting, D("0.01"), D(55000))
    rig.step(ev.FillSeen(resting.venue_order_id, resting.terms.client_order_id, fill))
    return rig


def doubtful() -> Rig:
    """A purchase of which nothing is heard, taken for absent at last; then it fills after all."""
    rig = Rig()
    rig.venue.channel = False
    hedge(rig, buy=LOST_DEAD).run(220)
    late = rig.placed()[0].terms
    rig.venue.at = rig.at
    rig.venue.place(late)
    order = rig.venue.orders[-1]
    rig.step(ev.FillSeen(order.venue_order_id, late.client_order_id, order.fills[0]))
    return rig


def troubled() -> Rig:
    """A deposit, a difference that stays, a bad frame, a question too many, and a feed that comes no more."""
    rig = Rig().ready()
    rig.step(ev.VenueClockSeen(-40))
    rig.step(ev.FrameBad("no json"))
    rig.venue.failing.add(Topic.FEES)
    rig.venue.external(0, "USD", D(250))
    rig.run(40)
    rig.venue.totals["USD"] += D("0.01")
    rig.run(90)
    rig.step(ev.AskFailed(0, "429", rate_limited=True))
    rig.step(ev.FeedDown(rig.epoch, "cut off"))
    rig.step(ev.FeedDead("no more tries"))
    rig.run(60)
    return rig


def grown() -> Rig:
    """A drill, two good hedges, the larger weight that they earn, and a person's."""
    rig = Rig(replace(ramped(), drill=DrillRules(every_s=D(30), budget=D(2))), at=AT).ready()
    rig.run(5)
    trade(rig)
    trade(rig)
    next_period(rig)
    rig.step(ev.OperatorRampSet(D("0.08"), "ann", "a quiet month"))
    return rig


async def told_of(rigs: Sequence[Rig], pipe: Pipe, agent: UdpAgent, folder: Path) -> tuple[list[str], str, set[str]]:
    """What agent and scraper hear of these runs and of their engines as they stand, and the records' kinds."""
    exposition, redactor = Exposition(IDENTITY.tags()), Redactor()
    metrics = Metrics(parse_agent(agent.address), IDENTITY.tags(), redactor, exposition)
    sink = LineSink(pipe.writer)
    alerts = Alerts(Choice(), delivered, Random(1))
    telemetry = Telemetry(build_logger(sink, IDENTITY, redactor), sink, metrics, alerts=alerts)
    clock, limiter = SystemClock(), Limiter(Random(1))
    heard: list[str] = []
    limiter.acquire(Lane.ORDER, 0.0)
    gateway = BitstampGateway(RestSettings("http://127.0.0.1:1"), clock, limiter)
    gateway.round_trips_ns.extend((1_000_000, 9_000_000))
    for rig in rigs:
        for record in rig.records:
            telemetry.fold([record], rig.at)
        task = asyncio.create_task(telemetry.run())
        while telemetry._backlog:
            await asyncio.sleep(0.01)
            heard += agent.received()
        Gauges(metrics, Places(rig.engine, gateway, clock, folder / "journal.db", folder, clock.now())).tell()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await alerts.close(5)
    telemetry.close()
    body, _ = await exposition.text("")
    return heard + agent.received(), body.decode(), {record.kind for rig in rigs for record in rig.records}


async def test_every_declared_metric_comes_out_of_simulated_runs(tmp_path: Path) -> None:
    """Hedges, exits, doubts, conversions, differences and dead feeds of the real engine, folded as in the daemon, with
    the gauges read from the engines they left behind: all that the manifest declares, for both systems, and its tags.
    """
    (tmp_path / "journal.db").write_bytes(b"x")
    pipe, agent = Pipe(), UdpAgent()
    rigs = [converted(), one_sided(), doubtful(), troubled(), grown()]
    heard, text, kinds = await told_of(rigs, pipe, agent, tmp_path)
    agent.close()
    pipe.close()
    measured = {kind for kind, measure in Measures(Metrics(None, {}, Redactor())).table.items() if measure is not None}
    assert measured <= kinds, "the runs leave out nothing that is measured"

    sent: dict[str, set[str]] = {}
    for line in heard:
        if not line.startswith("_e{"):
            name = line.removeprefix("_sc|").split("|")[0].split(":")[0].removeprefix("arbbot.")
            sent.setdefault(name, set()).update(
                tag.split(":")[0] for tag in line.split("|#")[1].split("|")[0].split(",")
            )
    assert set(sent) == set(MANIFEST)
    for name, tags in sent.items():
        assert tags == {*MANIFEST[name].tags, *CONSTANT_TAGS}, name

    ending = {MetricType.DISTRIBUTION: "_bucket{"}
    missing = [
        name for name, each in MANIFEST.items() if f"\n{each.prometheus}{ending.get(each.type, '{')}" not in text
    ]
    assert missing == []
    events = {line.split("|")[0].split(": ")[1] for line in heard if line.startswith("_e{")}
    assert {"started", "stopped", "halted", "limit_tripped", "ledger_difference", "feed_dead"} <= events
