"""What watches a running daemon: its log, its metrics and its alerts, put together beside trading."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import SystemRandom  # noqa: TID251 - spreads retries of alerts, and decides nothing
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import SecretStr
from structlog.typing import FilteringBoundLogger

from arbbot import __version__
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap import recording
from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.gauges import Gauges, Places
from arbbot.bootstrap.terminal import mention, say
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.engine.step import Engine
from arbbot.research.record import Recorder
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Settings
from arbbot.telemetry.address import parse_agent
from arbbot.telemetry.alerts import Alerts, Choice
from arbbot.telemetry.exposition import Exposition
from arbbot.telemetry.fold import Telemetry
from arbbot.telemetry.logging import Identity, build_logger, take_over_library_logs
from arbbot.telemetry.metrics import Metrics
from arbbot.telemetry.redact import SECRET_CHARS_MIN, Redactor
from arbbot.telemetry.scrape import Scrape
from arbbot.telemetry.sink import LineSink
from arbbot.telemetry.webhook import Webhook

LAST_WORDS_S = 3.0
"""How long a stop waits for the webhook to take what is left."""
DELIVERED_AGAIN = "alerts are delivered again"
_TAG = re.compile(r"[a-z0-9_.+-]{1,48}")


@dataclass(frozen=True, slots=True)
class Observed:
    """What is looked at."""

    settings: Settings
    engine: Engine
    gateway: BitstampGateway
    clock: SystemClock
    journal: Path
    recorder: Recorder | None


async def observe(
    stack: AsyncExitStack, seen: Observed, redactor: Redactor, alerts_url: SecretStr | None, *, narrated: bool
) -> tuple[Telemetry, FilteringBoundLogger]:
    """Where records become lines, metrics and messages, and the logger for what is no record; until the stack unwinds.
    Raises Failure (SETTINGS).
    """
    settings = seen.settings
    identity = identity_of(settings, seen.engine.core.route.name, os.environ)
    sink = LineSink(_log_file(stack, settings.state_dir) if narrated else sys.stdout.fileno())
    logger = build_logger(sink, identity, redactor)
    alerts = None if alerts_url is None else await _alerts(stack, settings, alerts_url, identity, redactor, logger)
    take_over_library_logs(logger)
    exposition = None if settings.telemetry.prometheus is None else Exposition(identity.tags())
    agent = None if settings.telemetry.statsd is None else parse_agent(settings.telemetry.statsd)
    metrics = Metrics(agent, identity.tags(), redactor, exposition)
    telemetry = Telemetry(logger, sink, metrics, alerts=alerts)
    stack.callback(telemetry.close)
    beside(stack, telemetry.run(), "telemetry")
    places = Places(seen.engine, seen.gateway, seen.clock, seen.journal, settings.state_dir, started=seen.clock.now())
    beside(stack, Gauges(metrics, places).run(), "the reading of gauges")
    if alerts is not None:
        beside(stack, alerts.run(), "the sending of alerts")
    if seen.recorder is not None:
        beside(stack, recording.watch(seen.recorder, logger), "the watch over the recording")
    if exposition is not None:
        await _serve(stack, settings, exposition, demo=narrated)
    return telemetry, logger


def identity_of(settings: Settings, route: str, environ: Mapping[str, str]) -> Identity:
    """What every line and metric carries. The agent's own variables are stronger, so that all of a machine agrees."""
    told = {name: environ.get(f"DD_{name.upper()}", "") for name in ("service", "env", "version")}
    usual = {"service": settings.telemetry.service, "env": settings.telemetry.env, "version": __version__}
    chosen = {name: told[name] if _TAG.fullmatch(told[name]) else usual[name] for name in usual}
    return Identity(chosen["service"], chosen["env"], chosen["version"], "bitstamp", settings.mode.value, route)


async def _alerts(
    stack: AsyncExitStack,
    settings: Settings,
    url: SecretStr,
    identity: Identity,
    redactor: Redactor,
    logger: FilteringBoundLogger,
) -> Alerts:
    """The sender of alerts; what is left at the end gets one last request, when all else has stopped."""
    for secret in secrets_of(url.get_secret_value()):
        redactor.learn(secret)
    wanted = settings.alerts
    choice = Choice(wanted.least, wanted.also, wanted.never, wanted.per_minute, float(wanted.repeat_s))
    webhook = Webhook(url.get_secret_value(), wanted.form, identity.tags(), redactor)
    post = await stack.enter_async_context(webhook)
    alerts = Alerts(choice, post, SystemRandom(), changed=partial(_tell_of_alerts, logger))
    stack.push_async_callback(alerts.close, LAST_WORDS_S)
    return alerts


def _tell_of_alerts(logger: FilteringBoundLogger, trouble: str | None) -> None:
    """Say it where people look who hear nothing from the webhook: in the log and at the terminal."""
    if trouble is None:
        logger.info(DELIVERED_AGAIN, kind="alerts")
        mention(f"arbbot: {DELIVERED_AGAIN}")
        return
    told = f"alerts are not delivered: the webhook's last request was {trouble}"
    logger.error(told, kind="alerts")
    mention(f"arbbot: {told}")


def secrets_of(url: str) -> set[str]:
    """An address and each part of it that may be what lets one in: as written and as it is read."""
    parts = urlsplit(url)
    values = (value for _, value in parse_qsl(parts.query))
    user = parts.netloc.rpartition("@")[0]
    found = {url, parts.path, parts.query, *values, user, *user.split(":"), parts.fragment}
    return {each for text in found for each in (text, unquote(text)) if len(each) >= SECRET_CHARS_MIN}


async def _serve(stack: AsyncExitStack, settings: Settings, exposition: Exposition, *, demo: bool) -> None:
    """Serve `/metrics`. A demonstration beside a daemon that has the address goes without."""
    address = settings.telemetry.prometheus
    assert address is not None, "an exposition is there for an address alone"
    try:
        await stack.enter_async_context(Scrape(address, exposition))
    except OSError as error:
        trouble = f"telemetry.prometheus: {address}: {error.strerror}"
        if not (demo and error.errno == errno.EADDRINUSE):
            raise Failure(ExitCode.SETTINGS, trouble) from error
        say(f"metrics    not served: {trouble}")
    else:
        say(f"metrics    http://{address}/metrics")


def _log_file(stack: AsyncExitStack, state_dir: Path) -> int:
    """Where a narrated run puts its log lines, so that a person can read the terminal."""
    descriptor = os.open(state_dir / "log.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    stack.callback(os.close, descriptor)
    return descriptor
