"""DogStatsD over UDP or a Unix socket: buffered, declared metrics only, and indifferent to a dead agent."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address

from datadog.dogstatsd.base import DogStatsd

from arbbot.telemetry.manifest import MANIFEST, NAMESPACE, Metric, MetricType
from arbbot.telemetry.redact import Redactor

TAG_VALUES_MAX = 64
"""Different values one tag may have in a process; more would be ids or prices, not names."""

_TAG_VALUE = re.compile(r"[a-z0-9_.+-]{1,48}")
_OTHER = "other"


class UndeclaredMetric(LookupError):
    """The program emits something the manifest does not declare so: a mistake in the program."""


@dataclass(frozen=True, slots=True)
class Agent:
    """Where the agent listens: an IP address and port, or the path of its Unix socket."""

    host: str | None
    port: int | None
    socket_path: str | None


def parse_agent(address: str) -> Agent:
    """`unix:///path`, `127.0.0.1:8125` or `[::1]:8125`.

    Raises ValueError for anything else, host names included: resolving one blocks the loop on every packet.
    """
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        if not path.startswith("/"):
            raise ValueError(f"agent address {address!r}: the socket path must be absolute")
        return Agent(None, None, path)
    host, colon, port = address.rpartition(":")
    try:
        ip = ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
    except ValueError:
        ip = None
        number = 0
    if ip is None or not colon or not 0 < number < 65536:
        raise ValueError(f"agent address {address!r}: want a literal IP and port, or unix:///path; no host name")
    return Agent(str(ip), number, None)


class Metrics:
    """Emits what the manifest declares. With no agent it only checks. Never waits, never raises for the network."""

    def __init__(self, agent: Agent | None, constant_tags: Mapping[str, str], redactor: Redactor) -> None:
        self._redactor = redactor
        self._seen: dict[str, set[str]] = {}
        self._client: DogStatsd | None = None
        if agent is not None:
            self._client = DogStatsd(
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

    def count(self, name: str, by: int = 1, /, **tags: str) -> None:
        """Add to a declared count."""
        checked = self._check(name, MetricType.COUNT, tags)
        if self._client is not None:
            self._client.increment(name, by, tags=checked)

    def gauge(self, name: str, value: float, /, **tags: str) -> None:
        """Set a declared gauge."""
        checked = self._check(name, MetricType.GAUGE, tags)
        if self._client is not None:
            self._client.gauge(name, value, tags=checked)

    def distribution(self, name: str, value: float, /, **tags: str) -> None:
        """Add a sample to a declared distribution."""
        checked = self._check(name, MetricType.DISTRIBUTION, tags)
        if self._client is not None:
            self._client.distribution(name, value, tags=checked)

    def service_check(self, name: str, status: int, message: str = "") -> None:
        """Report a declared service check: `DogStatsd.OK`, `WARNING` or `CRITICAL`."""
        self._check(name, MetricType.SERVICE_CHECK, {})
        if self._client is not None:  # the client puts no namespace before a check's name
            self._client.service_check(f"{NAMESPACE}.{name}", status, message=self._clean(message) or None)

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

    def _check(self, name: str, kind: MetricType, tags: Mapping[str, str]) -> list[str]:
        declared: Metric | None = MANIFEST.get(name)
        if declared is None or declared.type is not kind or set(declared.tags) != set(tags):
            raise UndeclaredMetric(f"{kind} {name} with tags {sorted(tags)} is not in the manifest")
        return [f"{tag}:{self._bounded(tag, value)}" for tag, value in tags.items()]

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
        return str(self._redactor.clean(text))
