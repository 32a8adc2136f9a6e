"""Composition: the only place that names every concrete class. One function for each verb of the command line."""

from arbbot.bootstrap.breakeven import breakeven
from arbbot.bootstrap.check import check
from arbbot.bootstrap.daemon import run
from arbbot.bootstrap.history import backtest
from arbbot.bootstrap.journals import adopt, explain, ramp, report
from arbbot.bootstrap.longrun import listed, rehearse
from arbbot.bootstrap.panic import panic
from arbbot.bootstrap.radar import radar
from arbbot.bootstrap.replaying import replay
from arbbot.bootstrap.settle import settle
from arbbot.bootstrap.spikes import recorded as recorded_spikes
from arbbot.bootstrap.spikes import simulated as simulated_spikes
from arbbot.bootstrap.treasury_advice import advice
from arbbot.bootstrap.treasury_looks import deposit_address, deposits, withdrawals
from arbbot.bootstrap.treasury_transfer import Wanted, transfer, transfers
from arbbot.bootstrap.venue import exchange
from arbbot.bootstrap.written_report import Period, html_report
from arbbot.treasury.policy import Asked
from arbbot.treasury.resolve import Resolution

__all__ = [
    "Asked",
    "Period",
    "Resolution",
    "Wanted",
    "adopt",
    "advice",
    "backtest",
    "breakeven",
    "check",
    "deposit_address",
    "deposits",
    "exchange",
    "explain",
    "html_report",
    "listed",
    "panic",
    "radar",
    "ramp",
    "recorded_spikes",
    "rehearse",
    "replay",
    "report",
    "run",
    "settle",
    "simulated_spikes",
    "transfer",
    "transfers",
    "withdrawals",
]
