"""Looking up a few hedges in a journal of any length, beside the daemon that writes it.

SQLite finds them by its indexes, and the thread that reads them lets others go on after each line, so that it keeps
nobody from deciding.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from arbbot.journal.codec import decode
from arbbot.journal.sqlite import BELONGS_TO, JournalRefused, Line, connect_to_read

BREATH_S = 0.00005
"""After each line: without it another thread waits for whole milliseconds of lines."""
OF_PLANS = f"""
    WITH plan (id) AS (SELECT value FROM json_each(:plans))
    SELECT seq, utc_us, kind, body FROM record
    WHERE {BELONGS_TO} IN (
        SELECT id FROM plan
        UNION
        SELECT +client_order_id FROM record WHERE {BELONGS_TO} IN (SELECT id FROM plan) AND kind = 'order_intended')
    ORDER BY seq
"""  # noqa: S608 - a constant of ours


def lines_of(path: Path, plans: Sequence[str]) -> list[Line]:
    """All lines of hedges or conversions, by their ids, and of their orders, oldest first. Raises JournalRefused."""
    wanted = "[" + ",".join(f'"{plan}"' for plan in plans if _is_plain(plan)) + "]"
    found: list[Line] = []
    try:
        with closing(connect_to_read(path)) as connection:
            for seq, utc_us, kind, body in connection.execute(OF_PLANS, {"plans": wanted}).fetchall():
                found.append(Line(seq, utc_us, decode(kind, body)))
                time.sleep(BREATH_S)
    except (sqlite3.Error, ValueError) as error:
        raise JournalRefused(f"{path}: {error}") from error
    return found


def _is_plain(plan: str) -> bool:
    """Ids of ours are words of letters, digits and dashes."""
    return plan.isascii() and plan.replace("-", "").isalnum()
