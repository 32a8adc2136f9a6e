"""The bans that keep a run repeatable, each seen to fail by the linter that enforces them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SINS = """\
import asyncio
import os
import random
import secrets
import time
import uuid
from datetime import UTC, date, datetime


async def sinner() -> None:
    asyncio.create_task(asyncio.sleep(0))
    await asyncio.wait_for(asyncio.sleep(0), 1)
    await asyncio.shield(asyncio.sleep(0))
    print(time.time(), time.time_ns(), time.monotonic(), time.monotonic_ns(), datetime.now(UTC))
    print(time.perf_counter(), time.perf_counter_ns(), time.process_time(), time.process_time_ns(), date.today())
    print(time.localtime(), time.gmtime(), datetime.utcnow())
    print(random.randint(1, 2), random.sample("ab", 1), random.getrandbits(1), random.SystemRandom())
    print(random.gauss(0, 1))
    random.shuffle([])
    random.seed(1)
    print(random.choices("ab"), random.randbytes(1), random.randrange(1), random.uniform(0, 1))
    print(random.random(), random.choice("ab"), uuid.uuid4(), secrets.token_hex(), os.urandom(1))
"""
SEEN = (
    "asyncio.wait_for", "asyncio.shield", "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns",
    "time.perf_counter", "time.perf_counter_ns", "time.process_time", "time.process_time_ns", "time.localtime",
    "time.gmtime", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today", "random.random",
    "random.choice", "random.choices", "random.randint", "random.randrange", "random.randbytes", "random.getrandbits",
    "random.sample", "random.shuffle", "random.uniform", "random.gauss", "random.seed", "random.SystemRandom", "uuid",
    "secrets", "os.urandom",
)  # fmt: skip
PATH = ("runtime", "bitstamp", "journal", "engine", "domain", "telemetry", "research")


def verdict(place: str) -> str:
    """What the linter says of the sins if they stood in a file of this package."""
    return subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format", "concise",
         "--stdin-filename", str(ROOT / "arbbot" / place / "sinner.py"), "-"],
        input=SINS, capture_output=True, text=True, check=False, cwd=ROOT,
    ).stdout  # fmt: skip


def test_each_banned_word_is_seen_on_the_path() -> None:
    """Clocks, chance, calls that lose a cancellation and tasks without an owner are named, wherever an order passes."""
    for place in PATH:
        said = verdict(place)
        missed = [name for name in SEEN if f"TID251 `{name}` is banned" not in said]
        assert not missed, (place, said)
        assert "RUF006" in said


def test_every_exception_gives_its_reason() -> None:
    """A line that is let off says why."""
    silent = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "arbbot").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if "noqa" in line and " - " not in line.partition("noqa")[2]
    ]
    assert silent == []
