"""The direction of imports, checked by the linter, and the linter checked by breaking every rule of it once."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    "runtime", "bitstamp", "dashboard", "journal", "telemetry", "exchange", "research", "treasury", "engine", "domain"
)  # fmt: skip
MODULES = ("__main__", "cli", "bootstrap", "settings", "ports")
FORBIDDEN = (
    ("domain", "engine"),
    ("domain", "ports"),
    ("engine", "ports"),
    ("engine", "journal"),
    ("ports", "engine"),
    ("bitstamp", "engine"),
    ("bitstamp", "journal"),
    ("journal", "engine"),
    ("treasury", "engine"),
    ("treasury", "bitstamp"),
    ("telemetry", "engine"),
    ("telemetry", "runtime"),
    ("runtime", "bitstamp"),
    ("research", "runtime"),
    ("exchange", "bitstamp"),
    ("exchange", "engine"),
    ("dashboard", "engine"),
    ("dashboard", "runtime"),
    ("exchange", "ports"),
    ("journal", "settings"),
    ("runtime", "bootstrap"),
    ("bootstrap", "cli"),
)
OWN = (
    "asyncio", "concurrent.futures", "os", "random", "secrets", "signal", "socket", "subprocess", "threading", "time",
    "uuid",
)  # fmt: skip
"""What neither the engine nor the domain may have of its own: clocks, chance, tasks, files and sockets."""


def lint_imports(place: Path) -> subprocess.CompletedProcess[str]:
    """Run the import linter on the package in `place`, by the contracts of this project."""
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--config", "pyproject.toml", "--no-cache"],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(place), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """A throw-away package of the same shape as ours, empty, under the same contracts."""
    package = tmp_path / "arbbot"
    for name in PACKAGES:
        (package / name).mkdir(parents=True)
        (package / name / "__init__.py").touch()
    for name in ("__init__", *MODULES):
        (package / f"{name}.py").touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_an_innocent_package_is_kept(skeleton: Path) -> None:
    """Imports along the allowed direction break no contract."""
    (skeleton / "arbbot/bitstamp/wire.py").write_text("import arbbot.ports\nimport arbbot.domain\n")
    (skeleton / "arbbot/bootstrap.py").write_text("import arbbot.bitstamp.wire\nimport arbbot.exchange\n")
    verdict = lint_imports(skeleton)
    assert verdict.returncode == 0, verdict.stdout
    assert "0 broken" in verdict.stdout


def test_every_forbidden_import_is_seen_to_fail(skeleton: Path) -> None:
    """Each import against the direction is named by the linter, which then exits non-zero."""
    for number, (importer, imported) in enumerate(FORBIDDEN):
        package = skeleton / "arbbot" / importer
        target = package / f"sin{number}.py" if package.is_dir() else package.with_suffix(".py")
        with target.open("a") as file:
            file.write(f"import arbbot.{imported}\n")
    for importer in ("engine", "domain"):
        (skeleton / "arbbot" / importer / "own.py").write_text("".join(f"import {each}\n" for each in OWN))
    verdict = lint_imports(skeleton)
    assert verdict.returncode != 0
    sins = [(importer, f"arbbot.{imported}") for importer, imported in FORBIDDEN]
    sins += [(importer, each.partition(".")[0]) for importer in ("engine", "domain") for each in OWN]
    unseen = [sin for sin in sins if f"arbbot.{sin[0]} is not allowed to import {sin[1]}" not in verdict.stdout]
    assert not unseen, verdict.stdout
