"""One message to the webhook, from a process that has no telemetry: a start that failed, a panic, a withdrawal that
does not end while no daemon answers.
"""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress

from arbbot.bootstrap.observing import identity_of, secrets_of
from arbbot.bootstrap.terminal import say
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Severity
from arbbot.domain.records import AlertRaised
from arbbot.runtime.clock import SystemClock
from arbbot.settings import Settings, read_alerts_url
from arbbot.telemetry.alerts import Choice, Message
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.webhook import Webhook

PAUSE_S = 1.0


async def call(settings: Settings, alert: AlertRaised) -> bool:
    """Send it, in two tries of some seconds each, where there is a webhook and a person asked for such; whether it was
    taken. What the webhook does not take is said at the terminal, and is no failure.
    """
    try:
        url = read_alerts_url(settings)
    except Failure as failure:
        say(f"alerts: not told: {failure.reason}")
        return False
    message = Message(alert.name, alert.severity, alert.text, alert.utc_us)
    wanted = settings.alerts
    if url is None or not Choice(wanted.least, wanted.also, wanted.never).wants(message):
        return False
    redactor = Redactor()
    for secret in secrets_of(url.get_secret_value()):
        redactor.learn(secret)
    route = f"{settings.route.domestic}-{settings.route.foreign}"
    tags = identity_of(settings, route, os.environ).tags()
    async with Webhook(url.get_secret_value(), wanted.form, tags, redactor) as post:
        answer = await post((message,), 0)
        if answer.outcome == "failed":
            await asyncio.sleep(PAUSE_S)
            answer = await post((message,), 0)
    if answer.outcome != "delivered":
        say(f"alerts: {alert.name} was not taken by the webhook, {answer.outcome}: {answer.why}")
    return answer.outcome == "delivered"


def not_started(settings: Settings, failure: Failure) -> None:
    """Tell that a start failed: nobody else will. One that fails again and again is told every `alerts.repeat_s`."""
    told, utc_us = settings.state_dir / "not_started", SystemClock().now().utc_us
    with suppress(OSError, UnicodeDecodeError):
        young = utc_us / 1e6 - told.stat().st_mtime < settings.alerts.repeat_s
        if young and told.read_text() == failure.reason:
            return
    with suppress(OSError):
        told.write_text(failure.reason)
    text = f"exit code {int(failure.code)}: {failure.reason}"
    asyncio.run(call(settings, AlertRaised(Severity.CRITICAL, "not_started", text, utc_us)))
