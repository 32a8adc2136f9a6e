"""DogStatsD over UDP or a Unix socket: buffered, declared metrics only, and indifferent to a dead agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from datadog.dogstatsd.base import DogStatsd

from arbbot.telemetry.address import Agent
from arbbot.telemetry.exposition import Exposition
from arbbot.telemetry.manifest import MANIFEST, NAMESPACE, Metric, MetricType
from arbbot.telemetry.redact import Redactor

TAG_VALUES_MAX = 64
"""Different values one tag may have in a process; more would be ids or prices, not names."""

_TAG_VALUE = re.compile(r"[a-z0-9_.+-]{1,48}")
_OTHER = "other"


class UndeclaredMetric(LookupError):
    """The program emits something the manifest does not declare so: a mistake in the program."""


class _Client(DogStatsd):
    """Counts what it could not send, which the library does only while it reports on itself to the agent."""

    packets_lost = 0

    def _send_to_server(self, packet: str, *more: Any, **named: Any) -> bool:
        sent: bool = super()._send_to_server(packet, *more, **named)
        self.packets_lost += not sent
        return sent


class Metrics:
    """Emits what the manifest declares. With no agent it only checks. Never waits, never raises for the network."""

    def __init__(
        self,
        agent: Agent | None,
        constant_tags: Mapping[str, str],
        redactor: Redactor,
        exposition: Exposition | None = None,
    ) -> None:
        """`exposition` keeps the same for Prometheus."""
        self._redactor = redactor
        self._exposition = exposition
        self._seen: dict[str, set[str]] = {}
        self._checks: dict[str, tuple[int, str]] = {}
        self._client: _Client | None = None
        if agent is not None:
            self._client = _Client(
                host=agent.host,
                port=agent.port,
                socket_path=agent.socket_path,
                namespace=NAMESPACE,
                disable_buffering=False,
                flush_interval=0,  # no thread: `flush` is called by the task that owns this
                disable_telemetry=True,
                origin_detection_enabled=False,
                track_instance=False,
            )
            self._client.constant_tags = [f"{name}:{value}" for name, value in constant_tags.items()]

    @property
    def packets_lost(self) -> int:
        """Packets that the agent did not take, as far as the system tells: over UDP, an agent that is not there."""
        return 0 if self._client is None else self._client.packets_lost

    def count(self, name: str, by: int = 1, /, **tags: str) -> None:
        """Add to a declared count."""
        metric, values = self._check(name, MetricType.COUNT, tags)
        if self._client is not None:
            self._client.increment(name, by, tags=_tags(metric, values))
        if self._exposition is not None:
            self._exposition.add(metric, by, values)

    def gauge(self, name: str, value: float | None, /, **tags: str) -> None:
        """Set a declared gauge. None: it is not known at present, and nobody is told an old value."""
        metric, values = self._check(name, MetricType.GAUGE, tags)
        if self._client is not None and value is not None:
            self._client.gauge(name, value, tags=_tags(metric, values))
        if self._exposition is not None:
            self._exposition.set(metric, value, values)

    def distribution(self, name: str, value: float, /, **tags: str) -> None:
        """Add a sample to a declared distribution."""
        metric, values = self._check(name, MetricType.DISTRIBUTION, tags)
        if self._client is not None:
            self._client.distribution(name, value, tags=_tags(metric, values))
        if self._exposition is not None:
            self._exposition.observe(metric, value, values)

    def service_check(self, name: str, status: int, message: str = "") -> None:
        """Report a declared service check: `DogStatsd.OK`, `WARNING` or `CRITICAL`."""
        metric, _ = self._check(name, MetricType.SERVICE_CHECK, {})
        self._checks[name] = (status, message)
        if self._client is not None:  # the client puts no namespace before a check's name
            self._client.service_check(f"{NAMESPACE}.{name}", status, message=self._clean(message) or None)
        if self._exposition is not None:
            self._exposition.set(metric, status, ())

    def repeat_checks(self) -> None:
        """Report every check as it stands: a packet may have been lost, and an agent may be new."""
        for name, (status, message) in tuple(self._checks.items()):
            self.service_check(name, status, message)

    def event(self, title: str, text: str, alert_type: str) -> None:
        """Put an event into the stream: alert_type is info, warning, error or success."""
        if self._client is not None:
            self._client.event(f"{NAMESPACE}: {self._clean(title)}", self._clean(text), alert_type=alert_type)

    def flush(self) -> None:
        """Send what is buffered; what the agent does not take is lost."""
        if self._client is not None:
            self._client.flush_buffered_metrics()

    def close(self) -> None:
        """Send the rest and close the socket."""
        if self._client is not None:
            self._client.flush_buffered_metrics()
            self._client.close_socket()

    def _check(self, name: str, kind: MetricType, tags: Mapping[str, str]) -> tuple[Metric, tuple[str, ...]]:
        declared: Metric | None = MANIFEST.get(name)
        if declared is None or declared.type is not kind or set(declared.tags) != set(tags):
            raise UndeclaredMetric(f"{kind} {name} with tags {sorted(tags)} is not in the manifest")
        return declared, tuple([self._bounded(tag, tags[tag]) for tag in declared.tags])

    def _bounded(self, tag: str, value: str) -> str:
        """The value, or "other" where it is no name, or one name too many."""
        seen = self._seen.setdefault(tag, set())
        if value in seen:
            return value
        if len(seen) >= TAG_VALUES_MAX or not _TAG_VALUE.fullmatch(value) or self._clean(value) != value:
            return _OTHER
        seen.add(value)
        return value

    def _clean(self, text: str) -> str:
        """Without secrets, and without half characters, for which a whole packet would be lost."""
        return str(self._redactor.clean(text)).encode(errors="replace").decode()


def _tags(metric: Metric, values: tuple[str, ...]) -> list[str]:
    return [f"{tag}:{value}" for tag, value in zip(metric.tags, values, strict=True)]
