"""Makes `tests/golden/recording` anew, after a change to what is recorded or decided:
`python -m tests.e2e.make_recording`.

Two hedges, one each way, with their conversions, on books of a few levels: some seconds, every kind of line, a few
kilobytes.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from tests.e2e.stage import CALM, DEAR_EUR, EUR, RICH_EUR, Sections, Stage, staged

GOLDEN = Path(__file__).parents[1] / "golden" / "recording"
SOON: Sections = {"hedge": {"cooldown_s": 2, "wait_s": 5, "force_s": 8}, "fx": {"band": 1000}}
"""Time enough between two hedges to take the edge away; what each leaves in euros is brought back at once."""


async def two_hedges(stage: Stage, record: Path | None = None) -> None:
    """One hedge each way, each followed by the conversion of what it left, and a clean stop."""
    await stage.start(record=record)
    await stage.armed()
    for number, touches in enumerate((RICH_EUR, DEAR_EUR), 1):
        await stage.show(EUR, touches)
        await stage.closed(number)
        await stage.show(EUR, CALM[EUR])
        await stage.converted(number)
    assert await stage.stop() == 0


async def make(directory: Path, record: Path) -> None:
    """Record in `directory`, to `record`."""
    async with staged(directory, over=SOON) as stage:
        await two_hedges(stage, record)
        await stage.verdict()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        asyncio.run(make(Path(scratch) / "state", Path(scratch) / "recording"))
        shutil.rmtree(GOLDEN, ignore_errors=True)
        shutil.copytree(Path(scratch) / "recording", GOLDEN)
