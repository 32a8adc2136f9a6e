"""`python -m arbbot.telemetry deploy` writes the monitoring files of the project anew from what the code declares."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from arbbot.telemetry import datadog_json, grafana_json


def files() -> dict[str, object]:
    """Every such file, relative to the deploy folder, and what it holds."""
    return {
        "datadog/dashboard.json": datadog_json.dashboard(),
        "datadog/monitors.json": datadog_json.monitors(),
        "grafana/dashboard.json": grafana_json.dashboard(),
        "grafana/rules.yml": grafana_json.rules(),
    }


def written(content: object) -> str:
    """A file's text. JSON, which Prometheus reads as the YAML that it also is."""
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def main(folder: Path) -> None:
    """Write them all."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(written(content), "utf-8")


if __name__ == "__main__":
    main(Path(*sys.argv[1:2] or ["deploy"]))
