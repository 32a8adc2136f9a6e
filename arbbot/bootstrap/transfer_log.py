"""Transfers between main account and sub-account, written down before they are sent: one JSON line each time.

A transfer whose end is not written is in doubt, and no other is sent until the account's rows have told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import IO, Any

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.funding import Transfer
from arbbot.domain.order import Transaction
from arbbot.lock import LockHeldError, take_lock
from arbbot.telemetry.utc import utc_text

NAME = "transfers.jsonl"
ROW_TYPE = 14
"""Of a sub-account transfer, as the venue numbers its rows."""
IN_DOUBT = "in_doubt"


@dataclass(frozen=True, slots=True)
class Written:
    """One transfer as the log has it. `outcome` None: nobody has written what came of it."""

    name: str
    utc_us: int
    asked: Transfer
    comes_in: bool
    """It adds to this account, whose rows are looked at."""
    cursor: int
    """The account's newest row before it."""
    who: str
    reason: str
    outcome: str | None = None
    words: str = ""

    def is_row(self, row: Transaction) -> bool:
        """Whether a row can be this transfer: newer, of its type, and of its amount in the decimals it shows."""
        shown = dict(row.amounts).get(self.asked.currency)
        if row.kind != ROW_TYPE or row.transaction_id <= self.cursor or shown is None:
            return False
        exponent = shown.as_tuple().exponent
        step = Decimal(1).scaleb(exponent) if isinstance(exponent, int) else Decimal(0)
        return abs(shown - (self.asked.size if self.comes_in else -self.asked.size)) < step

    def answer(self) -> dict[str, Any]:
        """For people and programs."""
        return {
            "transfer": self.name,
            "utc": utc_text(self.utc_us),
            "currency": self.asked.currency,
            "size": self.asked.size,
            "to": "main" if self.asked.to_main else self.asked.sub_account,
            "from": (self.asked.sub_account or "this account") if self.asked.to_main else "main",
            "who": self.who,
            "reason": self.reason,
            "outcome": self.outcome or IN_DOUBT,
            "words": self.words,
        }


class TransferLog:
    """The file, held alone."""

    def __init__(self, file: IO[str], path: Path) -> None:
        self._file = file
        self.transfers: dict[str, Written] = {}
        file.seek(0)
        whole, newline, torn = file.read().rpartition("\n")
        if torn:
            # Cut while it was written, so not durable, so nothing was sent on its word.
            file.truncate(len((whole + newline).encode()))
        for number, line in enumerate(whole.split("\n"), 1):
            try:
                if line:
                    self._take(json.loads(line))
            except (ValueError, LookupError, TypeError, ArithmeticError) as error:
                raise Failure(ExitCode.JOURNAL, f"{path}: line {number} cannot be read: {error}") from error

    def in_doubt(self) -> Written | None:
        """The transfer that nobody knows the end of; there is at most one."""
        return next((each for each in self.transfers.values() if each.outcome is None), None)

    def intend(self, asked: Transfer, comes_in: bool, cursor: int, who: str, reason: str, utc_us: int) -> Written:
        """Write a transfer down, durably, before it is sent. Raises OSError."""
        name = f"t-{len(self.transfers) + 1}"
        written = Written(name, utc_us, asked, comes_in, cursor, who, reason)
        self._append(
            {
                "event": "asked", "name": name, "utc_us": utc_us, "currency": asked.currency, "size": f"{asked.size:f}",
                "to_main": asked.to_main, "sub_account": asked.sub_account, "comes_in": comes_in, "cursor": cursor,
                "who": who, "reason": reason,
            }
        )  # fmt: skip
        return written

    def end(self, name: str, outcome: str, words: str, utc_us: int) -> Written:
        """Write down what came of one: done, refused, found (a row tells that it was done) or absent."""
        self._append({"event": "ended", "name": name, "outcome": outcome, "words": words, "utc_us": utc_us})
        return self.transfers[name]

    def note(self, words: str, who: str, utc_us: int) -> None:
        """Write down what was refused here, so that nothing was sent."""
        self._append({"event": "refused", "words": words, "who": who, "utc_us": utc_us})

    def _append(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._take(line)

    def _take(self, line: dict[str, Any]) -> None:
        match line["event"]:
            case "asked":
                asked = Transfer(line["currency"], Decimal(line["size"]), line["to_main"], line["sub_account"])
                self.transfers[line["name"]] = Written(
                    line["name"], line["utc_us"], asked, line["comes_in"], line["cursor"], line["who"], line["reason"]
                )
            case "ended":
                held = self.transfers[line["name"]]
                self.transfers[held.name] = Written(
                    held.name, held.utc_us, held.asked, held.comes_in, held.cursor, held.who, held.reason,
                    line["outcome"], line["words"],
                )  # fmt: skip


@contextmanager
def transfer_log(directory: Path) -> Iterator[TransferLog]:
    """Open the log of a mode for one process alone. Raises Failure (JOURNAL)."""
    path = directory / NAME
    try:
        directory.mkdir(parents=True, exist_ok=True)
        lock = take_lock(path)
    except LockHeldError as error:
        raise Failure(ExitCode.JOURNAL, f"{path}: {error}; another transfer is under way") from error
    except OSError as error:
        raise Failure(ExitCode.JOURNAL, f"{path}: {error.strerror}") from error
    with lock:
        try:
            file = path.open("a+", encoding="utf-8")
        except OSError as error:
            raise Failure(ExitCode.JOURNAL, f"{path}: {error.strerror}") from error
        with file:
            path.chmod(0o600)
            yield TransferLog(file, path)
