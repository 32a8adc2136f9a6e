"""Grafana's dashboard and Prometheus' alert rules, written from the same declarations as Datadog's."""

from __future__ import annotations

from typing import Any

from arbbot.telemetry.manifest import MANIFEST, NAMESPACE, Metric, MetricType
from arbbot.telemetry.monitors import MONITORS, Monitor, Reading
from arbbot.telemetry.panels import CHECKS, ROWS, Panel

VARIABLES = ("env", "mode", "route")
SOURCE = {"type": "prometheus", "uid": "${source}"}
WIDTH, HEIGHT, ACROSS = 8, 8, 3
SCHEMA = 39
_UNITS = {
    "second": "s",
    "millisecond": "ms",
    "byte": "bytes",
    "fraction": "percentunit",
}
QUANTILES = (0.5, 0.95)
RATE = "[$__rate_interval]"


def dashboard() -> dict[str, Any]:
    """The dashboard, as Grafana imports it: it asks for its data source."""
    return {
        "uid": NAMESPACE,
        "title": NAMESPACE,
        "description": "The operator's questions, by what the daemon measures. Made from arbbot/telemetry/panels.py.",
        "tags": [NAMESPACE],
        "schemaVersion": SCHEMA,
        "editable": True,
        "refresh": "15s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), *(_variable(tag) for tag in VARIABLES)]},
        "annotations": {"list": []},
        "panels": _panels(),
    }


def rules() -> dict[str, Any]:
    """Prometheus' alert rules: one for each monitor's threshold, and one for its warning where it has one."""
    return {"groups": [{"name": NAMESPACE, "rules": [rule for monitor in MONITORS for rule in _rules(monitor)]}]}


# --- alert rules --------------------------------------------------------------------------------------------------


def _rules(monitor: Monitor) -> list[dict[str, Any]]:
    rules = [_rule(monitor, monitor.critical, "critical" if monitor.urgent else "warning")]
    if monitor.warning is not None:
        rules.append(_rule(monitor, monitor.warning, "warning" if monitor.urgent else "notice"))
    return rules


def _rule(monitor: Monitor, threshold: float, severity: str) -> dict[str, Any]:
    return {
        "alert": monitor.name,
        "expr": expression(monitor, threshold),
        "labels": {"severity": severity},
        "annotations": {"summary": f"{NAMESPACE}: {monitor.title}", "description": monitor.meaning,
                        "runbook": monitor.runbook},
    }  # fmt: skip


def expression(monitor: Monitor, threshold: float) -> str:
    """What is true while the monitor calls."""
    if monitor.promql is not None:
        return monitor.promql.replace("THRESHOLD", f"{threshold:.10g}")
    series = MANIFEST[monitor.metric].prometheus
    if monitor.only is not None:
        series += f'{{{monitor.only[0]}=~"{"|".join(monitor.only[1])}"}}'
    compared = ("<" if monitor.below else ">") + ("=" if monitor.inclusive else "")
    if monitor.reading is Reading.STATUS:
        return f"{series} >= {threshold:.10g}"
    if monitor.reading is Reading.SUM:
        by = ", ".join((*VARIABLES, *monitor.by))
        return f"sum by ({by}) (increase({series}[{monitor.over_min}m])) {compared} {threshold:.10g}"
    return f"{monitor.reading}_over_time({series}[{monitor.over_min}m]) {compared} {threshold:.10g}"


# --- the dashboard ------------------------------------------------------------------------------------------------


def _source() -> dict[str, Any]:
    return {"name": "source", "label": "data source", "type": "datasource", "query": "prometheus"}


def _variable(tag: str) -> dict[str, Any]:
    return {
        "name": tag,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": f"label_values({MANIFEST['heartbeat'].prometheus}, {tag})", "refId": tag},
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "current": {"text": ["All"], "value": ["$__all"]},
    }


def _panels() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    top = 0
    rows = (("Checks: 0 ok, 1 warning, 2 critical", tuple(Panel(name, (name,)) for name in CHECKS)),
            *((row.question, row.panels) for row in ROWS))  # fmt: skip
    for question, panels in rows:
        place = {"h": 1, "w": WIDTH * ACROSS, "x": 0, "y": top}
        found.append({"id": len(found) + 1, "type": "row", "title": question, "collapsed": False, "gridPos": place,
                      "panels": []})  # fmt: skip
        top += 1
        for number, panel in enumerate(panels):
            place = {"h": HEIGHT, "w": WIDTH, "x": number % ACROSS * WIDTH, "y": top + number // ACROSS * HEIGHT}
            found.append(_panel(len(found) + 1, panel, place))
        top += -(-len(panels) // ACROSS) * HEIGHT
    return found


def _panel(number: int, panel: Panel, place: dict[str, int]) -> dict[str, Any]:
    targets = [target for name in panel.metrics for target in _targets(MANIFEST[name], panel.by)]
    return {
        "id": number,
        "type": "timeseries",
        "title": panel.title,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": _UNITS.get(MANIFEST[panel.metrics[0]].unit, "none")}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + index), "datasource": SOURCE, "expr": expr, "legendFormat": legend}
            for index, (expr, legend) in enumerate(targets)
        ],
    }


def _targets(metric: Metric, by: str) -> list[tuple[str, str]]:
    """Expressions with their legends: a count's rate, a gauge as it is, a distribution's quantiles."""
    labels = ",".join(f'{tag}=~"${tag}"' for tag in VARIABLES)
    groups = [*VARIABLES, *([by] if by else [])]
    legend = " ".join([metric.name, "{{mode}} {{route}}", *([f"{{{{{by}}}}}"] if by else [])])
    joined = ", ".join(groups)
    if metric.type is MetricType.COUNT:
        return [(f"sum by ({joined}) (increase({metric.prometheus}{{{labels}}}{RATE}))", legend)]
    if metric.type is MetricType.DISTRIBUTION:
        rate = f"sum by ({joined}, le) (rate({metric.prometheus}_bucket{{{labels}}}{RATE}))"
        return [(f"histogram_quantile({each}, {rate})", f"p{each * 100:g} {legend}") for each in QUANTILES]
    return [(f"max by ({joined}) ({metric.prometheus}{{{labels}}})", legend)]
