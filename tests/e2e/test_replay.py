"""A recording decides again what was decided, in any process."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from tests.e2e.make_recording import GOLDEN, make

GOLDEN_BYTES_MAX = 200_000


async def replayed(recording: Path, seed: str) -> dict[str, Any]:
    """What `arbbot replay --json` says of it, in a process of its own with a hash seed of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "arbbot", "replay", str(recording), "--json"),
        env={"PYTHONHASHSEED": seed, "PATH": ""},
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    told: dict[str, Any] = json.loads(out)
    return told


async def test_a_run_replays_to_its_own_hash(tmp_path: Path) -> None:
    """Two processes replay a run just recorded: both hashes are the recorded one, and the report is the same."""
    await make(tmp_path / "state", tmp_path / "recording")
    first, second = await asyncio.gather(replayed(tmp_path / "recording", "1"), replayed(tmp_path / "recording", "2"))
    assert first == second
    assert first["equal"]
    assert first["hash"] == first["recorded_hash"]
    assert first["report"]["hedges"]["completed"] == 2


async def test_the_committed_recording_decides_as_it_did() -> None:
    """What was decided when it was recorded is decided today. A change that is meant to decide otherwise makes the
    recording anew: `python -m tests.e2e.make_recording`.
    """
    assert sum(file.stat().st_size for file in GOLDEN.iterdir()) < GOLDEN_BYTES_MAX
    told = await replayed(GOLDEN, "3")
    assert told["equal"], told
    assert told["report"]["hedges"]["completed"] == 2
    assert {float(line["difference"]) for line in told["report"]["ledger"].values()} == {0}
