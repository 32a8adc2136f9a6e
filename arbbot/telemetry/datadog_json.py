"""Datadog's dashboard and monitors, written from the panels, monitors and metrics that the code declares."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from arbbot.telemetry.manifest import MANIFEST, NAMESPACE, MetricType
from arbbot.telemetry.monitors import MONITORS, Monitor, Reading
from arbbot.telemetry.panels import CHECKS, ROWS, Panel

TITLE = "arbbot"
MANAGED = "managed_by:arbbot"
SCOPE = f"service:{NAMESPACE}"
RUNBOOKS = "docs/runbook/"
GROUPS = ("env", "mode", "route")
MADE = "Made from arbbot/telemetry/panels.py."
"""In the description of a dashboard of ours: by it an upload knows one from another of the same title."""
URGENT, PATIENT = 2, 4
REMINDER_MIN = 1440


@dataclass(frozen=True, slots=True)
class Choices:
    """What of the monitors is the operator's to say."""

    scope: str = SCOPE
    """Tags that all queries are limited to, joined by commas."""
    owner: str = "trading"
    notify: str = ""
    """Whom a monitor calls, as Datadog writes it: `@pagerduty-trading @ops@example.com`."""
    runbooks: str = RUNBOOKS
    """Where the runbook is served; as it stands it names the files of the project."""

    @property
    def title(self) -> str:
        """Of the dashboard, and what monitors' names begin with: of another scope, another."""
        return TITLE if self.scope == SCOPE else f"{TITLE} {self.scope}"

    def identity(self, name: str) -> set[str]:
        """The tags by which an upload finds a monitor of the same scope again."""
        return {MANAGED, f"monitor:{name}", f"scope:{self.scope.replace(':', '-').replace(',', '/')}"}


def monitors(choices: Choices | None = None) -> list[dict[str, Any]]:
    """Every monitor, as Datadog's API takes it."""
    return [_monitor(monitor, choices or Choices()) for monitor in MONITORS]


def dashboard(choices: Choices | None = None) -> dict[str, Any]:
    """The dashboard, as Datadog's API takes it."""
    choices = choices or Choices()
    scope = choices.scope
    return {
        "title": choices.title,
        "description": f"The operator's questions, by what the daemon measures. {MADE}",
        "layout_type": "ordered",
        "template_variables": [{"name": tag, "prefix": tag, "defaults": ["*"]} for tag in GROUPS],
        "widgets": [
            _group("Checks and events", [*(_check(name, scope) for name in CHECKS), _events(scope)]),
            *(_group(row.question, [_chart(panel, scope) for panel in row.panels]) for row in ROWS),
        ],
    }


# --- monitors -----------------------------------------------------------------------------------------------------


def _monitor(monitor: Monitor, choices: Choices) -> dict[str, Any]:
    is_check = monitor.reading is Reading.STATUS
    return {
        "name": f"[{choices.title}] {monitor.title} ({{{{env.name}}}}, {{{{mode.name}}}}, {{{{route.name}}}})",
        "type": "service check" if is_check else "query alert",
        "query": _check_query(monitor, choices) if is_check else _query(monitor, choices),
        "message": _message(monitor, choices),
        "tags": sorted({*choices.identity(monitor.name), *choices.scope.split(","), f"owner:{choices.owner}"}),
        "priority": URGENT if monitor.urgent else PATIENT,
        "options": _options(monitor),
    }


def _query(monitor: Monitor, choices: Choices) -> str:
    """`max(last_10m):max:arbbot.limits.used{...} by {...} > 0.8`."""
    metric = MANIFEST[monitor.metric]
    where = choices.scope.replace(",", " AND ")
    if monitor.only is not None:
        tag, values = monitor.only
        where = f"{where} AND {tag} IN ({','.join(values)})"
    across = {Reading.LEAST: "min", Reading.LARGEST: "max", Reading.SUM: "sum"}.get(monitor.reading, "avg")
    counted = ".as_count()" if metric.type is MetricType.COUNT else ""
    compared = ("<" if monitor.below else ">") + ("=" if monitor.inclusive else "")
    return (
        f"{monitor.reading}(last_{monitor.over_min}m):{across}:{NAMESPACE}.{monitor.metric}{{{where}}} "
        f"by {{{','.join((*GROUPS, *monitor.by))}}}{counted} {compared} {monitor.critical:.10g}"
    )


def _check_query(monitor: Monitor, choices: Choices) -> str:
    scope = ",".join(f'"{tag}"' for tag in choices.scope.split(","))
    by = ",".join(f'"{tag}"' for tag in GROUPS)
    return f'"{NAMESPACE}.{monitor.metric}".over({scope}).by({by}).last(2).count_by_status()'


def _options(monitor: Monitor) -> dict[str, Any]:
    if monitor.reading is Reading.STATUS:
        thresholds: dict[str, Any] = {"critical": 1, "warning": 1, "ok": 1}
    else:
        thresholds = {"critical": monitor.critical}
        if monitor.warning is not None:
            thresholds["warning"] = monitor.warning
    options: dict[str, Any] = {
        "thresholds": thresholds,
        "notify_no_data": monitor.no_data_min is not None,
        "renotify_interval": REMINDER_MIN,
        "include_tags": True,
        "notify_audit": False,
        "require_full_window": False,
        "new_group_delay": 60,
    }
    if monitor.no_data_min is not None:
        options["no_data_timeframe"] = monitor.no_data_min
    return options


def _message(monitor: Monitor, choices: Choices) -> str:
    runbook = monitor.runbook.replace(RUNBOOKS, choices.runbooks, 1)
    lines = [monitor.meaning, "", f"Runbook: {runbook}", f"Owner: {choices.owner}", choices.notify]
    return "\n".join(lines).strip()


# --- the dashboard ------------------------------------------------------------------------------------------------


def _where(scope: str) -> str:
    return ",".join([scope, *(f"${tag}" for tag in GROUPS)])


def _group(title: str, widgets: list[dict[str, Any]]) -> dict[str, Any]:
    return {"definition": {"type": "group", "layout_type": "ordered", "title": title, "widgets": widgets}}


def _chart(panel: Panel, scope: str) -> dict[str, Any]:
    counted = all(MANIFEST[name].type is MetricType.COUNT for name in panel.metrics)
    queries = [text for name in panel.metrics for text in _lines(name, panel.by, scope)]
    named = [{"data_source": "metrics", "name": f"query{number}", "query": text} for number, text in enumerate(queries)]
    request = {
        "display_type": "bars" if counted else "line",
        "response_format": "timeseries",
        "queries": named,
        "formulas": [{"formula": query["name"]} for query in named],
    }
    return {"definition": {"type": "timeseries", "title": panel.title, "show_legend": True, "requests": [request]}}


def _lines(name: str, by: str, scope: str) -> list[str]:
    """A count's sum, a gauge's largest value, a distribution's average and largest."""
    kind = MANIFEST[name].type
    across = {MetricType.COUNT: ("sum",), MetricType.GAUGE: ("max",)}.get(kind, ("avg", "max"))
    split = f" by {{{by}}}" if by else ""
    counted = ".as_count()" if kind is MetricType.COUNT else ""
    return [f"{each}:{NAMESPACE}.{name}{{{_where(scope)}}}{split}{counted}" for each in across]


def _check(name: str, scope: str) -> dict[str, Any]:
    return {
        "definition": {
            "type": "check_status",
            "title": name,
            "check": f"{NAMESPACE}.{name}",
            "grouping": "cluster",
            "group_by": ["env", "route"],
            "tags": _where(scope).split(","),
        }
    }


def _events(scope: str) -> dict[str, Any]:
    return {
        "definition": {
            "type": "event_stream",
            "title": "starts, stops, changes of state, trips",
            "query": f"{scope.replace(',', ' ')} $env $mode $route",
            "event_size": "l",
        }
    }
