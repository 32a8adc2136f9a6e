"""Looking up a few hedges in a journal of any length, beside the daemon that writes it.

The file is searched by SQLite itself, so that a thread of ours that waits for it keeps nobody from deciding.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

from arbbot.journal.codec import decode
from arbbot.journal.sqlite import JournalRefused, Line

_OF_PLANS = """
    SELECT seq, utc_us, kind, body FROM record
    WHERE hedge_id IN (SELECT value FROM json_each(:plans))
       OR (client_order_id IS NOT NULL AND client_order_id IN (
           SELECT client_order_id FROM record
           WHERE kind = 'order_intended' AND hedge_id IN (SELECT value FROM json_each(:plans))))
       OR (kind IN ('conversion_opened', 'conversion_closed')
           AND body ->> '$.conversion_id' IN (SELECT value FROM json_each(:plans)))
    ORDER BY seq
"""


def lines_of(path: Path, plans: Sequence[str]) -> list[Line]:
    """All lines of hedges or conversions, by their ids, and of their orders, oldest first. Raises JournalRefused."""
    return list(_found(path, plans))


def _found(path: Path, plans: Sequence[str]) -> Iterator[Line]:
    wanted = "[" + ",".join(f'"{plan}"' for plan in plans if _is_plain(plan)) + "]"
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            for seq, utc_us, kind, body in connection.execute(_OF_PLANS, {"plans": wanted}).fetchall():
                yield Line(seq, utc_us, decode(kind, body))
    except (sqlite3.Error, ValueError) as error:
        raise JournalRefused(f"{path}: {error}") from error


def _is_plain(plan: str) -> bool:
    """Ids of ours are words of letters, digits and dashes."""
    return plan.isascii() and plan.replace("-", "").isalnum()
