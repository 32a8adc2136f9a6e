"""The stream of one process: connections with their epochs, the real protocol sessions, and the policy of the real feed
for reconnecting. Frames are bytes; what strikes them is the plan's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from arbbot.bitstamp.codec_account import StreamToken
from arbbot.bitstamp.session import ANNOUNCEMENTS, Channels, Session, Signal
from arbbot.domain.events import Event, FeedDead, FeedDown, FeedUp
from tests.sim.checker.books import SeenFrame
from tests.sim.clockwork import MS, SECOND
from tests.sim.frame_faults import altered
from tests.sim.house import SYMBOLS
from tests.sim.wire import Wire
from tests.sim.world import World

ATTEMPTS = 5
SETTLED_US = 60 * SECOND
HEARTBEAT_US = 10 * SECOND
SUBSCRIBE_US = 10 * SECOND
PAUSES_MS = (1000, 1000, 2000, 4000, 8000)
"""Before the reconnections in a row."""
BEAT = '{"event":"bts:heartbeat","channel":"","data":{"status":"success"}}'
RECONNECT = '{"event":"bts:request_reconnect","channel":"","data":""}'
REFUSAL = '{"event":"bts:error","channel":"","data":{"code":null,"message":"Bad subscription string."}}'


@dataclass(slots=True, eq=False)
class Link:
    """One connection."""

    epoch: int
    session: Session | None = None
    subscribed: bool = False
    over: bool = False
    retired: bool = False
    asked: bool = False
    ready_us: int | None = None
    last_frame_us: int = 0
    mute_until_us: int = 0
    mute_all: bool = False
    muted: dict[str, int] = field(default_factory=dict)
    """Channels of which nothing comes, until a time."""
    arrives_us: int = 0
    """When the last frame sent arrives: frames keep their order."""
    last_book: dict[str, str] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)


class Feed:
    """The feed of one process."""

    def __init__(self, world: World, wire: Wire) -> None:
        self._world = world
        self._wire = wire
        self._generation = world.generation
        self._epoch = 0
        self._failures = 0
        self._dead = False
        self._active: Link | None = None
        self._opening: Link | None = None
        self._old: Link | None = None
        """The connection before this one: a frame of it may still come."""
        self._sink: list[Event] = []

    def start(self) -> None:
        """Open the first connection."""
        self._launch(0)

    @property
    def up(self) -> bool:
        """Whether a connection counts at present."""
        return self._active is not None

    # --- what the plan does to it ---------------------------------------------------------------------------

    def cut(self, reason: str) -> bool:
        """The connection ends; whether there was one. So with all of these: whether anything came of it."""
        link = self._active or self._opening
        if link is None:
            return False
        self._ended(link, reason)
        return True

    def mute(self, kind: str, for_us: int, channel: str = "") -> bool:
        """Withhold everything, all but heartbeats, or one channel."""
        link = self._active
        if link is None:
            return False
        until_us = self._world.clock.now_us + for_us
        if kind == "stall_channel":
            link.muted[channel] = until_us
        else:
            link.mute_until_us, link.mute_all = until_us, kind == "stall"
        return True

    def unmute(self) -> None:
        """All is well again."""
        if self._active is not None:
            self._active.mute_until_us = 0
            self._active.muted.clear()

    def ask_reconnect(self) -> bool:
        """The venue wishes for another connection."""
        if self._active is None:
            return False
        self._send(self._active, RECONNECT)
        return True

    def late_frame(self) -> bool:
        """A frame of the connection before this one comes after all, newly stamped."""
        link = self._old
        if link is None or link.session is None or not link.last_book:
            return False
        channel = sorted(link.last_book)[0]
        frame = json.loads(link.last_book[channel])
        frame["data"]["microtimestamp"] = str(self._world.clock.now_us)
        self._arrive(link, json.dumps(frame), channel, late=True)
        return True

    def replace(self, epoch: int) -> None:
        """The engine wants another connection."""
        if self._active is not None and self._active.epoch == epoch and not self._active.asked:
            self._world.reached("feed: replaced for the engine")
            self._active.asked = True
            self._again()

    # --- connections ----------------------------------------------------------------------------------------

    def _launch(self, pause_us: int) -> None:
        self._epoch += 1
        link = self._opening = Link(self._epoch)
        self._later(pause_us + self._world.up_us() + self._world.down_us(), lambda: self._connected(link))

    def _later(self, delay_us: int, happening: object) -> None:
        assert callable(happening)
        self._world.clock.after(delay_us, lambda: self._world.to_process(self._generation, happening))

    def _connected(self, link: Link) -> None:
        struck = {each.kind for each in self._world.armed.take("link", (), self._world.clock.now_us)}
        if link.over:
            return
        if "connect_refused" in struck:
            self._ended(link, "not connected: OSError")
            return
        token: StreamToken | None = None
        if self._world.plan.private:
            token = None if "no_token" in struck else self._wire.token()
            if token is None:
                self._ended(link, "no token for private channels")
                return
        private = SYMBOLS if self._world.plan.private else ()
        link.session = Session(link.epoch, Channels(SYMBOLS, private), token)
        self._later(SUBSCRIBE_US, lambda: self._must_be_ready(link))
        if "ignore_subscription" in struck:
            return
        link.subscribed = True
        for number, text in enumerate(link.session.needed_frames()):
            channel = json.loads(text)["data"]["channel"]
            ack = json.dumps({"event": "bts:subscription_succeeded", "channel": channel, "data": {}})
            refused = number == 1 and "refuse_subscription" in struck
            self._send(link, REFUSAL if refused else ack)

    def _must_be_ready(self, link: Link) -> None:
        if link.over:
            return
        if link.session is None or not link.session.ready:
            self._ended(link, "subscriptions unanswered")
        else:
            self._beat(link)

    def _beat(self, link: Link) -> None:
        """Send a heartbeat; silence until the next one is a stall."""
        if link.over or link.retired:
            return
        now_us = self._world.clock.now_us
        if not (link.mute_all and now_us < link.mute_until_us):
            self._send(link, BEAT)
        self._later(HEARTBEAT_US, lambda: self._beaten(link, now_us))

    def _beaten(self, link: Link, sent_us: int) -> None:
        if link.over or link.retired:
            return
        if link.last_frame_us < sent_us:
            self._ended(link, "stalled: silent to a heartbeat")
        else:
            self._beat(link)

    def _ended(self, link: Link, reason: str) -> None:
        """A connection is over: tell, and try again as long as the policy allows."""
        if link.over:
            return
        link.over = True
        if link.ready_us is not None and link.last_frame_us - link.ready_us >= SETTLED_US:
            self._failures = 0
        if link is self._active:
            self._active, self._old = None, link
        elif link is self._opening:
            self._opening = None
        else:
            return
        if self._active is None:
            self._world.checker.subscribed(None, self._world.clock.mono_ns)
            self._tell(FeedDown(link.epoch, reason))
        self._again(reason)

    def _again(self, reason: str = "asked") -> None:
        if self._opening is not None or self._dead:
            return
        self._failures += 1
        if self._failures <= ATTEMPTS:
            asked = self._active is not None
            self._launch(0 if asked and self._failures == 1 else PAUSES_MS[self._failures - 1] * MS)
        elif self._active is None:
            self._dead = True
            self._world.reached("feed: dead")
            self._tell(FeedDead(f"{ATTEMPTS} reconnections failed: {reason}"))

    def _promote(self, link: Link) -> None:
        old, self._active, self._opening = self._active, link, None
        link.ready_us = self._world.clock.now_us
        if old is not None:
            old.retired = old.over = True
            self._old = old
        self._world.checker.subscribed(link.epoch, self._world.clock.mono_ns)
        self._tell(FeedUp(link.epoch))
        assert link.session is not None
        for seen in link.session.release():
            self._tell(seen)

    def _tell(self, event: Event) -> None:
        self._wire.deliver(event)

    # --- frames ---------------------------------------------------------------------------------------------

    def publish(self, channel: str, frame: str) -> None:
        """The venue sends a frame on a channel: to every connection that is subscribed to it."""
        for link in (self._active, self._opening):
            if link is None or not link.subscribed or link.over:
                continue
            now_us = self._world.clock.now_us
            if now_us < link.mute_until_us or now_us < link.muted.get(channel, 0):
                continue
            stage = "frame" if channel.startswith("order_book_") else "private"
            struck = {each.kind: each.size for each in self._world.armed.take(stage, (channel,), now_us)}
            held = link.held.pop(channel, None)
            for raw in altered(link, channel, frame, struck):
                self._send(link, raw, channel, struck=raw != frame)
            if stage == "frame":
                link.last_book[channel] = frame
            if held is not None:
                self._send(link, held, channel)

    def _send(self, link: Link, raw: str | bytes, channel: str = "", *, struck: bool = False) -> None:
        """On its way: in order, never overtaking the one before."""
        now_us = self._world.clock.now_us
        link.arrives_us = max(link.arrives_us, now_us + self._world.down_us())
        self._later(link.arrives_us - now_us, lambda: self._arrive(link, raw, channel, struck=struck))

    def _arrive(self, link: Link, raw: str | bytes, channel: str, *, struck: bool = False, late: bool = False) -> None:
        if link.session is None or (link.over and not late):
            return
        world = self._world
        at = world.clock.moment()
        link.last_frame_us = world.clock.now_us
        body = raw if isinstance(raw, bytes) else raw.encode()
        if channel.startswith("order_book_"):
            seen = SeenFrame(link.epoch, at.mono_ns, world.clock.now_us, body, struck)
            world.checker.frame(channel.removeprefix("order_book_"), seen)
        elif channel == ANNOUNCEMENTS and link is self._active:
            world.checker.announced(body)
        word = link.session.receive(body, at)
        if word is None:
            return
        if not isinstance(word, Signal):
            self._tell(word)
        elif word is Signal.REFUSED:
            self._ended(link, link.session.refusal)
        elif word is Signal.RECONNECT:
            if not link.asked:
                link.asked = True
                self._again()
        else:
            self._promote(link)
