"""What breaks while the daemon runs: a fault ends it in one line, a failed recording costs nothing but itself."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e.child import Harm
from tests.e2e.playbill import PLAYTIME_S, Played
from tests.e2e.stage import CALM, EUR, FAST, QUICK, staged

LINE = re.compile(
    r"arbbot: a fault of the program, its traceback is in the log: ZeroDivisionError: divided by nothing; "
    r"nothing more was sent but cancels; exposure \[-[\d.]+, [\d.]+\] btc; "
    r"not known to be over: \S+ \(intent: buy [\d.]+ btcusd\), \S+ \(intent: sell [\d.]+ btceur\)"
)


async def mistake(directory: Path) -> str:
    """The program breaks between the legs' commit and their sending: one line with ids and amounts, the traceback in
    the log alone and without values, exit code FAULT; the next process recovers.
    """
    async with staged(directory, FAST) as stage:
        await stage.start(Harm(error_at="order_intended"))
        await stage.armed()
        await stage.rich()
        assert await stage.gone() == 1
        heard = (directory / "stderr.txt").read_text().splitlines()
        assert LINE.fullmatch(heard[-1]), heard
        assert not any("Traceback" in line for line in heard)
        (logged,) = [line for line in (directory / "stdout.jsonl").read_text().splitlines() if "Traceback" in line]
        told = json.loads(logged)
        assert (told["kind"], told["status"]) == ("fault", "critical")
        assert "ZeroDivisionError" in told["exception"]
        assert not await stage.orders()
        await stage.show(EUR, CALM[EUR])
        await stage.start()
        await stage.quiet(1)
        assert await stage.stop() == 0
        await stage.verdict()
        return stage.ended()


async def no_recording(directory: Path) -> str:
    """The recording's first file cannot be made: trading goes on; status, log and summary say why it is none."""
    async with staged(directory, QUICK) as stage:
        recording = directory / "recording"
        recording.mkdir(parents=True)
        (recording / "000001.jsonl.zst").write_text("")
        await stage.start(record=recording)
        await stage.armed()
        await stage.rich()
        await stage.quiet(1)
        told = (await stage.tell("status"))["recording"]
        assert (told["directory"], told["dropped"]) == (str(recording), 0)
        assert told["failed"].startswith("FileExistsError")
        assert await stage.stop() == 0
        assert (directory / "stdout.jsonl").read_text().count("the recording ended") == 1
        heard = (directory / "stderr.txt").read_text().splitlines()
        assert [line.startswith("WARNING     the recording ended: FileExistsError") for line in heard].count(True) == 1
        await stage.verdict()
        return stage.ended()


SCENES = {
    "a mistake in the program before the legs are sent": mistake,
    "a recording that cannot be written": no_recording,
}


@pytest.mark.timeout(PLAYTIME_S)
@pytest.mark.parametrize("scene", SCENES)
def test_what_breaks_is_told(played: Played, scene: str) -> None:
    """It ends as it should, by exit code, terminal, log, journal and the venue's truth."""
    played.outcome(scene)
