"""Which branches of the core a life went through, read off events and records."""

from __future__ import annotations

from collections.abc import Iterator

from arbbot.domain import records as rec
from arbbot.domain.events import Event
from arbbot.domain.signals import AskUnanswered, FeedChanged, FrameDropped
from arbbot.engine.state import State

WORDS = 4
"""So many words of a cause make a branch; the rest are numbers and names."""


def event_word(event: Event) -> str:
    """An event for the trace hash: its whole content, cheaply."""
    return f"{type(event).__name__} {event!r}" if type(event).__name__ != "BookSeen" else _book_word(event)


def _book_word(event: Event) -> str:
    book = getattr(event, "book")  # noqa: B009 - only BookSeen gets here
    return f"BookSeen {book.symbol} {book.microtimestamp} {book.bid} {book.ask}"


def cause_word(cause: str) -> str:
    """The part of a cause that names a branch."""
    words = cause.replace(",", " ").replace(":", " ").split()
    plain = [word for word in words if not any(letter.isdigit() for letter in word)]
    return " ".join(plain[:WORDS])


def branches(record: rec.Record, state: State) -> Iterator[str]:
    """Names of the branches a record proves."""
    match record:
        case rec.OrderMoved():
            purpose = state.orders[record.client_order_id].terms.purpose.value
            yield f"order {purpose} {record.state.value}"
            yield f"moved {record.state.value}: {moved_word(record.cause)}"
        case rec.HedgeOpened():
            yield f"hedge opened {record.direction.value}"
            yield f"sized by {record.bound_by}"
        case rec.HedgeClosed():
            yield f"hedge {record.outcome}"
        case rec.HedgeSettled():
            yield "hedge settled " + ("at a loss" if record.realised_pnl < 0 else "with a gain")
        case rec.ExitPlanned():
            yield f"exit {record.action}" + (" forced" if record.forced else "")
        case rec.Discrepancy():
            yield "ledger differs" + (", halts" if record.halts else "")
        case rec.AnchorSet():
            yield f"anchor {record.cause}"
        case rec.StatementAgreed():
            yield "statement agreed" + (" with rounding" if any(c.rounding for c in record.currencies) else "")
        case rec.FillBooked():
            yield f"fill by {record.source}" + (", late" if record.late else "")
        case rec.RowBooked():
            yield "row external" if record.client_order_id is None else "row own"
        case rec.CancelAnswered():
            yield f"cancel {record.outcome}"
        case rec.CancelIntended():
            yield f"cancel because {cause_word(record.cause)}"
        case rec.ModeChanged():
            yield f"mode {record.mode.value} by {'arbbot' if record.who == 'arbbot' else 'person'}"
        case rec.AlertRaised():
            yield f"alert {record.name}"
        case rec.RefusalsCounted():
            yield from (f"refusal {name}" for name, _ in record.counts)
        case rec.Stopped():
            yield f"stopped {record.code}"
        case FeedChanged():
            yield f"feed {record.state}"
        case FrameDropped():
            yield "frame dropped"
        case AskUnanswered():
            yield f"ask {record.topic} unanswered" + (", rate limited" if record.rate_limited else "")
        case _:
            return


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
