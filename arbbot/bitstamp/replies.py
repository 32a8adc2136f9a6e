"""Command and answers to the one event that answers it. Pure, and total: no bytes make it raise.

A recording holds the same answers, so a replay calls `interpret` with them and sees the same events.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from arbbot.bitstamp import codec_account, codec_market, codec_order, outcome
from arbbot.bitstamp.causes import unreadable
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError, error_in, is_rate_limited, parsed_body
from arbbot.bitstamp.requests import PAGE_ROWS, Names, Request, order_events_page, transactions_page
from arbbot.bitstamp.wire import JsonValue, Malformed
from arbbot.domain.commands import Ask, CancelOrder, PlaceOrder, Topic
from arbbot.domain.events import (
    AskFailed,
    BalancesFetched,
    BookFetched,
    ConversionRateFetched,
    Event,
    FeesFetched,
    MarketsFetched,
    Moment,
    OpenOrdersFetched,
    OrderEventsFetched,
    OrderReported,
    TickerFetched,
    TransactionsFetched,
    VenueClockSeen,
)
from arbbot.domain.order import OrderEvent, RowKey, Transaction

PUBLIC_TOPICS = frozenset({Topic.MARKETS, Topic.BOOK, Topic.TICKER, Topic.CONVERSION_RATE})
"""Questions that need no key; their replies are not signed."""

LONGEST_TRIP_US = 2_000_000
"""From sending to reading, by either of our clocks: what a reading of the venue's clock may be wrong by."""
HALF_SECOND_MS = 500
"""`Date` drops the fraction of its second: half of it is the best guess."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How replies are to be read."""

    markets: Collection[str] = ()
    """Symbols that `markets/` is cut to; empty for all."""
    require_signed_errors: bool = False
    """Treat unsigned error replies to private calls as no answer. Whether the venue signs them is not documented."""


class _Denied(Exception):
    """The venue answered a question with an explicit error, or with nothing that can be believed."""

    def __init__(
        self, reason: str, *, rate_limited: bool = False, auth_lost: bool = False, auth_claimed: bool = False
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.rate_limited = rate_limited
        self.auth_lost = auth_lost
        self.auth_claimed = auth_claimed


def interpret(command: PlaceOrder | CancelOrder | Ask, answers: Sequence[Answer], reading: Reading) -> Event:
    """The event. `answers` are all pages of a paged question, else exactly one."""
    if isinstance(command, PlaceOrder):
        return outcome.placement(command.terms, answers[0], reading.require_signed_errors)
    if isinstance(command, CancelOrder):
        return outcome.cancellation(command, answers[0], reading.require_signed_errors)
    try:
        return _answered(command, answers, reading)
    except _Denied as denied:
        return AskFailed(command.ask_id, denied.reason, denied.rate_limited, denied.auth_lost, denied.auth_claimed)
    except Malformed as fault:
        return AskFailed(command.ask_id, str(fault))


def follow_up(command: PlaceOrder | CancelOrder | Ask, answer: Answer, names: Names) -> Request | None:
    """The next page's request after a full page; None when this answer was the last (or cannot be read)."""
    if not isinstance(command, Ask) or not isinstance(answer, Reply) or not _is_full_page(command, answer):
        return None
    try:
        parsed = parsed_body(answer)
        if command.topic is Topic.TRANSACTIONS:
            return transactions_page(max(row.transaction_id for row in codec_account.transactions(parsed)))
        return order_events_page(command, names, codec_order.last_event_id(parsed))
    except Malformed:
        return None


def clock_seen(reply: Reply, sent: Moment, received: Moment) -> VenueClockSeen | None:
    """Venue clock minus ours by the `Date` header; None where there was none, or where it may be long past: a reply
    that waited (the loop stood still, the machine slept) tells the time of its writing, not of its reading.
    """
    trips_us = ((received.mono_ns - sent.mono_ns) // 1000, received.utc_us - sent.utc_us)
    if reply.date_utc_ms is None or not all(0 <= trip_us <= LONGEST_TRIP_US for trip_us in trips_us):
        return None
    return VenueClockSeen(reply.date_utc_ms + HALF_SECOND_MS - received.utc_us // 1000)


def _is_full_page(ask: Ask, answer: Answer) -> bool:
    """Whether a question is paged and this reply has as many rows as a page can have."""
    paged = ask.topic is Topic.ORDER_EVENTS or (ask.topic is Topic.TRANSACTIONS and ask.since_id is not None)
    if not paged or not isinstance(answer, Reply):
        return False
    try:
        parsed = parsed_body(answer)
    except Malformed:
        return False
    return isinstance(parsed, list) and len(parsed) >= PAGE_ROWS


def believed(answer: Answer, *, private: bool, require_signed_errors: bool = False) -> JsonValue | VenueError:
    """The parsed good reply, or the venue's explicit error. Raises Malformed for anything that proves nothing."""
    if isinstance(answer, NoReply):
        raise Malformed(answer.reason)
    if answer.seal is Seal.WRONG:
        raise Malformed("wrong signature")
    try:
        parsed = parsed_body(answer)
    except Malformed as fault:
        raise Malformed(unreadable(answer.status, fault)) from fault
    error = error_in(answer, parsed)
    if error is not None:
        if private and require_signed_errors and answer.seal is not Seal.VALID:
            raise Malformed(f"unsigned error: {error}")
        return error
    if not 200 <= answer.status < 300:
        raise Malformed(f"HTTP {answer.status}")
    if private and answer.seal is not Seal.VALID:
        raise Malformed("success without a signature")
    return parsed


def claimed_refusal(answer: Answer) -> VenueError | None:
    """The refusal of our key that a reply claims, whoever signed it; None where it claims nothing of the kind."""
    if isinstance(answer, NoReply) or not 400 <= answer.status < 500:
        return None
    try:
        error = error_in(answer, parsed_body(answer))
    except Malformed:
        return None
    return error if error is not None and error.is_auth else None


def _good(ask: Ask, answer: Answer, reading: Reading) -> JsonValue | VenueError:
    """A parsed good reply, or an order-not-found to a question for an order's status. Raises _Denied."""
    private = ask.topic not in PUBLIC_TOPICS
    limited = answer.rate_limited if isinstance(answer, NoReply) else is_rate_limited(answer)
    try:
        word = believed(answer, private=private, require_signed_errors=reading.require_signed_errors)
    except Malformed as fault:
        claim = claimed_refusal(answer) if private else None
        reason = str(fault) if claim is None else f"{claim} ({fault}: the secret may not be this key's)"
        raise _Denied(reason, rate_limited=limited, auth_claimed=claim is not None) from fault
    if not isinstance(word, VenueError):
        return word
    certain = isinstance(answer, Reply) and answer.status < 500
    if ask.topic is Topic.ORDER_STATUS and word.is_order_not_found and certain:
        return word
    raise _Denied(str(word), rate_limited=limited, auth_lost=private and word.is_auth)


def _answered(ask: Ask, answers: Sequence[Answer], reading: Reading) -> Event:
    """The good event of a question. Raises _Denied or Malformed."""
    words = [_good(ask, answer, reading) for answer in answers]
    if _is_full_page(ask, answers[-1]):
        raise _Denied(f"more than {len(answers)} pages")
    word = words[0]
    if isinstance(word, VenueError):
        return OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, None)
    match ask.topic:
        case Topic.ORDER_EVENTS:
            return _order_events(ask, words)
        case Topic.TRANSACTIONS:
            return TransactionsFetched(ask.ask_id, ask.since_id, _joined_rows(words))
        case Topic.MARKETS:
            return MarketsFetched(ask.ask_id, *codec_market.markets(word, reading.markets))
        case topic:
            return _READERS[topic](ask, word)


def _ticked(ask: Ask, word: JsonValue) -> TickerFetched:
    seen = codec_market.ticker(word, ask.market or "")
    return TickerFetched(ask.ask_id, seen.market, seen.bid, seen.ask, seen.last)


def _converted(ask: Ask, word: JsonValue) -> ConversionRateFetched:
    rate = codec_market.eur_usd(word)
    return ConversionRateFetched(ask.ask_id, ask.market or "", rate.buy, rate.sell)


def _reported(ask: Ask, word: JsonValue) -> OrderReported:
    report = codec_order.order_report(word)
    if ask.venue_order_id not in (None, report.venue_order_id):
        raise Malformed("status of another order")
    if ask.venue_order_id is None and report.client_order_id not in (None, ask.client_order_id):
        raise Malformed("status of another client order id")
    return OrderReported(ask.ask_id, ask.client_order_id, ask.venue_order_id, report)


def _joined_rows(pages: Sequence[JsonValue]) -> tuple[Transaction, ...]:
    """Rows of all pages by ascending id, each once: `since_id` is inclusive, so pages overlap, and a row may repeat.
    The two rows of a self-trade share an id; pages may part them, and the next page begins with both.
    """
    rows: dict[RowKey, Transaction] = {}
    for page in pages:
        for row in codec_account.transactions(page):
            known = rows.setdefault(row.key, row)
            if known != row:
                raise Malformed(f"two different rows of order {row.order_id} under transaction id {row.transaction_id}")
    return tuple(sorted(rows.values(), key=lambda row: row.transaction_id))


def _order_events(ask: Ask, pages: Sequence[JsonValue]) -> OrderEventsFetched:
    """Events of all pages as sent; the row where two pages meet comes once."""
    market, events = ask.market or "", dict[OrderEvent, None]()
    for page in pages:
        events.update(dict.fromkeys(codec_order.order_events(page, market)))
    last = codec_order.last_event_id(pages[-1]) if pages[-1] else ask.since_event
    return OrderEventsFetched(ask.ask_id, market, tuple(events), last)


_READERS: dict[Topic, Callable[[Ask, JsonValue], Event]] = {
    Topic.ORDER_STATUS: _reported,
    Topic.OPEN_ORDERS: lambda ask, word: OpenOrdersFetched(ask.ask_id, codec_order.open_orders(word)),
    Topic.BALANCES: lambda ask, word: BalancesFetched(ask.ask_id, codec_account.balances(word)),
    Topic.FEES: lambda ask, word: FeesFetched(ask.ask_id, codec_account.fees(word)),
    Topic.BOOK: lambda ask, word: BookFetched(ask.ask_id, codec_market.book(word, ask.market or "")),
    Topic.TICKER: _ticked,
    Topic.CONVERSION_RATE: _converted,
}
