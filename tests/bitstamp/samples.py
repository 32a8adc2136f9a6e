"""The golden payloads: what the venue (or its documentation) was seen to send, each with its source."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

SAMPLES = Path(__file__).parents[1] / "golden" / "bitstamp_samples.jsonl"


@dataclass(frozen=True)
class Sample:
    """One payload; `number` is its line."""

    number: int
    kind: str
    payload: Any

    @property
    def raw(self) -> bytes:
        return orjson.dumps(self.payload)


@cache
def samples() -> tuple[Sample, ...]:
    """All of them, in file order."""
    lines = SAMPLES.read_bytes().splitlines()
    rows = [orjson.loads(line) for line in lines]
    return tuple(Sample(number, row["kind"], row["payload"]) for number, row in enumerate(rows, 1))


def of_kind(*starts: str) -> list[Sample]:
    """Samples whose kind begins with one of these."""
    return [sample for sample in samples() if sample.kind.startswith(starts)]
