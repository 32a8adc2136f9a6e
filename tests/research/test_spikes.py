"""What the trial of the spike guard tells: known accidents stopped, true edges kept, and the same again each time."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from arbbot.bootstrap.spikes import LEFT_OUT, NOT_HOURLY, totals
from arbbot.cli import main
from arbbot.domain import events as ev
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.market import Direction
from arbbot.research.spike_market import TRUE, SpikeMarket
from arbbot.research.spike_trial import OFF, WHOLE, Signal, Trial, by_hindsight, figures, guards
from arbbot.settings import Settings, rules
from tests.engine.rig import NS, ROUTE, Rig, book, even_books

RULES = rules(Settings())
SIZE = Decimal("0.0025")
GOLDEN = Path(__file__).parents[1] / "golden" / "recording"


def played(hours: str, seed: int = 1) -> list[Signal]:
    """The signals of a made-up market."""
    market = SpikeMarket(ROUTE, seed, Decimal(hours))
    trial = Trial(ROUTE, RULES, SIZE, market.kind_at)
    while (happened := market.next()) is not None:
        event, at, asked_ns = happened
        for question in trial.take(event, at, asked_ns):
            market.ask(question, at.mono_ns)
    trial.close(market.end_ns)
    return trial.signals


@pytest.fixture(scope="module")
def signals() -> list[Signal]:
    """Three quarters of an hour of one seed."""
    return played("0.75")


def test_accidents_are_stopped_and_true_edges_kept(signals: list[Signal]) -> None:
    """Of a made-up market with both: nearly every accident is stopped, most true edges pass, after about a second."""
    rows = figures(signals)
    summed = totals([row for row in rows if row["kind"] != TRUE], next(row for row in rows if row["kind"] == TRUE))
    assert summed["false"] >= 15
    assert summed["false_stopped"][WHOLE] >= summed["false"] * 0.9
    assert summed["true"] >= 10
    assert summed["true_lost"][WHOLE] <= summed["true"] * 0.3
    (true,) = (row for row in rows if row["kind"] == TRUE)
    assert Decimal(1) <= true["median_delay_s"] < Decimal("1.5")


def test_the_whole_guard_stops_what_any_rule_stops(signals: list[Signal]) -> None:
    """No signal that one rule alone refuses to its end passes all of them together, and none passes earlier."""
    for signal in signals:
        if WHOLE in signal.let_through:
            assert signal.let_through[WHOLE] >= max(signal.let_through[name] for name in OFF)


def test_the_same_seed_tells_the_same() -> None:
    """Two runs agree in every figure; another seed does not."""
    once = figures(played("0.2"))
    assert figures(played("0.2")) == once
    assert figures(played("0.2", seed=2)) != once


def test_each_rule_stands_alone() -> None:
    """A guard of one rule has that rule's figures and the others' taken out; the whole one is the settings'."""
    found = guards(replace(RULES.spike, enabled=False))
    assert found[WHOLE] == RULES.spike
    assert set(found) == {WHOLE, *OFF}
    for name in OFF:
        for other, change in OFF.items():
            kept = {field: getattr(RULES.spike if name == other else found[name], field) for field in change}
            assert {field: getattr(found[name], field) for field in change} == kept
            if name != other:
                assert kept == change


def test_a_signal_ends_with_its_edge_its_feed_or_the_trial() -> None:
    """A frame without the edge, books nobody may trade on, and the end: each closes what stood, once."""
    trial = Trial(ROUTE, Rig().rules, Decimal("0.05"))
    at = ev.Moment(NS, 1_750_000_000_000_000)
    trial.take(ev.FeedUp(1), at)
    for shown in even_books().values():
        trial.take(ev.BookSeen(shown, 1), at)
    rich, fair = book("btceur", "55100", "55110"), book("btceur", "54536", "54546")
    thin = book("btceur", "55100", "55110", amount="0.001")
    for number, shown in enumerate((rich, fair, rich, thin, fair, thin, fair, rich), start=2):
        stamped = book("btceur", shown.bids[0][0], shown.asks[0][0], amount=shown.bids[0][1])
        trial.take(ev.BookSeen(stamped, 1), ev.Moment(number * NS, at.utc_us + number * 1_000_000))
    trial.take(ev.FeedDown(1, "gone"), ev.Moment(10 * NS, at.utc_us + 10_000_000))
    trial.close(11 * NS)
    lengths = [(signal.ended_ns - signal.began_ns) // NS for signal in trial.signals]
    assert lengths == [1, 2, 2]
    assert {signal.direction for signal in trial.signals} == {Direction.BUY_DOMESTIC}


def test_hindsight_goes_by_the_time_orders_take() -> None:
    """What ended before orders would have arrived is named so."""
    short, long = (Signal(Direction.BUY_DOMESTIC, 0, "", ended_ns=ended) for ended in (299_999_999, 300_000_000))
    by_hindsight([short, long], Decimal("0.3"))
    assert (short.kind, long.kind) == ("gone within 0.3 s", "stood 0.3 s")


def told(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    """What the verb prints with --json."""
    assert main(["spikes", *words, "--json"]) == ExitCode.OK
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_verb_tells_of_a_made_up_market_and_of_a_recording(capsys: pytest.CaptureFixture[str]) -> None:
    """Both as figures, with what they mean, and that hours cannot judge it; for people as a table."""
    simulated = told(capsys, "--hours", "0.3")
    assert simulated["totals"]["false"] > 0
    recorded = told(capsys, str(GOLDEN))
    assert recorded["totals"]["true"] + recorded["totals"]["false"] == 2
    assert recorded["meaning"].endswith(LEFT_OUT)
    assert recorded["totals"]["true_lost"]["rate"] == 0
    assert simulated["not_hourly"] == recorded["not_hourly"] == NOT_HOURLY
    assert main(["spikes", str(GOLDEN)]) == ExitCode.OK
    shown = capsys.readouterr().out
    assert "stopped by persistence" in shown
    assert NOT_HOURLY in shown


def test_what_is_no_recording_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A directory without one is a wrong command line."""
    assert main(["spikes", str(tmp_path)]) == ExitCode.USAGE
    assert "no recording" in capsys.readouterr().err
