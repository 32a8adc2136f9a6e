"""An empty place to read settings in, with nothing of ours in the environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory of the test."""
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ARBBOT_") or name == "CREDENTIALS_DIRECTORY":
            monkeypatch.delenv(name)
    return tmp_path
