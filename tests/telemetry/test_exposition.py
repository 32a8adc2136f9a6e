"""What a scraper reads, by the parsers of Prometheus and OpenMetrics."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from prometheus_client import Metric as Family
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_plain

from arbbot.telemetry.exposition import Exposition
from arbbot.telemetry.manifest import MANIFEST, MetricType
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import Redactor
from tests.telemetry.conftest import IDENTITY

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
TAGS = IDENTITY.tags()


def pair() -> tuple[Metrics, Exposition]:
    """Metrics without an agent, and where they are kept for scrapers."""
    exposition = Exposition(TAGS)
    return Metrics(None, TAGS, Redactor(), exposition), exposition


async def families(exposition: Exposition, accept: str = OPENMETRICS) -> dict[str, Family]:
    """By name, as a strict parser reads them."""
    body, content_type = await exposition.text(accept)
    read = read_openmetrics if "openmetrics" in content_type else read_plain
    found: Iterable[Family] = read(body.decode())
    return {family.name: family for family in found}


def values(family: Family) -> dict[tuple[str, str], float]:
    """By sample name and the tags beside the constant ones, which every sample must have."""
    found = {}
    for sample in family.samples:
        assert TAGS.items() <= sample.labels.items()
        own = ",".join(f"{name}={value}" for name, value in sorted(sample.labels.items()) if name not in TAGS)
        found[sample.name, own] = sample.value
    return found


async def test_counts_add_up_gauges_stand_and_checks_are_numbers() -> None:
    """A count is the sum of what was added, a gauge what was told last, a check 0, 1 or 2; each with all its tags."""
    metrics, exposition = pair()
    metrics.count("hedges.closed", outcome="completed")
    metrics.count("hedges.closed", 2, outcome="completed")
    metrics.count("hedges.closed", outcome="nothing")
    metrics.gauge("exposure.low", 1)
    metrics.gauge("exposure.low", -0.25)
    metrics.service_check("feed", 2, "gone")
    found = await families(exposition)
    assert values(found["arbbot_hedges_closed"]) == {
        ("arbbot_hedges_closed_total", "outcome=completed"): 3,
        ("arbbot_hedges_closed_total", "outcome=nothing"): 1,
    }
    assert values(found["arbbot_exposure_low"]) == {("arbbot_exposure_low", ""): -0.25}
    assert values(found["arbbot_feed_check"]) == {("arbbot_feed_check", ""): 2}
    assert found["arbbot_exposure_low"].documentation == MANIFEST["exposure.low"].description


async def test_what_is_not_known_is_not_there() -> None:
    """A gauge without a value is no series, and one whose value is lost is none any more."""
    metrics, exposition = pair()
    metrics.gauge("edge.gross_bps", 12, direction="buy_domestic")
    metrics.gauge("edge.gross_bps", None, direction="buy_foreign")
    assert list(values((await families(exposition))["arbbot_edge_gross_bps"])) == [
        ("arbbot_edge_gross_bps", "direction=buy_domestic")
    ]
    metrics.gauge("edge.gross_bps", None, direction="buy_domestic")
    assert await families(exposition) == {}


async def test_a_histogram_counts_every_value_once() -> None:
    """A value on a bucket's bound belongs to it, one beyond the last to +Inf alone; count and sum are those of all."""
    metrics, exposition = pair()
    for value in (0.5, 1, 1.5, 20_000):
        metrics.distribution("loop.lag_ms", value)
    found = values((await families(exposition))["arbbot_loop_lag_ms"])
    assert found["arbbot_loop_lag_ms_bucket", "le=1.0"] == 2
    assert found["arbbot_loop_lag_ms_bucket", "le=2.0"] == 3
    assert found["arbbot_loop_lag_ms_bucket", "le=10000.0"] == 3
    assert found["arbbot_loop_lag_ms_bucket", "le=+Inf"] == found["arbbot_loop_lag_ms_count", ""] == 4
    assert found["arbbot_loop_lag_ms_sum", ""] == 20_003


async def test_a_distribution_that_may_be_negative_has_no_sum() -> None:
    """OpenMetrics forbids it; the money that would be summed is a gauge of its own."""
    metrics, exposition = pair()
    metrics.distribution("hedges.realised_pnl", -3.5)
    found = values((await families(exposition))["arbbot_hedges_realised_pnl"])
    assert found["arbbot_hedges_realised_pnl_bucket", "le=-5.0"] == 0
    assert found["arbbot_hedges_realised_pnl_bucket", "le=-2.0"] == 1
    assert {name for name, _ in found} == {"arbbot_hedges_realised_pnl_bucket"}
    assert "pnl.realised" in MANIFEST


@pytest.mark.parametrize("accept", ["", "text/plain; version=0.0.4", OPENMETRICS, "text/plain; version=1.0.0", "x;;=,"])
@pytest.mark.parametrize("told", [True, False])
async def test_every_declared_metric_is_readable_in_each_format(accept: str, told: bool) -> None:
    """All of the manifest at once, or none of it: the parser of the format that was asked for takes the whole text."""
    metrics, exposition = pair()
    for metric in MANIFEST.values() if told else ():
        tags = dict.fromkeys(metric.tags, "x")
        match metric.type:
            case MetricType.COUNT:
                metrics.count(metric.name, 1, **tags)
            case MetricType.GAUGE:
                metrics.gauge(metric.name, 1.5, **tags)
            case MetricType.DISTRIBUTION:
                metrics.distribution(metric.name, 1.5, **tags)
            case MetricType.SERVICE_CHECK:
                metrics.service_check(metric.name, 0)
    assert len(await families(exposition, accept)) == (len(MANIFEST) if told else 0)


@pytest.mark.parametrize("accept", ["application/openmetrics-text; version=seven", "text/plain; version=\u00e9"])
async def test_nonsense_in_what_is_accepted_is_answered(accept: str) -> None:
    """A scraper that asks for no version there is still gets its metrics."""
    metrics, exposition = pair()
    metrics.count("starts")
    assert "arbbot_starts" in await families(exposition, accept)


async def test_tag_values_that_are_no_names_become_other() -> None:
    """What cannot stand in a label, ids and prices included, is not let in."""
    metrics, exposition = pair()
    metrics.count("refusals", refusal='a"b\n')
    assert values((await families(exposition))["arbbot_refusals"]) == {("arbbot_refusals_total", "refusal=other"): 1}


def test_every_distribution_has_buckets_in_order() -> None:
    """And nothing else has any."""
    for metric in MANIFEST.values():
        assert bool(metric.buckets) is (metric.type is MetricType.DISTRIBUTION), metric.name
        assert list(metric.buckets) == sorted(set(metric.buckets))
