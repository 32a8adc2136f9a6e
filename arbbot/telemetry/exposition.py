"""What was emitted, kept for Prometheus: totals of counts, gauges and checks as last told, histograms."""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from typing import Any

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.openmetrics import exposition as openmetrics
from prometheus_client.registry import Collector

from arbbot.telemetry.manifest import MANIFEST, Metric, MetricType

OPENMETRICS = "application/openmetrics-text"
END = b"# EOF\n"
"""Ends a whole text of OpenMetrics; the older format has no end."""

Tags = tuple[str, ...]
"""A metric's tag values, in the order of its declaration."""


class _Alone(Collector):
    """One family where the library's encoders want a registry: so the loop gets its turn between families."""

    def __init__(self, family: Family) -> None:
        self._family = family

    def collect(self) -> Iterator[Family]:
        yield self._family


class _Histogram:
    """How many values fell into each bucket, and their sum."""

    __slots__ = ("counts", "total")

    def __init__(self, buckets: int) -> None:
        self.counts = [0] * (buckets + 1)
        self.total = 0.0


class Exposition:
    """A value for each metric and its tags. A gauge that is not known at present is not there."""

    def __init__(self, constant_tags: Mapping[str, str]) -> None:
        self._constant = dict(constant_tags)
        self._numbers: dict[str, dict[Tags, float]] = {}
        self._histograms: dict[str, dict[Tags, _Histogram]] = {}

    def add(self, metric: Metric, by: float, tags: Tags) -> None:
        """Count."""
        series = self._numbers.setdefault(metric.name, {})
        series[tags] = series.get(tags, 0.0) + by

    def set(self, metric: Metric, value: float | None, tags: Tags) -> None:
        """Tell a gauge or a check; None takes it away."""
        series = self._numbers.setdefault(metric.name, {})
        if value is None:
            series.pop(tags, None)
        else:
            series[tags] = value

    def observe(self, metric: Metric, value: float, tags: Tags) -> None:
        """Put a value into its bucket."""
        series = self._histograms.setdefault(metric.name, {})
        found = series.get(tags)
        if found is None:
            found = series[tags] = _Histogram(len(metric.buckets))
        found.counts[bisect_left(metric.buckets, value)] += 1
        found.total += value

    async def text(self, accept: str) -> tuple[bytes, str]:
        """Everything in the format that a scraper accepts, OpenMetrics or the older text, and its content type. Written
        family by family: the loop has its turn in between.
        """
        modern = OPENMETRICS in accept
        write: Callable[[Collector], bytes] = openmetrics.generate_latest if modern else generate_latest
        parts: list[bytes] = []
        for family in self._families():
            parts.append(write(_Alone(family)).removesuffix(END))
            await asyncio.sleep(0)
        if modern:
            parts.append(END)
        return b"".join(parts), openmetrics.CONTENT_TYPE_LATEST if modern else CONTENT_TYPE_PLAIN_0_0_4

    def _families(self) -> Iterator[Family]:
        """As declared, those without a value left out."""
        for metric in MANIFEST.values():
            if metric.type is MetricType.DISTRIBUTION:
                if metric.name in self._histograms:
                    yield self._histogram(metric)
            elif self._numbers.get(metric.name):
                yield self._plain(metric)

    def _plain(self, metric: Metric) -> Family:
        kind: Any = CounterMetricFamily if metric.type is MetricType.COUNT else GaugeMetricFamily
        family: Family = kind(metric.prometheus, metric.description)
        for tags, value in self._numbers[metric.name].items():
            family.add_sample(metric.prometheus, self._labels(metric, tags), value)
        return family

    def _histogram(self, metric: Metric) -> Family:
        """A histogram of values that may be negative has no sum: Prometheus takes sums for counters."""
        family = HistogramMetricFamily(metric.prometheus, metric.description)
        signed = metric.buckets[0] < 0
        bounds = [*(str(float(bound)) for bound in metric.buckets), "+Inf"]
        for tags, held in self._histograms[metric.name].items():
            labels = self._labels(metric, tags)
            for bound, count in zip(bounds, accumulate(held.counts), strict=True):
                family.add_sample(f"{metric.prometheus}_bucket", {**labels, "le": bound}, count)
            if not signed:
                family.add_sample(f"{metric.prometheus}_count", labels, sum(held.counts))
                family.add_sample(f"{metric.prometheus}_sum", labels, held.total)
        return family

    def _labels(self, metric: Metric, tags: Tags) -> dict[str, str]:
        return {**self._constant, **dict(zip(metric.tags, tags, strict=True))}
