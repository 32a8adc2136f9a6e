"""The feed against a real local WebSocket server: the reconnect policy, overlap, stalls and refusals."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from random import Random

import pytest

from arbbot.bitstamp.codec_account import StreamToken
from arbbot.bitstamp.session import ANNOUNCEMENTS, Channels
from arbbot.bitstamp.stream import BitstampFeed, StreamSettings, Tap
from arbbot.domain.book import Book
from arbbot.domain.events import BookSeen, Event, FeedDead, FeedDown, FeedUp, FillSeen, FrameBad, Moment
from tests.bitstamp.clocks import HastyClock, ManualClock
from tests.bitstamp.fake_stream import FakeStream, Told, fake_stream

PUBLIC = Channels(("btcusd", "btceur"))
STAMP = 1_789_457_617_906_487
RECONNECT = {"event": "bts:request_reconnect", "channel": "", "data": ""}


def feed_to(
    url: str,
    clock: ManualClock,
    channels: Channels = PUBLIC,
    *,
    token: Callable[[], Awaitable[StreamToken | str]] | None = None,
    snapshot: Callable[[str], Awaitable[Book | None]] | None = None,
    tap: Tap | None = None,
    heartbeat_s: float = 10.0,
) -> BitstampFeed:
    """A feed with the default policy."""
    return BitstampFeed(
        StreamSettings(url, subscribe_timeout_s=heartbeat_s, heartbeat_s=heartbeat_s),
        channels,
        clock,
        Random(1),
        token=token,
        snapshot=snapshot,
        tap=tap,
    )


@asynccontextmanager
async def running(feed: BitstampFeed, told: Told) -> AsyncIterator[asyncio.Task[None]]:
    """The feed as a task, ended with the test; nothing may hang."""
    task = asyncio.create_task(feed.run(told))
    try:
        async with asyncio.timeout(20):
            yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def fed(channels: Channels = PUBLIC) -> AsyncIterator[tuple[FakeStream, Told, ManualClock]]:
    """A feed that is up on a fake venue."""
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue, running(feed_to(venue.url, clock, channels), told):
        await told.a(FeedUp)
        yield venue, told, clock


async def gone(name: str) -> None:
    """A task has ended, and whoever waited for it has taken note."""
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task.get_name() == name))
    for _ in range(5):
        await asyncio.sleep(0)


async def test_up_when_subscribed_then_books_as_they_come() -> None:
    """FeedUp comes once every needed channel is acknowledged; books follow with the moment of their receipt."""
    taped: list[tuple[bytes, int, Moment]] = []
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue:
        feed = feed_to(venue.url, clock, tap=lambda raw, epoch, at: taped.append((raw, epoch, at)))
        async with running(feed, told):
            await told.a(FeedUp)
            line = await venue.line(1)
            clock.advance(5.0)
            await line.book(STAMP)
            await told.a(BookSeen)
            assert told.events[0] == FeedUp(1)
            assert told.stamps == [(1, STAMP)]
            assert told.moments[-1].mono_ns == 5_000_000_000
            [frame] = [frame for frame in taped if str(STAMP).encode() in frame[0]]
            assert frame[1:] == (1, told.moments[-1])
            assert line.socket.protocol.extensions == []
            await line.has_heard("bts:subscribe", 3)
            assert [sent["data"]["channel"] for sent in line.heard] == [
                "order_book_btceur",
                "order_book_btcusd",
                ANNOUNCEMENTS,
            ]


async def test_books_between_acknowledgements_follow_the_feed_up() -> None:
    """A book that comes before the last acknowledgement is not lost, and not told before FeedUp."""
    told = Told()
    async with fake_stream() as venue:
        venue.subscription = lambda line, channel: "ack" if channel == "order_book_btcusd" else "ignore"
        async with running(feed_to(venue.url, ManualClock()), told):
            line = await venue.line(1)
            await line.book(STAMP)
            await line.say({"event": "bts:subscription_succeeded", "channel": "order_book_btceur", "data": {}})
            await told.a(BookSeen)
            assert [type(event) for event in told.events] == [FeedUp, BookSeen]


@pytest.mark.parametrize("code", [1000, 1001, 1009, 1011, 1012, 4300])
async def test_any_close_is_followed_by_a_second_s_pause_and_a_new_epoch(code: int) -> None:
    """Whatever the close code, the feed goes down, waits one second, and comes up as a new epoch."""
    async with fed() as (venue, told, clock):
        await venue.lines[0].socket.close(code)
        await told.a(FeedDown)
        await clock.someone_sleeps(1.0, 1.0)
        assert len(venue.lines) == 1
        clock.advance(1.0)
        await told.a(FeedUp, 2)
        down = told.of(FeedDown)[0]
        assert isinstance(down, FeedDown)
        assert down.epoch == 1
        assert str(code) in down.reason
        assert told.events[-1] == FeedUp(2)


async def test_a_cut_connection_is_noticed() -> None:
    """A connection reset without a word counts as a close."""
    async with fed() as (venue, told, _):
        venue.lines[0].socket.transport.abort()
        await told.a(FeedDown)


async def test_five_reconnections_then_the_feed_is_dead() -> None:
    """With nobody there the feed waits one second, then longer with jitter, five times, and says it is dead."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        told, clock = Told(), HastyClock()
        await feed_to(f"ws://127.0.0.1:{unused.getsockname()[1]}", clock).run(told)
    assert len(told.of(FeedDown)) == 6
    assert isinstance(told.events[-1], FeedDead)
    assert clock.slept[0] == 1.0
    for pause, full in zip(clock.slept[1:], [2, 4, 8, 16], strict=True):
        assert full / 2 <= pause <= full


@pytest.mark.parametrize("verdict", ["refuse", "ignore"])
async def test_a_refused_or_unanswered_subscription_is_a_failed_attempt(verdict: str) -> None:
    """A connection that cannot subscribe never counts as up and is tried again by the policy."""
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue:
        venue.subscription = lambda line, channel: verdict if line == 1 and channel.endswith("eur") else "ack"
        async with running(feed_to(venue.url, clock), told):
            if verdict == "ignore":
                await clock.someone_sleeps(10.0, 10.0)
                clock.advance(10.0)
            await told.a(FeedDown)
            assert told.of(FeedUp) == []
            await clock.someone_sleeps(1.0, 1.0)
            clock.advance(1.0)
            await told.a(FeedUp)
            assert told.events[-1] == FeedUp(2)


async def test_frames_for_a_minute_begin_the_count_anew() -> None:
    """A connection that failed early makes the next pause longer; one that carried frames for a minute does not."""
    async with fed() as (venue, told, clock):
        await venue.lines[0].socket.close()
        await clock.someone_sleeps(1.0, 1.0)
        clock.advance(1.0)
        await told.a(FeedUp, 2)
        await venue.lines[1].socket.close()
        await clock.someone_sleeps(1.0, 2.0)
        clock.advance(2.0)
        await told.a(FeedUp, 3)
        clock.advance(61.0)
        await venue.lines[2].book(STAMP)
        await told.a(BookSeen)
        slept = len(clock.slept)
        await venue.lines[2].socket.close()
        await told.a(FeedDown, 3)
        await clock.someone_sleeps(1.0, 1.0)
        assert clock.slept[slept:].count(1.0) == 1


async def test_a_silent_connection_is_given_up() -> None:
    """A heartbeat met with silence for as long as one lasts ends the connection as stalled."""
    async with fed() as (venue, told, clock):
        venue.beats = False
        await venue.lines[0].has_heard("bts:subscribe", 3)
        await venue.lines[0].say(b"{")
        await told.a(FrameBad)
        await clock.someone_sleeps(10.0, 10.0)
        clock.advance(10.0)
        await venue.lines[0].has_heard("bts:heartbeat", 1)
        await clock.someone_sleeps(10.0, 10.0)
        clock.advance(10.0)
        down = await told.until(lambda event: isinstance(event, FeedDown))
        assert isinstance(down, FeedDown)
        assert "stalled" in down.reason


async def test_a_quiet_but_answering_connection_is_kept() -> None:
    """Books come only on change: answered heartbeats alone keep a connection alive."""
    async with fed() as (venue, told, clock):
        for beat in range(1, 6):
            await clock.someone_sleeps(10.0, 10.0)
            clock.advance(10.0)
            await venue.lines[0].has_heard("bts:heartbeat", beat)
            await venue.lines[0].book(STAMP + beat)
            await told.a(BookSeen, beat)
        assert told.of(FeedDown) == []


async def test_trying_is_moving_and_so_is_hearing() -> None:
    """A feed moves by each attempt, however vain, and by each frame; by the passing of time alone it does not."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        clock, still_ns = HastyClock(), list[int]()
        feed = feed_to(f"ws://127.0.0.1:{unused.getsockname()[1]}", clock)
        await feed.run(lambda event, at: still_ns.append(at.mono_ns - feed.moved_ns()))
    assert still_ns == [0] * 7
    told, quiet = Told(), ManualClock()
    async with fake_stream() as venue:
        feed = feed_to(venue.url, quiet)
        async with running(feed, told):
            await told.a(FeedUp)
            quiet.advance(5.0)
            assert feed.moved_ns() == 0
            await venue.lines[0].book(STAMP)
            await told.a(BookSeen)
            assert feed.moved_ns() == quiet.now().mono_ns


async def test_a_reconnect_request_is_obeyed_with_overlap() -> None:
    """The next connection is subscribed before the old one goes; the feed is never down, old frames do not count."""
    async with fed() as (venue, told, _):
        first = venue.lines[0]
        venue.subscription = lambda line, channel: "ignore"
        await first.book(STAMP)
        await first.say(RECONNECT)
        second = await venue.line(2)
        await first.book(STAMP + 1)
        await told.a(BookSeen, 2)
        assert not first.over.is_set()
        for channel in ("order_book_btcusd", "order_book_btceur"):
            await second.say({"event": "bts:subscription_succeeded", "channel": channel, "data": {}})
        await told.a(FeedUp, 2)
        await first.over.wait()
        await second.book(STAMP + 1)
        await told.a(BookSeen, 3)
        assert told.stamps == [(1, STAMP), (1, STAMP + 1), (2, STAMP + 1)]
        assert told.of(FeedDown) == []


async def test_a_failing_replacement_leaves_the_old_connection_in_place() -> None:
    """While the replacement cannot subscribe the old connection still counts; when it goes, the feed is down."""
    async with fed() as (venue, told, clock):
        venue.subscription = lambda line, channel: "refuse" if line == 2 else "ack"
        await venue.lines[0].say(RECONNECT)
        await clock.someone_sleeps(1.0, 2.0)
        await venue.lines[0].book(STAMP)
        await told.a(BookSeen)
        assert told.of(FeedDown) == []
        await venue.lines[0].socket.close()
        await told.a(FeedDown)
        clock.advance(2.0)
        await told.a(FeedUp, 2)
        assert told.events[-1] == FeedUp(3)


async def test_a_settled_connection_is_replaced_by_the_policy_too() -> None:
    """However long it has carried frames: when nobody takes its replacement the venue is not hammered. Five attempts
    with growing pauses, then it stays as it is, and may be asked anew; a minute of its frames begins the count anew.
    """
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue, running(feed_to(venue.url, clock, heartbeat_s=50.0), told):
        await told.a(FeedUp)
        old = venue.lines[0]
        venue.subscription = lambda line, channel: "refuse"
        for before in (1, 6):
            clock.advance(61.0)
            await old.book(STAMP + before)
            await told.a(BookSeen, 1 + (before > 1))
            await old.say(RECONNECT)
            for number in range(5):
                if number:
                    await clock.someone_sleeps(2 ** (number - 1), 2**number)
                    assert len(venue.lines) == before + number
                    clock.advance(2**number)
                await (await venue.line(before + number + 1)).over.wait()
            await gone(f"feed link {before + 5}")
        await old.say(RECONNECT)
        await old.book(STAMP + 9)
        await told.a(BookSeen, 3)
        assert len(venue.lines) == 11
        assert told.of(FeedDown) == []


async def test_a_stream_that_could_not_be_replaced_is_connected_again_when_it_ends() -> None:
    """Five replacements were refused, the venue is well again and closes it after all: that is told by its own reason,
    and five more attempts follow, at pauses that go on growing; then the feed is dead.
    """
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue, running(feed := feed_to(venue.url, clock, heartbeat_s=50.0), told):
        await told.a(FeedUp)
        old = venue.lines[0]
        venue.subscription = lambda line, channel: "refuse"
        clock.advance(61.0)
        await old.book(STAMP + 1)
        await told.a(BookSeen)
        feed.replace(1, "stalled")
        for number in range(5):
            if number:
                await clock.someone_sleeps(2 ** (number - 1), 2**number)
                clock.advance(2**number)
            await (await venue.line(number + 2)).over.wait()
        await gone("feed link 6")
        await old.book(STAMP + 2)
        await told.a(BookSeen, 2)
        await old.socket.close(1001)
        await told.a(FeedDown)
        for number in range(5):
            await clock.someone_sleeps(1, 60)
            clock.advance(60.0)
            await (await venue.line(number + 7)).over.wait()
        await told.a(FeedDead)
        assert "stalled" not in str(told.of(FeedDown)[0])
        assert len(venue.lines) == 11


async def test_endless_reconnect_requests_are_bounded() -> None:
    """A venue that asks for a new connection on every connection is obeyed only as often as the policy allows; what it
    closes after that is connected again, at a pause that has grown.
    """
    told, clock = Told(), ManualClock()
    async with fake_stream() as venue, running(feed_to(venue.url, clock, heartbeat_s=50.0), told):
        for number in range(5):
            line = await venue.line(number + 1)
            await told.a(FeedUp, number + 1)
            await line.say(RECONNECT)
            if number:
                await clock.someone_sleeps(2 ** (number - 1), 2**number)
                clock.advance(2**number)
        await told.a(FeedUp, 6)
        last = await venue.line(6)
        await last.say(RECONNECT)
        await last.book(STAMP)
        await told.a(BookSeen)
        assert len(venue.lines) == 6
        await last.socket.close()
        await clock.someone_sleeps(16, 60)
        clock.advance(60.0)
        await told.a(FeedUp, 7)
        assert len(venue.lines) == 7


async def test_garbage_is_survived() -> None:
    """Malformed frames are told one by one and the connection stays."""
    async with fed() as (venue, told, _):
        for raw in (b"{", b"null", b'{"channel": 5}', b'{"event": "data", "channel": "order_book_btcusd"}'):
            await venue.lines[0].say(raw)
        await venue.lines[0].book(STAMP)
        await told.a(BookSeen)
        assert len(told.of(FrameBad)) == 4
        assert told.of(FeedDown) == []


async def test_an_oversized_frame_ends_the_connection() -> None:
    """A frame above a mebibyte is not read; the feed reconnects."""
    async with fed() as (venue, told, _):
        await venue.lines[0].say(b'"' + b"x" * (1 << 20) + b'"')
        await told.a(FeedDown)


async def test_private_channels_get_a_fresh_token_per_connection() -> None:
    """Each connection subscribes with a token of its own; without one the attempt fails, and says why."""
    tokens: list[StreamToken | str] = [StreamToken("first", 7, 60), "Connect call failed", StreamToken("third", 7, 60)]

    async def token() -> StreamToken | str:
        return tokens.pop(0)

    told, clock = Told(), ManualClock()
    async with fake_stream() as venue:
        feed = feed_to(venue.url, clock, Channels(("btcusd",), ("btcusd",)), token=token)
        async with running(feed, told):
            await told.a(FeedUp)
            trade = {"id": 5, "amount": "0.1", "price": "9.5", "fee": "0.01", "order_id": "77", "side": "sell"}
            await venue.lines[0].say({"data": trade, "channel": "private-my_trades_btcusd-7", "event": "trade"})
            await told.a(FillSeen)
            await venue.lines[0].socket.close()
            await clock.someone_sleeps(1.0, 1.0)
            clock.advance(1.0)
            await told.until(
                lambda event: (
                    isinstance(event, FeedDown) and "token for private channels: Connect call failed" in event.reason
                )
            )
            await clock.someone_sleeps(1.0, 2.0)
            clock.advance(2.0)
            await told.a(FeedUp, 2)
            auths = [[frame["data"].get("auth") for frame in line.heard[:3]] for line in venue.lines]
            assert auths == [[None, "first", "first"], [None, "third", "third"]]


async def test_diff_mode_splices_and_respins_after_a_gap() -> None:
    """Books from diffs begin with a REST snapshot that meets them, and begin anew when the audit finds a gap."""
    truth: list[Book] = []

    async def snapshot(market: str) -> Book | None:
        assert market == "btcusd"
        return truth[-1] if truth else None

    told, clock = Told(), ManualClock()

    async def fetched() -> None:
        """The feed asks for a snapshot, which happens once a second."""
        await clock.someone_sleeps(1.0, 1.0)
        clock.advance(1.0)

    async with fake_stream() as venue:
        feed = feed_to(venue.url, clock, Channels(("btcusd",), diffs=True), snapshot=snapshot)
        async with running(feed, told):
            await told.a(FeedUp)
            line = venue.lines[0]
            await line.book(STAMP, channel="diff_order_book_btcusd")
            await line.say(b"{")
            await told.a(FrameBad)
            await fetched()
            truth.append(Book("btcusd", STAMP, [["100.00", "1"]], [["200.00", "2"]]))
            await fetched()
            await told.a(BookSeen)
            await line.book(STAMP + 1, bid="101.00", channel="diff_order_book_btcusd")
            await told.a(BookSeen, 2)
            await line.book(STAMP + 1, bid="100.50")
            await told.a(FrameBad, 2)
            await line.book(STAMP + 2, bid="102.00", channel="diff_order_book_btcusd")
            await line.say(b"{")
            await told.a(FrameBad, 3)
            truth.append(Book("btcusd", STAMP + 2, [["102.00", "1"]], [["200.00", "2"]]))
            await fetched()
            await told.a(BookSeen, 3)
            assert [stamp for _, stamp in told.stamps] == [STAMP, STAMP + 1, STAMP + 2]


async def test_a_fault_of_the_receiver_ends_the_feed() -> None:
    """An exception of the sink is not taken for a connection problem: it comes out of run."""

    def sink(event: Event, _: Moment) -> None:
        if isinstance(event, BookSeen):
            raise ZeroDivisionError

    async with fake_stream() as venue:
        task = asyncio.create_task(feed_to(venue.url, ManualClock()).run(sink))
        line = await venue.line(1)
        await line.has_heard("bts:subscribe", 3)
        await line.book(STAMP)
        with pytest.raises(ZeroDivisionError):
            await task


async def test_cancelling_leaves_nothing_behind() -> None:
    """When the feed's task is cancelled its connections are closed and none of its tasks lives on."""
    async with fed() as (venue, _, __):
        pass
    await venue.lines[0].over.wait()
    assert [task for task in asyncio.all_tasks() if "link" in task.get_name()] == []


@pytest.mark.parametrize("url", ["ws://ws.bitstamp.net", "https://127.0.0.1", "ws://10.0.0.1:80"])
def test_only_this_machine_is_streamed_from_in_plain_text(url: str) -> None:
    """An unencrypted stream from anywhere but the loopback is refused before any network I/O."""
    with pytest.raises(ValueError, match="leaves this machine"):
        feed_to(url, ManualClock())


def test_sources_must_be_there() -> None:
    """Private channels without tokens, and diffs without snapshots, are refused at once."""
    with pytest.raises(ValueError, match="tokens"):
        feed_to("ws://127.0.0.1", ManualClock(), Channels(("btcusd",), ("btcusd",)))
    with pytest.raises(ValueError, match="snapshots"):
        feed_to("ws://127.0.0.1", ManualClock(), Channels(("btcusd",), diffs=True))
