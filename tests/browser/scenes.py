"""Every state that the page must show, made by a real engine that got into it the way it would."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from arbbot.bootstrap.radar.tiers import BARS
from arbbot.domain import events as ev
from arbbot.domain.commands import Topic
from arbbot.domain.market import Side
from arbbot.domain.order import Purpose
from arbbot.engine.rules import DrillRules, FxPolicy, RampRules, Rules
from arbbot.research.radar import Radar
from tests.browser.played_daemon import PlayedDaemon
from tests.engine.played_venue import Play
from tests.engine.rig import ROUTE, D, Rig, book, fx_book, rules
from tests.engine.scenes import BUY, REFUSED, RESTS, SELL

QUIET_S = 40
SANE = rules(
    daily_loss=D(500), equity_loss=D(1000), losers_in_row=5, max_rejects=20, unhedged_notional=D(12_000),
    unhedged_s=D(120), band=D(20_000),
)  # fmt: skip
"""Limits as a person would set them."""
RICH = book("btceur", "55100", "55110", stamp=0)
CALM = book("btceur", "54600", "54610", stamp=0)
"""Stamped when they are shown: a timeline tells of when books were."""
HOSTILE = '<img src=x onerror="document.title=1"><script>document.title=2</script> &amp; "quoted"'


def daemon(folder: Path, rules_: Rules = SANE, **about: Any) -> PlayedDaemon:
    """A fresh process on a fresh account."""
    return PlayedDaemon(Rig(rules_), folder, **about)


def lived(folder: Path, seconds: int = 90, rules_: Rules = SANE, often: float = 0.06, **about: Any) -> PlayedDaemon:
    """One that has traded for a while, on a premium that wanders and now and then jumps, and is quiet now."""
    played, chance, edge = daemon(folder, rules_, **about), Random(7), 0.0
    played.rig.ready()
    for second in range(seconds):
        calm = second > seconds - 12
        edge += (6 - edge) * 0.08 + chance.gauss(0, 2.5)
        jump = 38 if chance.random() < often and not calm else 0
        counter = round(60_000 / 1.1 * (1 + (edge + jump) / 1e4))
        played.rig.venue.books["btceur"] = book("btceur", str(counter - 5), str(counter + 5))
        played.live(1)
        played.sample()
    return played


def veteran(folder: Path) -> PlayedDaemon:
    """One with more hedges behind it than the page keeps in memory."""
    return lived(folder, seconds=400, often=0.5)


def no_data(folder: Path) -> PlayedDaemon:
    """Before the account was read."""
    played = daemon(folder)
    played.rig.step(ev.Tick())
    played.catch_up()
    return played


def flat(folder: Path) -> PlayedDaemon:
    """Nothing open, no edge."""
    return lived(folder)


def unpriced(folder: Path) -> PlayedDaemon:
    """Where nothing is ever converted."""
    return lived(folder, seconds=20, rules_=replace(SANE, trade=replace(SANE.trade, fx_policy=FxPolicy.NEVER)))


def paper(folder: Path) -> PlayedDaemon:
    """The same on paper, with a radar that has seen an edge for two seconds of twenty."""
    radar = Radar(ROUTE, BARS, D(60))
    calm, rich = book("btceur", "54500", "54560"), book("btceur", "54900", "54910")
    for second, foreign in ((0, calm), (10, rich), (12, calm), (20, calm)):
        for each in (book("btcusd", "60000", "60010"), foreign, fx_book()):
            radar.take(ev.BookSeen(each, 1), ev.Moment(second * 10**9, second * 10**6))
    return lived(folder, mode="paper", radar=radar)


def live(folder: Path) -> PlayedDaemon:
    """The same with real money."""
    return lived(folder, mode="live")


def demo(folder: Path) -> PlayedDaemon:
    """A rehearsal."""
    return lived(folder, demo=True)


def hedging(folder: Path, sell: Play = RESTS) -> PlayedDaemon:
    """Bought, while the sale rests at the venue."""
    return _hedged(folder, sell=sell)


def one_sided(folder: Path) -> PlayedDaemon:
    """Bought, not sold, and whatever is sent to leave finds nobody yet."""
    played = _hedged(folder, sell=REFUSED, exits=RESTS)
    played.live(3)
    played.sample()
    return played


def in_doubt(folder: Path) -> PlayedDaemon:
    """The answer to the sale was lost, and questions about it are too."""
    played = _hedged(folder, sell=Play("lost", taken=False))
    played.rig.venue.failing = {Topic.ORDER_STATUS, Topic.OPEN_ORDERS, Topic.ORDER_EVENTS, Topic.TRANSACTIONS}
    played.live(4)
    played.sample()
    return played


def weighed(folder: Path) -> PlayedDaemon:
    """Its weight went up by evidence, and a person has set it since; with drills."""
    ramp = RampRules(
        period_s=D(40), step=D("0.1"), max_weight=D(1), min_hedges=1, min_edge_hedges=1, max_shortfall=D("0.01"),
        max_slippage=D("0.01"), max_rate_limited=D("0.1"), max_one_sided=D("0.5"),
    )  # fmt: skip
    drill = DrillRules(every_s=D(3600), budget=D(2))
    begun = replace(SANE, trade=replace(SANE.trade, weight=D("0.5")), ramp=ramp, drill=drill)
    played = lived(folder, seconds=150, rules_=begun, often=0.3)
    played.rig.step(ev.OperatorRampSet(D("0.3"), "ann", HOSTILE))
    played.live(2)
    played.sample()
    return played


def reducing(folder: Path) -> PlayedDaemon:
    """Three hedges in a row that the venue refused."""
    played = lived(folder)
    played.rig.venue.plays = {BUY: [REFUSED] * 3, SELL: [REFUSED] * 3}
    played.rig.show(RICH)
    played.live(35)
    played.sample()
    return played


def paused(folder: Path) -> PlayedDaemon:
    """By a person."""
    played = lived(folder)
    played.source.command("pause", "the desk is changing shifts", None)
    return played


def halted(folder: Path) -> PlayedDaemon:
    """By a person, a minute ago; everything is over and agreed."""
    played = lived(folder)
    played.source.command("halt", "fills look odd, checking with the venue", None)
    played.live(QUIET_S)
    played.sample()
    return played


def panic(folder: Path) -> PlayedDaemon:
    """The button for everything, while a sale rests."""
    played = _hedged(folder, sell=RESTS)
    played.rig.step(ev.OperatorHalted("ann", "key may have leaked", True))
    played.catch_up()
    return played


def feed_down(folder: Path) -> PlayedDaemon:
    """Between two connections."""
    played = lived(folder)
    played.rig.feeding = False
    played.rig.step(ev.FeedDown(played.rig.epoch, "1006"))
    played.live(9)
    played.sample()
    return played


def feed_dead(folder: Path) -> PlayedDaemon:
    """Reconnecting was given up, with a hedge on one leg."""
    played = one_sided(folder)
    played.rig.feeding = False
    played.rig.step(ev.FeedDown(played.rig.epoch, "1006"))
    played.rig.step(ev.FeedDead("no connection after 20 tries"))
    played.catch_up()
    return played


def stopping(folder: Path) -> PlayedDaemon:
    """Asked to go while a sale rests and its cancel is not answered."""
    played = _hedged(folder, sell=RESTS)
    played.rig.venue.cancels = [("unanswered", False)] * 9
    played.rig.step(ev.StopAsked("SIGTERM"))
    played.live(1)
    return played


def limit_tripped(folder: Path) -> PlayedDaemon:
    """Orders that the venue refused, more than the limit allows."""
    played = lived(folder, rules_=replace(SANE, limits=replace(SANE.limits, reject_window=20, max_rejects=2)))
    played.rig.venue.plays = {BUY: [REFUSED] * 3, SELL: [REFUSED] * 3}
    played.rig.show(RICH)
    played.live(20)
    played.rig.show(CALM)
    played.live(2)
    played.sample()
    return played


def ledger_difference(folder: Path) -> PlayedDaemon:
    """Money came from nowhere: no row tells of it."""
    played = lived(folder)
    played.rig.venue.totals["USD"] += D("1.25")
    played.live(90)
    played.sample()
    return played


def rebase_waits(folder: Path) -> PlayedDaemon:
    """Asked for by a person, while the venue's rows have not been read since."""
    played = lived(folder)
    played.rig.step(ev.OperatorRebased("ann", "a deposit by hand"))
    played.catch_up()
    return played


def hostile(folder: Path) -> PlayedDaemon:
    """Text that would like to be markup, wherever others write: reasons, alerts, the venue's words."""
    played = lived(folder)
    played.rig.step(ev.FeedDown(played.rig.epoch, HOSTILE))
    played.rig.step(ev.FeedUp(played.rig.epoch + 1))
    played.rig.epoch += 1
    played.rig.show()
    played.source.command("halt", HOSTILE, None)
    played.live(2)
    return played


def _hedged(folder: Path, sell: Play, exits: Play | None = None) -> PlayedDaemon:
    """An edge, legs that meet what the venue does, and the edge is gone."""
    played = lived(folder)
    ways_out = ((Purpose.COMPLETE, Side.SELL), (Purpose.UNWIND, Side.SELL))
    played.rig.venue.plays = {SELL: [sell], **{way: [exits] * 40 for way in ways_out if exits is not None}}
    played.rig.show(RICH)
    played.rig.run("0.03")
    played.rig.show(CALM)
    played.catch_up()
    played.sample()
    return played


Scene = Callable[[Path], PlayedDaemon]
SCENES: dict[str, Scene] = {
    scene.__name__: scene
    for scene in (
        no_data, flat, unpriced, veteran,
        paper, demo, live, weighed, hedging, one_sided, in_doubt, reducing, paused, halted, panic, feed_down,
        feed_dead, stopping, limit_tripped, ledger_difference, rebase_waits, hostile,
    )
}  # fmt: skip
