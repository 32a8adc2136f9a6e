"""Imported once by the process that every daemon is forked from: work that each would otherwise do again.

The codec builds a validator for a record's class when it first meets one, some milliseconds each.
"""

from __future__ import annotations

from contextlib import suppress
from typing import get_args

from arbbot.domain.records import DurableRecord
from arbbot.journal.codec import RecordError, decode

for _record in get_args(DurableRecord):
    with suppress(RecordError):
        decode(_record.kind, "{}")
