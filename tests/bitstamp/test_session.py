"""The WebSocket protocol without a network."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp.codec_account import StreamToken
from arbbot.bitstamp.diff_book import KEYS_KEPT
from arbbot.bitstamp.session import ANNOUNCEMENTS, Channels, Session, Signal
from arbbot.domain.book import Book
from arbbot.domain.events import BookSeen, Event, FillSeen, FrameBad, MarketHalted, Moment, OrderEventSeen
from arbbot.domain.market import Side
from tests.bitstamp.samples import Sample, of_kind, samples

NOW = Moment(1, 1_790_000_000_000_000)
STAMP = 1_789_457_617_906_487
TOKEN = StreamToken("siPaT4m6VGQCdsDCVbLBemiphHQs552e", 4416057, 60)
Word = Event | Signal | None


def ack(channel: str) -> bytes:
    """The venue's acknowledgement."""
    return orjson.dumps({"event": "bts:subscription_succeeded", "channel": channel, "data": {}})


def book_frame(stamp: int, bid: str = "100.00", ask: str = "100.50", market: str = "btcusd") -> bytes:
    """A one-level snapshot frame."""
    payload = {"timestamp": "1", "microtimestamp": str(stamp), "bids": [[bid, "1"]], "asks": [[ask, "2"]]}
    return orjson.dumps({"data": payload, "channel": f"order_book_{market}", "event": "data"})


def diff_frame(stamp: int, bids: list[list[str]], asks: list[list[str]]) -> bytes:
    """A diff frame."""
    payload = {"timestamp": "1", "microtimestamp": str(stamp), "bids": bids, "asks": asks}
    return orjson.dumps({"data": payload, "channel": "diff_order_book_btcusd", "event": "data"})


def ready_session(*books: str, private: tuple[str, ...] = (), diffs: bool = False) -> Session:
    """A session whose every channel is acknowledged."""
    session = Session(3, Channels(books or ("btcusd",), private, diffs), TOKEN if private else None)
    signals = [session.receive(ack(orjson.loads(frame)["data"]["channel"]), NOW) for frame in session.needed_frames()]
    assert signals == [None] * (len(signals) - 1) + [Signal.READY]
    return session


def seen(word: Word) -> BookSeen:
    """A word that must be a book."""
    assert isinstance(word, BookSeen)
    return word


def test_subscriptions_are_one_channel_a_frame_and_small() -> None:
    """Each needed channel has its frame, private ones with the token, all under the venue's 512 bytes."""
    session = Session(1, Channels(("btcusd", "eurusd"), ("btcusd",)), TOKEN)
    frames = [orjson.loads(frame) for frame in session.needed_frames()]
    assert [frame["data"]["channel"] for frame in frames] == [
        "order_book_btcusd",
        "order_book_eurusd",
        "private-my_orders_btcusd-4416057",
        "private-my_trades_btcusd-4416057",
    ]
    assert [frame["data"].get("auth") for frame in frames] == [None, None, TOKEN.token, TOKEN.token]
    assert all(len(frame) < 512 for frame in session.needed_frames())
    assert [orjson.loads(frame)["data"]["channel"] for frame in session.optional_frames()] == [ANNOUNCEMENTS]
    with pytest.raises(ValueError, match="too long"):
        Session(1, Channels(("m" * 500,))).needed_frames()
    with pytest.raises(ValueError, match="token"):
        Session(1, Channels(("btcusd",), ("btcusd",)))


def test_ready_only_when_everything_is_acknowledged() -> None:
    """One missing acknowledgement keeps a connection from counting; foreign and repeated ones change nothing."""
    session = Session(1, Channels(("btcusd", "btceur")))
    assert session.receive(ack("order_book_btcusd"), NOW) is None
    assert session.receive(ack("order_book_btcusd"), NOW) is None
    assert session.receive(ack("order_book_ethusd"), NOW) is None
    assert not session.ready
    assert session.receive(ack("order_book_btceur"), NOW) is Signal.READY
    assert session.ready


def test_books_before_ready_are_held_and_released_newest_once() -> None:
    """Books that come between acknowledgements are kept, the latest of each market, and handed out once."""
    session = Session(1, Channels(("btcusd", "btceur")))
    session.receive(ack("order_book_btcusd"), NOW)
    assert session.receive(book_frame(STAMP), NOW) is None
    assert session.receive(book_frame(STAMP + 1), NOW) is None
    session.receive(ack("order_book_btceur"), NOW)
    assert [held.book.microtimestamp for held in session.release()] == [STAMP + 1]
    assert session.release() == []


def test_a_snapshot_frame_is_the_book() -> None:
    """A frame becomes a book of its channel's market under the connection's epoch, touch converted."""
    event = seen(ready_session().receive(book_frame(STAMP), NOW))
    assert event.epoch == 3
    assert event.book.symbol == "btcusd"
    assert event.book.microtimestamp == STAMP
    assert (event.book.bid, event.book.ask) == (Decimal("100.00"), Decimal("100.50"))


@given(st.lists(st.integers(-5, 5), max_size=40))
def test_only_newer_books_pass(steps: list[int]) -> None:
    """Repeated, older and reordered frames are dropped and counted: stamps that pass only grow."""
    session = ready_session()
    stamp, passed, offered = STAMP, [], 0
    for step in steps:
        stamp += step
        offered += 1
        word = session.receive(book_frame(stamp), NOW)
        if word is not None:
            passed.append(seen(word).book.microtimestamp)
    assert passed == sorted(set(passed))
    assert session.duplicates == offered - len(passed)


def test_a_stamp_from_the_far_future_cannot_freeze_a_book() -> None:
    """A garbled stamp is refused instead of making every true frame after it look old."""
    session = ready_session()
    bad = session.receive(book_frame(9 * 10**18), NOW)
    assert isinstance(bad, FrameBad)
    assert bad.outdates == "btcusd", "what is held is known to be old"
    seen(session.receive(book_frame(STAMP), NOW))


def test_channels_do_not_mix() -> None:
    """Frames go by their channel; those of channels never asked for are dropped and counted."""
    session = ready_session("btcusd", "btceur")
    assert seen(session.receive(book_frame(STAMP, market="btceur"), NOW)).book.symbol == "btceur"
    seen(session.receive(book_frame(STAMP), NOW))
    assert session.receive(book_frame(STAMP, market="ethusd"), NOW) is None
    assert session.strays == 1


@pytest.mark.parametrize("sample", of_kind("ws.request_reconnect"), ids=lambda sample: str(sample.number))
def test_both_forms_of_a_reconnect_request(sample: Sample) -> None:
    """The wording of 2023 and of 2026 both ask for a reconnection."""
    assert ready_session().receive(sample.raw, NOW) is Signal.RECONNECT


@pytest.mark.parametrize(
    "error",
    [sample.payload for sample in of_kind("ws.error")]
    + [{"event": "bts:error", "channel": "", "data": {"code": 4009, "message": "Connection is unauthorized."}}],
)
def test_errors_refuse_an_opening_connection_and_are_counted_later(error: dict[str, Any]) -> None:
    """An error names no channel: before all is acknowledged it refuses the connection, afterwards it is a bad frame."""
    raw = orjson.dumps(error)
    opening = Session(1, Channels(("btcusd",)))
    assert opening.receive(raw, NOW) is Signal.REFUSED
    assert error["data"]["message"] in opening.refusal
    assert isinstance(ready_session().receive(raw, NOW), FrameBad)


def test_losing_a_needed_channel_refuses() -> None:
    """When the venue takes a needed channel away the connection is no good any more."""
    session = ready_session()
    gone = {"event": "bts:unsubscription_succeeded", "channel": "order_book_btcusd", "data": {}}
    assert session.receive(orjson.dumps(gone), NOW) is Signal.REFUSED
    assert session.receive(orjson.dumps({**gone, "channel": "x"}), NOW) is None


def test_heartbeat_answers_show_life() -> None:
    """A heartbeat's answer makes no event but marks the time of the last frame."""
    [sample] = of_kind("ws.heartbeat.reply")
    session = ready_session()
    assert session.receive(sample.raw, Moment(99, 0)) is None
    assert session.last_frame_ns == 99


def test_private_channels() -> None:
    """Golden frames of one's own orders and trades become order events and fills."""
    session = ready_session("ethusdt", private=("ethusdt",))
    [trade] = of_kind("ws.private_my_trades")
    fill = session.receive(trade.raw, NOW)
    assert isinstance(fill, FillSeen)
    assert (fill.venue_order_id, fill.fill.side, fill.fill.market) == (2050558851342339, Side.BUY, "ethusdt")
    assert (fill.fill.trade_id, fill.fill.fee) == (635698396, Decimal("0.04936"))
    created, deleted = (sample.payload for sample in of_kind("ws.private_my_orders"))
    for payload, kind, change, remaining in (
        (created["data"], "order_created", "created", Decimal("0.005")),
        (deleted, "order_deleted", "deleted", Decimal(0)),
    ):
        frame = {"data": payload, "channel": created["channel"], "event": kind}
        event = session.receive(orjson.dumps(frame), NOW)
        assert isinstance(event, OrderEventSeen)
        assert (event.event.change, event.event.remaining, event.event.side) == (change, remaining, Side.BUY)
    stop = {"data": deleted, "channel": created["channel"], "event": "stop_active"}
    assert session.receive(orjson.dumps(stop), NOW) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Trading on BTC/USD is halted until further notice", "btcusd"),
        ("btcusd market suspended", "btcusd"),
        ("All trading is suspended", None),
        ("Trading on DOGE/EUR is halted", "nothing"),
        ("New market: FOO/USD", "nothing"),
        ("Trading on BTC/USD has resumed", "nothing"),
    ],
)
def test_announcements_of_halts(text: str, expected: str | None) -> None:
    """A halt that names our market, or none, stops it; words never switch trading on again."""
    frame = {"event": "published", "channel": ANNOUNCEMENTS, "data": {"title": text, "n": 5, "more": ["x"]}}
    event = ready_session().receive(orjson.dumps(frame), NOW)
    if expected == "nothing":
        assert event is None
    else:
        assert isinstance(event, MarketHalted)
        assert (event.market, event.halted) == (expected, True)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"null",
        b"5",
        b'"x"',
        b"[]",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"channel": [], "event": "data"}',
        b'{"channel": "order_book_btcusd"}',
        b'{"channel": "order_book_btcusd", "event": "data", "data": null}',
        b'{"channel": "order_book_btcusd", "event": "data", "data": {"microtimestamp": "5", "bids": [], "asks": {}}}',
        book_frame(STAMP, bid="NaN"),
        book_frame(STAMP, bid="Infinity"),
        book_frame(STAMP, ask="1e400"),
        book_frame(STAMP, ask=""),
        book_frame(STAMP).replace(b'"100.00"', b"100.00"),
        book_frame(STAMP).replace(b'["100.00","1"]', b"[]"),
        book_frame(STAMP).replace(str(STAMP).encode(), b"NaN"),
    ],
)
def test_malformed_frames_are_counted_and_survived(raw: bytes) -> None:
    """A frame that makes no sense is one FrameBad, and the next good one passes. One of a book says that the book has
    changed.
    """
    session = ready_session()
    bad = session.receive(raw, NOW)
    assert isinstance(bad, FrameBad)
    ours = b'"order_book_btcusd"' in raw and b'"event":"data"' in raw.replace(b" ", b"")
    assert bad.outdates == ("btcusd" if ours else None)
    seen(session.receive(book_frame(STAMP), NOW))


def test_empty_crossed_and_zero_books_pass_but_are_not_tradable() -> None:
    """Books that exist but cannot be traded on reach the engine, which knows them as such."""
    session = ready_session()
    empty = book_frame(STAMP).replace(b'[["100.00","1"]]', b"[]")
    for number, raw in enumerate((empty, book_frame(STAMP + 1, bid="101.00"), book_frame(STAMP + 2, bid="-1"))):
        event = seen(session.receive(raw, NOW))
        assert event.book.microtimestamp == STAMP + number
        assert not event.book.tradable


@given(st.binary(max_size=60) | st.sampled_from(samples()).map(lambda sample: sample.raw), st.booleans())
def test_no_frame_raises(raw: bytes, diffs: bool) -> None:
    """Any bytes, and every golden payload, are an event, a signal or nothing."""
    session = ready_session("btcusd", "ethusdt", private=("ethusdt",), diffs=diffs)
    word = session.receive(raw, NOW)
    assert word is None or isinstance(word, Signal | BookSeen | FrameBad | OrderEventSeen | FillSeen | MarketHalted)


# --- diff mode ----------------------------------------------------------------------------------------------------

PRICES = [f"{90 + step}.00" for step in range(20)]
CHANGES = st.lists(
    st.tuples(st.sampled_from(["bids", "asks"]), st.sampled_from(PRICES), st.sampled_from(["0.00000", "1", "2.5"])),
    min_size=1,
    max_size=25,
)


@given(CHANGES, st.data())
def test_a_spliced_book_equals_the_folded_truth(changes: list[tuple[str, str, str]], choices: st.DataObject) -> None:
    """Wherever the REST snapshot falls among the diffs, the spliced book is the fold of all changes."""
    truth: dict[str, dict[Decimal, str]] = {"bids": {}, "asks": {}}
    session = ready_session(diffs=True)
    moment = choices.draw(st.integers(0, len(changes) - 1))
    last: BookSeen | None = None
    snapshot: Book | None = None
    spliced_at = choices.draw(st.integers(moment, len(changes) - 1))
    for number, (side, price, amount) in enumerate(changes):
        key = Decimal(price)
        truth[side].pop(key, None)
        if Decimal(amount):
            truth[side][key] = amount
        rows: dict[str, list[list[str]]] = {"bids": [], "asks": []}
        rows[side].append([price, amount])
        word = session.receive(diff_frame(STAMP + number, rows["bids"], rows["asks"]), NOW)
        last = word if isinstance(word, BookSeen) else last
        if number == moment:
            snapshot = Book("btcusd", STAMP + number, *rows_of(truth))
        if number == spliced_at and snapshot is not None:
            last = session.splice(snapshot)
            assert last is not None
            assert session.unspliced == set()
        if session.unspliced:
            last = None
    if last is not None:
        assert [list(last.book.bids), list(last.book.asks)] == rows_of(truth)


def rows_of(truth: dict[str, dict[Decimal, str]]) -> list[list[list[str]]]:
    """Both sides as the venue would list them."""
    bids = [[f"{price:.2f}", truth["bids"][price]] for price in sorted(truth["bids"], reverse=True)]
    asks = [[f"{price:.2f}", truth["asks"][price]] for price in sorted(truth["asks"])]
    return [bids, asks]


def spliced_session() -> Session:
    """A diff session with a book of one level a side at STAMP."""
    session = ready_session(diffs=True)
    session.receive(diff_frame(STAMP, [["100.00", "1"]], []), NOW)
    assert session.splice(Book("btcusd", STAMP, [["100.00", "1"]], [["100.50", "2"]])) is not None
    return session


def test_a_stale_snapshot_is_not_spliced() -> None:
    """A REST book older than the first diff proves nothing about what lies between: a newer one is wanted."""
    session = ready_session(diffs=True)
    old = Book("btcusd", STAMP - 1, [["100.00", "1"]], [["100.50", "2"]])
    assert session.splice(old) is None
    session.receive(diff_frame(STAMP, [["100.00", "3"]], []), NOW)
    assert session.splice(old) is None
    assert session.unspliced == {"btcusd"}
    assert session.splice(Book("xrpusd", STAMP, [], [])) is None
    assert session.splice(Book("btcusd", STAMP, [["1", "1"], ["x", "1"]], [])) is None
    seen(session.splice(Book("btcusd", STAMP, [["100.00", "3"]], [["100.50", "2"]])))


def test_the_audit_finds_a_lost_diff() -> None:
    """A snapshot of the same moment that differs unsplices the book; equal ones, and other moments, do not."""
    session = spliced_session()
    assert session.receive(book_frame(STAMP), NOW) is None
    assert session.receive(book_frame(STAMP + 5, ask="100.40"), NOW) is None
    assert session.unspliced == set()
    bad = session.receive(book_frame(STAMP, ask="100.40"), NOW)
    assert isinstance(bad, FrameBad)
    assert bad.outdates == "btcusd"
    assert session.unspliced == {"btcusd"}
    assert session.receive(diff_frame(STAMP + 9, [["99.00", "1"]], []), NOW) is None
    seen(session.splice(Book("btcusd", STAMP + 9, [["99.00", "1"]], [["100.50", "2"]])))


def test_a_book_crossed_for_long_is_a_gap() -> None:
    """One crossed moment is the venue's quirk; several in a row mean that a diff was lost."""
    session = spliced_session()
    assert not seen(session.receive(diff_frame(STAMP + 1, [["101.00", "1"]], []), NOW)).book.tradable
    seen(session.receive(diff_frame(STAMP + 2, [["102.00", "1"]], []), NOW))
    assert session.receive(diff_frame(STAMP + 3, [["103.00", "1"]], []), NOW) is None
    assert session.unspliced == {"btcusd"}


BAD_LEVELS: list[list[Any]] = [
    ["x", "1"],
    ["100"],
    [],
    ["-5", "1"],
    ["0", "1"],
    ["NaN", "1"],
    ["Infinity", "1"],
    ["1e16", "1"],
    ["1e-13", "1"],
    [100, "1"],
    [["100"], "1"],
    ["5", "-1"],
    ["5", "NaN"],
    ["5", "Infinity"],
    ["5", "1e400"],
    ["5", " 1"],
    ["5", "1_0"],
    ["5", 1],
    ["5", None],
]


@pytest.mark.parametrize("level", BAD_LEVELS)
def test_an_unreadable_diff_unsplices_the_book(level: list[Any]) -> None:
    """A diff that cannot be read may have changed anything: the book waits for a new snapshot."""
    session = spliced_session()
    for _ in range(2):
        raw = diff_frame(STAMP + 1, [["99.00", "7"], level], [["100.50", "0"]])
        bad = session.receive(raw, NOW)
        assert isinstance(bad, FrameBad)
        assert bad.outdates == "btcusd"
        assert session.unspliced == {"btcusd"}
    truth = Book("btcusd", STAMP + 2, [["100.00", "1"]], [["100.50", "2"]])
    assert session.splice(truth) is None
    session.receive(diff_frame(STAMP + 2, [], []), NOW)
    assert seen(session.splice(truth)).book == truth


def test_a_stamp_from_the_far_future_cannot_freeze_a_book_kept_from_diffs() -> None:
    """Neither a diff's nor a snapshot's: what such a frame changed is not known, and true ones after it still count."""
    session, far = spliced_session(), 9 * 10**18
    assert isinstance(session.receive(diff_frame(far, [["101.00", "9"]], []), NOW), FrameBad)
    assert session.unspliced == {"btcusd"}
    session.receive(diff_frame(STAMP + 2, [], []), NOW)
    assert session.splice(Book("btcusd", far, [["101.00", "9"]], [])) is None
    truth = Book("btcusd", STAMP + 2, [["100.00", "1"]], [["100.50", "2"]])
    assert seen(session.splice(truth)).book == truth
    assert seen(session.receive(diff_frame(STAMP + 3, [["99.00", "1"]], []), NOW)).book.microtimestamp == STAMP + 3


def test_a_level_is_its_number_however_it_is_written() -> None:
    """The same price with more decimals, or with an exponent, is the same level; the audit compares numbers too."""
    session = spliced_session()
    word = session.receive(diff_frame(STAMP + 1, [["100.0", "3"], ["9.9e1", "1"]], [["100.500", "0.0"]]), NOW)
    assert seen(word).book == Book("btcusd", STAMP + 1, [["100.0", "3"], ["9.9e1", "1"]], [])
    same = {"microtimestamp": str(STAMP + 1), "bids": [["100", "3.00"], ["99.00", "1"]], "asks": []}
    assert session.receive(orjson.dumps({"data": same, "channel": "order_book_btcusd", "event": "data"}), NOW) is None
    assert session.unspliced == set()


def test_prices_without_end_are_kept_apart() -> None:
    """More prices than are remembered come and go; what remains is the book."""
    session = spliced_session()
    prices = [f"{step}.00" for step in range(1, KEYS_KEPT // 2)]
    for number in range(1, 7):
        rows = [[price.replace(".00", f".{number}0"), "1"] for price in prices]
        session.receive(diff_frame(STAMP + 2 * number, [], [[f"10{row[0]}", "5"] for row in rows]), NOW)
        gone = [[f"10{row[0]}", "0"] for row in rows]
        word = seen(session.receive(diff_frame(STAMP + 2 * number + 1, [["100.00", str(number)]], gone), NOW))
        assert word.book == Book("btcusd", STAMP + 2 * number + 1, [["100.00", str(number)]], [["100.50", "2"]])


def test_old_diffs_are_dropped() -> None:
    """A repeated or older diff changes nothing and is counted."""
    session = spliced_session()
    assert session.receive(diff_frame(STAMP, [["100.00", "0"]], []), NOW) is None
    assert session.duplicates == 1
    assert seen(session.receive(diff_frame(STAMP + 1, [["99.00", "1"]], []), NOW)).book.bid == Decimal("100.00")
