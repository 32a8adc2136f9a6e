"""What was rehearsed: the code and the rules that decide, each as one hash."""

from __future__ import annotations

import hashlib
import json
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


def code_fingerprint(root: Path | None = None) -> str:
    """SHA-256 over the names and contents of the package's sources: a version number alone is easily forgotten."""
    root = Path(arbbot.__file__).parent if root is None else root
    digest = hashlib.sha256()
    for path in sorted(path for path in root.rglob("*") if path.suffix in SOURCES and path.is_file()):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(root).as_posix()} {content}\n".encode())
    return digest.hexdigest()


def settings_fingerprint(settings: Settings) -> str:
    """SHA-256 over the sections that decide; the same in every mode, whatever the addresses and keys."""
    ruling = settings.model_dump(mode="json", exclude=set(DECIDES_NOTHING))
    return hashlib.sha256(json.dumps(ruling, sort_keys=True).encode()).hexdigest()
