"""The monitoring files: written from the code, understood by Datadog's own models, true to what is emitted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.monitor import Monitor as MonitorModel

from arbbot.bootstrap.datadog_models import NotUnderstood, strict
from arbbot.telemetry import datadog_json
from arbbot.telemetry.__main__ import files, written
from arbbot.telemetry.datadog_json import Choices
from arbbot.telemetry.grafana_json import expression
from arbbot.telemetry.manifest import CONSTANT_TAGS, HARD_LIMITS, INVARIANTS, MANIFEST, NAMESPACE, MetricType
from arbbot.telemetry.monitors import MONITORS, Monitor, Reading
from arbbot.telemetry.panels import CHECKS, ROWS
from tests.engine.rig import Rig

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
VARIABLES = {"$env", "$mode", "$route"}
METRIC_QUERY = re.compile(
    r"(?:(?P<time>avg|min|max|sum)\(last_(?P<minutes>\d+)m\):)?(?P<space>avg|min|max|sum):arbbot\.(?P<name>[a-z0-9_.]+)"
    r"\{(?P<where>[^}]*)\}(?: by \{(?P<by>[^}]*)\})?(?P<counted>\.as_count\(\))?(?: (?P<op>>=|>|<=|<) (?P<at>[0-9.]+))?"
)
CHECK_QUERY = re.compile(
    r'"arbbot\.(?P<name>\w+)"\.over\((?P<where>[^)]*)\)\.by\((?P<by>[^)]*)\)\.last\((?P<last>\d+)\)\.count_by_status\(\)'
)


def kept(name: str) -> Any:
    """A file of the project, parsed."""
    return json.loads((DEPLOY / name).read_text("utf-8"))


def strings(node: Any, key: str) -> Iterator[str]:
    """Every string under a key, however deep."""
    if isinstance(node, dict):
        for name, value in node.items():
            if name == key and isinstance(value, str):
                yield value
            yield from strings(value, key)
    elif isinstance(node, list):
        for value in node:
            yield from strings(value, key)


def named_tags(where: str) -> dict[str, list[str]]:
    """Tags of a filter with the values they are compared with."""
    found: dict[str, list[str]] = {}
    for term in re.split(r" AND |,(?![^(]*\))", where):
        if term in VARIABLES:
            continue
        several = re.fullmatch(r"(\w+) IN \(([^)]*)\)", term)
        tag, values = (
            (several[1], several[2].split(",")) if several else (term.partition(":")[0], [term.partition(":")[2]])
        )
        found[tag] = values
    return found


def complaints(query: str) -> list[str]:
    """What a Datadog query says of metrics that the manifest does not."""
    match = METRIC_QUERY.fullmatch(query)
    if match is None:
        return [f"not understood: {query}"]
    metric = MANIFEST.get(match["name"])
    if metric is None:
        return [f"no such metric: {match['name']}"]
    tags = set(named_tags(match["where"])) | set(filter(None, (match["by"] or "").split(",")))
    found = [f"{metric.name} has no tag {tag}" for tag in sorted(tags - set(CONSTANT_TAGS) - set(metric.tags))]
    if (match["counted"] is not None) != (metric.type is MetricType.COUNT):
        found.append(f"{metric.name}: as_count() is for counts, and all of them")
    return found


def test_the_files_are_what_the_code_declares() -> None:
    """`python -m arbbot.telemetry deploy` has been run since the last change."""
    for name, content in files().items():
        assert (DEPLOY / name).read_text("utf-8") == written(content), name


def test_datadogs_models_understand_every_key() -> None:
    """Dashboard and monitors, with an operator's own choices, hold nothing that the client only carries."""
    choices = Choices("service:arbbot,env:prod", "ann", "@ops", "https://docs.example/runbook/")
    strict(Dashboard, datadog_json.dashboard(choices))
    for monitor in (*datadog_json.monitors(), *datadog_json.monitors(choices)):
        strict(MonitorModel, monitor)


def _small() -> dict[str, Any]:
    """A dashboard of one chart: the client takes long to read many."""
    content = deepcopy(datadog_json.dashboard())
    content["widgets"] = content["widgets"][:2]
    del content["widgets"][1]["definition"]["widgets"][1:]
    return content


def _first_chart(content: dict[str, Any]) -> dict[str, Any]:
    chart: dict[str, Any] = content["widgets"][1]["definition"]["widgets"][0]["definition"]
    return chart


@pytest.mark.parametrize(
    "spoil",
    [
        lambda content: content.update(lay_out="ordered"),
        lambda content: content.update(layout_type="orderly"),
        lambda content: _first_chart(content).update(tytle="x"),
        lambda content: _first_chart(content).update(type="timeserie"),
        lambda content: _first_chart(content)["requests"][0].update(display_type="bar"),
        lambda content: _first_chart(content)["requests"][0]["queries"][0].update(querry="x"),
        lambda content: _first_chart(content)["requests"][0]["queries"][0].update(data_source="metric"),
    ],
)
def test_the_strict_reading_sees_what_the_client_lets_pass(spoil: Callable[[dict[str, Any]], None]) -> None:
    """A misspelt key or kind, at any depth, is found, although the client by itself would carry it along."""
    content = _small()
    strict(Dashboard, content)
    spoil(content)
    with pytest.raises(NotUnderstood):
        strict(Dashboard, content)


def test_a_misspelt_option_of_a_monitor_is_seen() -> None:
    """The same for monitors."""
    content = deepcopy(datadog_json.monitors()[0])
    content["options"]["notify_nodata"] = True
    with pytest.raises(NotUnderstood, match="notify_nodata"):
        strict(MonitorModel, content)


def test_every_datadog_query_asks_for_declared_metrics_and_tags() -> None:
    """Nothing on the dashboard or in a monitor waits for a metric or a tag that nobody sends."""
    asked = list(strings(kept("datadog/dashboard.json"), "query"))
    charts = [query for query in asked if f"{NAMESPACE}." in query]
    assert len(charts) > 50
    assert [query for query in asked if query not in charts] == ["service:arbbot $env $mode $route"], "the events"
    queries = [monitor["query"] for monitor in kept("datadog/monitors.json") if monitor["type"] == "query alert"]
    assert [each for query in (*charts, *queries) for each in complaints(query)] == []


@pytest.mark.parametrize(
    "query",
    [
        "sum:arbbot.heart_beat{service:arbbot}.as_count()",
        "max:arbbot.state{service:arbbot,market:x}",
        "max:arbbot.state{service:arbbot} by {market}",
        "max:arbbot.state{service:arbbot AND limit IN (a,b)}",
        "sum:arbbot.heartbeat{service:arbbot}",
        "max:arbbot.state{service:arbbot}.as_count()",
        "max:state{service:arbbot}",
    ],
)
def test_the_check_of_queries_sees_each_mistake(query: str) -> None:
    """Unknown names, foreign tags, and counts read as anything else."""
    assert complaints(query)


def test_service_checks_are_asked_for_by_their_full_names() -> None:
    """With the prefix that the client does not add, by tags that all carry, over more results than are counted."""
    asked = [each for each in kept("datadog/monitors.json") if each["type"] == "service check"]
    for monitor in asked:
        match = CHECK_QUERY.fullmatch(monitor["query"])
        assert match is not None, monitor["query"]
        assert MANIFEST[match["name"]].type is MetricType.SERVICE_CHECK
        assert set(match["by"].replace('"', "").split(",")) <= set(CONSTANT_TAGS)
        assert int(match["last"]) > max(monitor["options"]["thresholds"].values())
    shown = set(strings(kept("datadog/dashboard.json"), "check"))
    checks = {metric.name for metric in MANIFEST.values() if metric.type is MetricType.SERVICE_CHECK}
    assert shown == {f"{NAMESPACE}.{name}" for name in checks}
    assert len(asked) == len(checks)


def critical_of(content: dict[str, Any]) -> float:
    """The value at which the query of a monitor calls; that of a service check stands in its thresholds alone."""
    match = METRIC_QUERY.fullmatch(content["query"])
    return float(content["options"]["thresholds"]["critical"] if match is None else match["at"])


@pytest.mark.parametrize("critical", [2.5, 0.25, 1_500.5, 1e9, 123_456_789.0])
def test_a_threshold_is_written_as_it_is(critical: float) -> None:
    """To the last digit in queries and rules, whatever its size: Datadog refuses a query that differs from its
    thresholds, and a rounded one would call at another value.
    """
    seen: set[Reading] = set()
    for monitor in (replace(each, critical=critical) for each in MONITORS):
        seen.add(monitor.reading)
        if monitor.reading is not Reading.STATUS:
            assert critical_of(datadog_json._monitor(monitor, Choices())) == critical
        if monitor.promql is None or "THRESHOLD" in monitor.promql:
            rule = expression(monitor, critical)
            assert f"{critical:.10g}" in re.findall(r"[\d.e+]+", rule), rule
    assert seen == set(Reading)


def test_every_monitor_says_what_to_do_who_owns_it_and_what_silence_means() -> None:
    """A runbook page, an owner, thresholds in order, and a no-data setting of its own."""
    for monitor, told in zip(MONITORS, kept("datadog/monitors.json"), strict=True):
        assert re.fullmatch(r"[a-z_]+", monitor.name)
        assert told["options"]["thresholds"]["critical"] == critical_of(told), "one value, written in two places"
        assert f"Runbook: docs/runbook/{monitor.name}.md" in told["message"]
        assert "owner:trading" in told["tags"]
        assert told["options"]["notify_no_data"] is (monitor.no_data_min is not None)
        if monitor.no_data_min is not None:
            assert told["options"]["no_data_timeframe"] >= 2 * monitor.over_min
        if monitor.warning is not None:
            assert (monitor.warning > monitor.critical) is monitor.below
    assert len({monitor.name for monitor in MONITORS}) == len(MONITORS)
    assert [monitor.name for monitor in MONITORS if monitor.no_data_min is not None] == ["heartbeat_absent"]


def test_monitors_watch_only_limits_and_invariants_that_exist() -> None:
    """A tag's value in a query is one that the program sends."""
    limits = {measure.name for measure in Rig().ready().engine.limits.measures()}
    assert set(HARD_LIMITS) == {*limits, "max_hedges"}, "the throttle trips with a hedge, and is not measured before"
    for monitor in MONITORS:
        if monitor.only is not None:
            assert monitor.only[0] == "limit"
            assert set(monitor.only[1]) <= limits
    assert "ledger_difference" in INVARIANTS


def test_everything_declared_is_looked_at_by_somebody() -> None:
    """Each metric is on the dashboards, and each panel's metrics share a unit."""
    shown = {name for row in ROWS for panel in row.panels for name in panel.metrics} | set(CHECKS)
    assert shown == set(MANIFEST)
    for row in ROWS:
        for panel in row.panels:
            tags = [MANIFEST[name].tags for name in panel.metrics]
            assert not panel.by or all(panel.by in each for each in tags), panel.title


# --- Grafana and Prometheus -----------------------------------------------------------------------------------------


def promql_complaints(expr: str) -> list[str]:
    """What an expression says of series that `/metrics` does not serve."""
    by_name = {metric.prometheus: metric for metric in MANIFEST.values()}
    found = []
    names = re.findall(r"\barbbot_\w+", expr)
    allowed = {*CONSTANT_TAGS, "le"}
    for name in names:
        metric = by_name.get(name.removesuffix("_bucket"))
        if metric is None or (metric.type is MetricType.DISTRIBUTION) != name.endswith("_bucket"):
            found.append(f"no such series: {name}")
        else:
            allowed |= set(metric.tags)
    asked = [label for matchers in re.findall(r"\{([^}]*)\}", expr) for label in re.findall(r"(\w+)\s*=", matchers)]
    asked += [label.strip() for group in re.findall(r"\bby \(([^)]*)\)", expr) for label in group.split(",")]
    found += [f"no such label: {label}" for label in asked if label not in allowed]
    return found if names else ["asks for nothing"]


def test_every_expression_asks_for_series_and_labels_that_are_served() -> None:
    """Grafana's panels and Prometheus' rules know the same names as `/metrics`."""
    exprs = [*strings(kept("grafana/dashboard.json"), "expr"), *strings(kept("grafana/rules.yml"), "expr")]
    assert len(exprs) > 80
    assert [each for expr in exprs for each in promql_complaints(expr)] == []
    assert promql_complaints("arbbot_state_total > 1")
    assert promql_complaints("sum by (market) (arbbot_state)")


def test_every_monitor_has_its_rule_and_every_row_its_place() -> None:
    """One rule or two for each monitor, with its runbook; no two panels of Grafana's lie on each other."""
    rules = kept("grafana/rules.yml")["groups"][0]["rules"]
    assert {rule["alert"] for rule in rules} == {monitor.name for monitor in MONITORS}
    assert all((rule["annotations"]["runbook"]).endswith(f"/{rule['alert']}.md") for rule in rules)
    taken: set[tuple[int, int]] = set()
    ids = []
    for panel in kept("grafana/dashboard.json")["panels"]:
        ids.append(panel["id"])
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken
        taken |= cells
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("monitor", MONITORS, ids=lambda monitor: monitor.name)
def test_thresholds_are_those_of_both_systems(monitor: Monitor) -> None:
    """Whoever uses Grafana is called at the same value as whoever uses Datadog, but where the way of asking differs."""
    if monitor.promql is not None or monitor.reading is Reading.STATUS:
        return
    (rule, *_) = [each for each in kept("grafana/rules.yml")["groups"][0]["rules"] if each["alert"] == monitor.name]
    told = next(each for each in kept("datadog/monitors.json") if f"monitor:{monitor.name}" in each["tags"])
    ours = METRIC_QUERY.fullmatch(told["query"])
    assert ours is not None
    op, at = rule["expr"].rsplit(" ", 2)[1:]
    assert (ours["op"], float(ours["at"])) == (op, float(at))
    assert f"[{ours['minutes']}m]" in rule["expr"]
