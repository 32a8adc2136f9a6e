"""Which branches of the core a life went through, read off events and records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arbbot.domain import records as rec
from arbbot.domain.events import BookFetched, BookSeen, Event
from arbbot.domain.lease import LeaseDenied, LeaseEnded, LeaseGranted, SettlementTold, TransitBooked
from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.life import Stopped
from arbbot.domain.ramp import RampDecided, RampSet
from arbbot.domain.signals import AskUnanswered, FeedChanged, FrameDropped
from arbbot.domain.trips import LimitTripped
from arbbot.engine.state import State

WORDS = 4
"""So many words of a cause make a branch; the rest are numbers and names."""
AGAINST = ", but the venue knows it"


def event_word(event: Event) -> str:
    """An event for the trace: its whole content, but of a book its stamp and touch."""
    book = event.book if isinstance(event, BookSeen | BookFetched) else None
    if book is None:
        return repr(event)
    return f"{type(event).__name__} {book.symbol} {book.microtimestamp} {book.bid} {book.ask}"


def cause_word(cause: str) -> str:
    """The part of a cause that names a branch."""
    words = cause.replace(",", " ").replace(":", " ").split()
    plain = [word for word in words if not any(letter.isdigit() for letter in word)]
    return " ".join(plain[:WORDS])


def branches(record: rec.Record, state: State) -> tuple[str, ...]:
    """Names of the branches a record proves."""
    if isinstance(record, rec.OrderMoved):
        purpose = state.orders[record.client_order_id].terms.purpose.value
        return (f"order {purpose} {record.state.value}", f"moved {record.state.value}: {moved_word(record.cause)}")
    if isinstance(record, rec.RefusalsCounted):
        return tuple(f"refusal {name}" for name, _ in record.counts)
    if isinstance(record, rec.RowBooked) and _shares_its_id(record, state):
        return (_row(record), "row of a self-trade")
    if isinstance(record, rec.AlertRaised) and record.name == "order_contradiction" and AGAINST in record.text:
        return (f"alert {record.name}", f"alive, {record.text.partition(': ')[2].partition(AGAINST)[0]}")
    words = WORDS_OF.get(type(record))
    return () if words is None else (words(record),)


def _row(record: rec.RowBooked) -> str:
    if any(entry.account is LedgerAccount.TREASURY for entry in record.entries):
        return "row of a settlement"
    return "row external" if record.client_order_id is None else "row own"


def _shares_its_id(record: rec.RowBooked, state: State) -> bool:
    """Whether the other row of this trade is booked as well."""
    row = record.row
    return any(row_id == row.transaction_id and order_id != row.order_id for row_id, order_id in state.rows)


def _rounded(record: rec.StatementAgreed) -> str:
    return "statement agreed" + (" with rounding" if any(each.rounding for each in record.currencies) else "")


WORDS_OF: dict[type, Callable[[Any], str]] = {
    rec.HedgeOpened: lambda record: f"hedge opened {record.direction.value}, by {record.bound_by}",
    rec.HedgeClosed: lambda record: f"hedge {record.outcome}",
    rec.HedgeSettled: lambda record: "hedge settled " + ("at a loss" if record.realised_pnl < 0 else "with a gain"),
    rec.ConversionOpened: lambda record: f"conversion {record.side.value}, by {record.bound_by}",
    rec.ConversionClosed: lambda record: f"conversion {record.outcome}",
    rec.ExitPlanned: lambda record: f"exit {record.action}" + (" forced" if record.forced else ""),
    rec.Discrepancy: lambda record: "ledger differs" + (", halts" if record.halts else ""),
    rec.AnchorSet: lambda record: f"anchor {record.cause}",
    rec.StatementAgreed: _rounded,
    rec.FillBooked: lambda record: f"fill by {record.source}" + (", late" if record.late else ""),
    rec.RowBooked: _row,
    rec.CancelAnswered: lambda record: f"cancel {record.outcome}",
    rec.CancelIntended: lambda record: f"cancel because {cause_word(record.cause)}",
    rec.ModeChanged: lambda record: f"mode {record.mode.value} by {'arbbot' if record.who == 'arbbot' else 'person'}",
    RampDecided: lambda record: f"ramp {record.verdict}",
    RampSet: lambda record: "ramp set",
    LimitTripped: lambda record: f"limit {record.name}",
    LeaseGranted: lambda record: "lease granted",
    LeaseDenied: lambda record: f"lease denied: {record.asked}",
    LeaseEnded: lambda record: "lease " + ("released" if record.cause.startswith("released") else "over"),
    SettlementTold: lambda record: f"settlement told {record.outcome}",
    TransitBooked: lambda record: "transit " + ("out" if record.out else "back"),
    rec.AlertRaised: lambda record: f"alert {record.name}",
    Stopped: lambda record: f"stopped {record.code}",
    FeedChanged: lambda record: f"feed {record.state}",
    FrameDropped: lambda record: "frame dropped",
    AskUnanswered: lambda record: f"ask {record.topic} unanswered" + (", limited" if record.rate_limited else ""),
}


def moved_word(cause: str) -> str:
    """The cause of an order's move as a branch: causes by the venue's words are one branch each kind."""
    for start in (
        "acknowledged", "found by order_status", "found among open orders", "found by its transaction row", "seen in",
        "named by an error reply", "filled in full", "filled", "order_status says", "deleted, by", "declared absent",
        "no answer before", "HTTP", "unsigned", "not_sent", "local_rate_limit",
    ):  # fmt: skip
        if cause.startswith(start):
            return start
    if "whole readings" in cause:
        return "whole readings show nothing"
    if cause[:3].isdigit():
        return "refused by code"
    return cause_word(cause)
