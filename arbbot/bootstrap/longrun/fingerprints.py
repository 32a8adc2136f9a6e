"""What was rehearsed: the code with what it runs on, and the rules that decide, each as one hash."""

from __future__ import annotations

import hashlib
import json
import re
import sys
from importlib import metadata
from pathlib import Path

import arbbot
from arbbot.settings import Settings

DECIDES_NOTHING = frozenset(
    {
        "mode",
        "state_dir",
        "paper",
        "sandbox",
        "live",
        "keys",
        "journal",
        "recording",
        "radar",
        "dashboard",
        "telemetry",
        "alerts",
    }
)
"""Where it runs, what it writes and whom it tells. Every other section counts, those of tomorrow too."""
SOURCES = (".py", ".sql", ".toml")
REQUIRED = (
    "aiohappyeyeballs", "aiohttp", "datadog", "h11", "jinja2", "orjson", "prometheus-client", "pydantic-settings",
    "rich", "structlog", "trustme", "typer", "websockets", "zstandard", "hvac", "uvloop",
)  # fmt: skip
"""What pyproject.toml asks for, with the extras that the daemon uses where they are installed. A container and a
service run from the sources, without metadata of our own.
"""
_REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9._-]+)(?!.*extra\s*==)")


def runtime_versions() -> dict[str, str]:
    """Installed versions of Python and of every package that the daemon requires, directly or through another. A
    package that this platform leaves out is left out.
    """
    found: dict[str, str] = {}
    waiting = list(REQUIRED)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
        waiting += _required(name)
    return {"python": ".".join(map(str, sys.version_info)), **dict(sorted(found.items()))}


def _required(package: str) -> list[str]:
    """Names of what an installed package requires without extras, one spelling each."""
    wanted = (_REQUIREMENT.match(line) for line in metadata.requires(package) or ())
    return [re.sub(r"[-_.]+", "-", each["name"]).lower() for each in wanted if each is not None]


def code_fingerprint(root: Path | None = None) -> str:
    """SHA-256 over the names and contents of the package's sources, and the versions of what they run on: a version
    number alone is easily forgotten.
    """
    root = Path(arbbot.__file__).parent if root is None else root
    digest = hashlib.sha256(json.dumps(runtime_versions()).encode())
    for path in sorted(path for path in root.rglob("*") if path.suffix in SOURCES and path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def settings_fingerprint(settings: Settings) -> str:
    """SHA-256 over the sections that decide; the same in every mode, whatever the addresses and keys."""
    ruling = settings.model_dump(mode="json", exclude=set(DECIDES_NOTHING))
    return hashlib.sha256(json.dumps(ruling, sort_keys=True).encode()).hexdigest()
