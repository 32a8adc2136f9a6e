"""`arbbot datadog push`: the dashboard and the monitors, created where they are missing and else brought up to date."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings.checks import is_loopback
from arbbot.telemetry import datadog_json
from arbbot.telemetry.datadog_json import Choices
from arbbot.telemetry.monitors import MONITORS

if TYPE_CHECKING:
    from datadog_api_client import ApiClient
    from datadog_api_client.v1.model.dashboard_summary_definition import DashboardSummaryDefinition

API_KEY, APP_KEY = "DD_API_KEY", "DD_APP_KEY"
TIMEOUT_S = 15


@dataclass(frozen=True, slots=True)
class Target:
    """Where to."""

    site: str
    """As in `datadoghq.eu`."""
    api_url: str | None = None
    """Instead of `https://api.SITE`."""

    @property
    def url(self) -> str:
        """Of the API. Raises Failure (USAGE) where keys would go there in the clear."""
        url = self.api_url or f"https://api.{self.site}"
        try:
            parts = urlsplit(url)
            host = parts.hostname or ""
        except ValueError:
            host = ""
        if not host or not (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))):
            raise Failure(ExitCode.USAGE, f"{url}: want https://..., or http:// to an address of this machine")
        return url


def push(target: Target, choices: Choices, *, apply: bool, environ: Mapping[str, str] | None = None) -> ExitCode:
    """Send them, or without `apply` say what would be sent. Raises Failure: USAGE, SECRET (keys), FAULT (the rest)."""
    url = target.url
    if not apply:
        for line in _plan(choices):
            print(line)
        print(f"dry run: nothing was sent; --apply sends it to {url}")
        return ExitCode.OK
    environ = os.environ if environ is None else environ
    keys = {name: environ.get(name, "").strip() for name in (API_KEY, APP_KEY)}
    missing = [name for name, key in keys.items() if not key]
    if missing:
        raise Failure(ExitCode.SECRET, f"{' and '.join(missing)}: missing in the environment")
    try:
        import datadog_api_client  # noqa: F401 - whether it is there
    except ImportError as error:
        raise Failure(
            ExitCode.USAGE, "datadog push --apply needs Datadog's client: in a checkout `make setup` installs it"
        ) from error
    _send(url, keys, choices)
    return ExitCode.OK


def _plan(choices: Choices) -> list[str]:
    lines = [f"dashboard  {choices.title}"]
    for monitor, content in zip(MONITORS, datadog_json.monitors(choices), strict=True):
        lines.append(f"monitor    {monitor.name}: {content['query']}")
    return lines


def _send(url: str, keys: Mapping[str, str], choices: Choices) -> None:
    """Everything; what the client raises becomes one line."""
    from datadog_api_client import ApiClient, Configuration
    from datadog_api_client.exceptions import ApiException, OpenApiException
    from urllib3.exceptions import HTTPError

    configuration = Configuration(
        host=url,
        api_key={"apiKeyAuth": keys[API_KEY], "appKeyAuth": keys[APP_KEY]},
        request_timeout=TIMEOUT_S,
    )
    try:
        with ApiClient(configuration) as client:
            _dashboard(client, choices)
            _monitors(client, choices)
    except ApiException as error:
        refused = error.status in (401, 403)
        code = ExitCode.SECRET if refused else ExitCode.FAULT
        raise Failure(code, f"{url}: {error.status} {error.reason or ''}: {_told(error.body)}") from error
    except HTTPError as error:
        raise Failure(ExitCode.FAULT, f"{url}: not reached: {type(error).__name__}") from error
    except OpenApiException as error:
        raise Failure(ExitCode.FAULT, f"{url}: the reply was not understood: {type(error).__name__}") from error


def _dashboard(client: ApiClient, choices: Choices) -> None:
    from datadog_api_client.v1.api.dashboards_api import DashboardsApi
    from datadog_api_client.v1.model.dashboard import Dashboard

    from arbbot.bootstrap.datadog_models import strict

    api = DashboardsApi(client)
    wanted = strict(Dashboard, datadog_json.dashboard(choices))
    known = next((each.id for each in api.list_dashboards_with_pagination() if _is_ours(each, choices)), None)
    sent = api.create_dashboard(body=wanted) if known is None else api.update_dashboard(known, body=wanted)
    print(f"dashboard  {choices.title}: {'created' if known is None else 'updated'}, id {sent.id}")


def _is_ours(dashboard: DashboardSummaryDefinition, choices: Choices) -> bool:
    """Of the same scope, and not one that a person has made or made their own."""
    described = dashboard.to_dict().get("description") or ""
    return bool(dashboard.title == choices.title) and datadog_json.MADE in described


def _monitors(client: ApiClient, choices: Choices) -> None:
    from datadog_api_client.v1.api.monitors_api import MonitorsApi
    from datadog_api_client.v1.model.monitor import Monitor
    from datadog_api_client.v1.model.monitor_update_request import MonitorUpdateRequest

    from arbbot.bootstrap.datadog_models import strict

    api = MonitorsApi(client)
    theirs = {frozenset(each.tags): each.id for each in api.list_monitors(monitor_tags=datadog_json.MANAGED)}
    for monitor, content in zip(MONITORS, datadog_json.monitors(choices), strict=True):
        identity = choices.identity(monitor.name)
        known = next((number for tags, number in theirs.items() if identity <= tags), None)
        if known is None:
            number, done = api.create_monitor(body=strict(Monitor, content)).id, "created"
        else:
            number, done = api.update_monitor(known, body=strict(MonitorUpdateRequest, content)).id, "updated"
        print(f"monitor    {monitor.name}: {done}, id {number}")


def _told(body: Any) -> str:
    """What the API said of the trouble, on one line."""
    words = body.to_dict() if hasattr(body, "to_dict") else body
    errors = words.get("errors") if isinstance(words, dict) else None
    text = words.decode(errors="replace") if isinstance(words, bytes) else str(words or "")
    told = "; ".join(map(str, errors)) if isinstance(errors, list) else text
    return " ".join(told.split())[:300] or "no reason was given"
