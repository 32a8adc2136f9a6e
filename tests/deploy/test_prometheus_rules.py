"""The alert rules as Prometheus itself evaluates them, where its `promtool` can be had."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from arbbot.telemetry.__main__ import written
from arbbot.telemetry.grafana_json import rules

PROMTOOL = shutil.which("promtool") or shutil.which("promtool", path=str(Path(sys.prefix) / "bin"))
INTERVAL = "15s"


def daemon(mode: str) -> str:
    """A daemon's heartbeat."""
    return f'arbbot_heartbeat_total{{env="p",mode="{mode}",route="r",version="1"}}'


def called(mode: str) -> dict[str, Any]:
    """The alert of one that is silent."""
    return {"exp_labels": {"severity": "critical", "env": "p", "mode": mode, "route": "r"}}


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_each_daemon_that_falls_silent_calls_and_no_other(tmp_path: Path) -> None:
    """Of two on one Prometheus the live one dies after ten minutes: five later it calls, for hours, and it alone. One
    that stands still with its process alive calls as well.
    """
    living = {"series": daemon("paper"), "values": "0+15x2000"}
    dead = {"series": daemon("live"), "values": "0+15x40 stale"}
    standing = {"series": daemon("live"), "values": "0+15x40 600x2000"}
    in_time = [("9m", []), ("14m", []), ("16m", ["live"]), ("30m", ["live"]), ("8h", ["live"])]
    bare = rules()
    for rule in bare["groups"][0]["rules"]:
        del rule["annotations"]
    (tmp_path / "rules.yml").write_text(written(bare))
    tests = [
        {
            "interval": INTERVAL,
            "input_series": series,
            "alert_rule_test": [
                {"eval_time": moment, "alertname": "heartbeat_absent", "exp_alerts": [called(mode) for mode in modes]}
                for moment, modes in in_time
            ],
        }
        for series in ([living, dead], [living, standing])
    ]
    content = {"rule_files": ["rules.yml"], "evaluation_interval": INTERVAL, "tests": tests}
    (tmp_path / "test.yml").write_text(json.dumps(content))
    done = subprocess.run(
        [str(PROMTOOL), "test", "rules", "test.yml"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
