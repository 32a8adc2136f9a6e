"""`arbbot panic`: without a daemon, latch, cancel every open order of the account, and see that none is left.

It needs a key that may list and cancel orders, and no more. The latch comes first, so that no daemon that starts
meanwhile begins a hedge. Then it cancels and looks, again and again: the venue serves its list of open orders from a
cache, and an order that was on its way when its daemon died may still be taken. Only a look after the last moment at
which either could hide one ends it well. Cancelling twice harms nothing, so a lost answer is no more than a reason to
look again.
"""

from __future__ import annotations

import asyncio
import signal
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal

from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bootstrap.calling import call
from arbbot.bootstrap.panic_key import panic_key
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import Taps, follow_compressed, gateway, journal_path, make_state_dir, panic_latch
from arbbot.domain.commands import Ask, CancelOrder, Topic
from arbbot.domain.events import AskFailed, Event, Moment, OpenOrdersFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.mode import Severity
from arbbot.domain.order import OpenOrder
from arbbot.domain.records import AlertRaised
from arbbot.runtime.clock import SystemClock
from arbbot.settings import RunMode, Settings

CACHE_S = 11.0
"""A list asked for so long after a cancel knows of it: the venue's documentation says that it is cached for 10 s."""
PATIENCE_S = 60.0
"""How much longer than it has to it goes on, when the venue does not say that all is over."""
DONE = "panic: done: by the venue's word nothing is open, and nothing sent before can come any more"


def panic(settings: Settings, who: str, reason: str, watch_s: Decimal | None) -> ExitCode:
    """Latch, cancel, verify; by default until no request from before can be taken any more. FAULT where all is over but
    there is no latch. Raises Failure.
    """
    account = settings.account
    watched_s = account.doubt_bound_s + account.lag_s if watch_s is None else watch_s
    latched = _latch(settings, who, reason)
    begun = f"panic by {who}: {reason}; every open order of the account is being cancelled"
    other = _mode_in_use(settings)
    if other is not None:
        say(f"panic: THIS IS {settings.mode.upper()} MODE, but the journal of {other} mode is the one written last")
    code = asyncio.run(_sweep_and_tell(settings, float(watched_s), begun))
    say("panic: a position is not touched: look at the venue, start the daemon, and `arbbot resume --reason TEXT`")
    return code if latched else ExitCode.FAULT


def _latch(settings: Settings, who: str, reason: str) -> bool:
    """Latch. What keeps us from it is told, and must not keep us from cancelling."""
    latch = panic_latch(settings)
    try:
        make_state_dir(settings.state_dir)
        latch.leave(who, reason, _utc(SystemClock().now()))
    except (Failure, OSError) as error:
        say(f"panic: NOT LATCHED, the next start of the daemon will trade: {error}")
        return False
    say(f"panic: latched: {latch.path}; a daemon starts halted, a running one goes to panic, until `arbbot resume`")
    return True


def _mode_in_use(settings: Settings) -> RunMode | None:
    """Another mode with orders at a venue whose journal was written after that of ours, which may be meant instead."""
    written = {
        mode: _written_ns(settings.model_copy(update={"mode": mode})) for mode in (RunMode.SANDBOX, RunMode.LIVE)
    }
    last = max(written, key=lambda mode: written[mode])
    return last if written[last] > _written_ns(settings) else None


def _written_ns(settings: Settings) -> int:
    """When something was last written to the journal; 0 where there is none."""
    path = journal_path(settings)
    try:
        return max(found.stat().st_mtime_ns for found in path.parent.glob(f"{path.name}*"))
    except (OSError, ValueError):
        return 0


async def _sweep_and_tell(settings: Settings, watch_s: float, begun: str) -> ExitCode:
    """Sweep, with a message to the webhook at the beginning, which the sweep does not wait for, and one at the end."""
    calling = asyncio.create_task(_call(settings, begun))
    ended = "panic: ended by a fault of the program, IN DOUBT: look at the venue now"
    try:
        code = await _sweep(settings, watch_s)
        ended = DONE
    except Failure as failure:
        ended = failure.reason
        raise
    finally:
        await _call(settings, ended)
        await calling
    return code


async def _call(settings: Settings, text: str) -> None:
    await call(settings, AlertRaised(Severity.CRITICAL, "panic", text, SystemClock().now().utc_us))


async def _sweep(settings: Settings, watch_s: float) -> ExitCode:
    if settings.mode is RunMode.PAPER:
        say("panic: paper mode has no orders at the venue")
        return ExitCode.OK
    broken_off = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, broken_off.set)
    clock = SystemClock(float(settings.speed))
    if settings.speed != 1:
        await follow_compressed(settings, clock)
    async with gateway(settings, await panic_key(settings, clock), clock, _nobody, Taps()) as source:
        return await Sweep(source, clock, broken_off).run(watch_s)


def _nobody(event: Event, at: Moment) -> None:
    """Nobody listens to the venue's clock here."""


class Sweep:
    """Cancels all and looks, until the venue's word is that nothing is open and that nothing can come any more."""

    def __init__(self, source: BitstampGateway, clock: SystemClock, broken_off: asyncio.Event) -> None:
        self._source = source
        self._clock = clock
        self._broken_off = broken_off
        self._left: tuple[OpenOrder, ...] | None = None
        """By the last look; None where it told nothing."""
        self._key_worked = False
        self._refused = ""
        """Why the key was refused at the last look, if it never worked."""
        self._said = ""

    async def run(self, watch_s: float) -> ExitCode:
        """Go on for `watch_s` of market time and one look more, or until patience is over or somebody breaks it off."""
        until_ns = self._clock.now().mono_ns + int((watch_s + CACHE_S) * 1e9)
        while not self._broken_off.is_set():
            await self._cancel_all()
            await self._pause()
            looked = await self._source.perform(Ask(0, Topic.OPEN_ORDERS))
            await self._take(looked)
            past_s = (self._clock.now().mono_ns - until_ns) / 1e9
            if past_s >= 0 and self._left == ():
                say(DONE)
                return ExitCode.OK
            if past_s >= PATIENCE_S:
                break
        if self._refused and not self._broken_off.is_set():
            raise Failure(ExitCode.AUTH, f"panic: the venue refuses the key: {self._refused}; IN DOUBT: look there")
        raise Failure(ExitCode.NOT_FLAT, f"panic: {self._in_doubt()}")

    async def _cancel_all(self) -> None:
        told = await self._source.cancel_all()
        if isinstance(told, str):
            self._tell(f"cancel of all orders not confirmed, again soon: {told}")
        elif told:
            self._tell(f"cancelled by the venue's word: {', '.join(str(venue_id) for venue_id in told)}")

    async def _pause(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CACHE_S / self._clock.speed):
                await self._broken_off.wait()

    async def _take(self, looked: Event) -> None:
        """What a look told; what is still open is cancelled one by one too."""
        if not isinstance(looked, OpenOrdersFetched):
            self._left = None
            self._fail(looked)
            return
        self._left, self._key_worked, self._refused = looked.orders, True, ""
        if not looked.orders:
            self._tell("nothing is open; looking on for what may still be on its way")
        for order in looked.orders:
            self._tell(f"still open, cancelling it alone: {_worded(order)}")
            await self._source.perform(CancelOrder(order.client_order_id or "", order.venue_order_id, order.market))

    def _fail(self, looked: Event) -> None:
        """A look that told nothing. One refusal of the key proves little: nobody may have signed for it, and a clock
        that is being set is refused too. It counts where it was the last answer, and the key never worked.
        """
        reason = getattr(looked, "reason", "no answer")
        refused = isinstance(looked, AskFailed) and (looked.auth_lost or looked.auth_claimed)
        self._refused = reason if refused and not self._key_worked else ""
        trouble = "the venue refuses the key" if refused else "open orders not read"
        self._tell(f"{trouble}, again soon: {reason}")

    def _in_doubt(self) -> str:
        how = "broken off" if self._broken_off.is_set() else "given up"
        if self._left is None:
            return f"{how}, IN DOUBT: the venue did not tell which orders are open; look there now"
        if self._left:
            return f"{how}, STILL OPEN: {'; '.join(map(_worded, self._left))}; look at the venue now"
        return f"{how}, IN DOUBT: nothing was open at the last look, but an order may still have been on its way"

    def _tell(self, text: str) -> None:
        """Say it with its time, unless it was said last."""
        if text != self._said:
            self._said = text
            say(f"panic: {_utc(self._clock.now())} {text}")


def _worded(order: OpenOrder) -> str:
    own = f" ({order.client_order_id})" if order.client_order_id else ""
    return f"{order.venue_order_id}{own}: {order.side} {order.remaining:f} {order.market} at {order.price:f}"


def _utc(at: Moment) -> str:
    return f"{datetime.fromtimestamp(at.utc_us / 1e6, UTC):%Y-%m-%dT%H:%M:%SZ}"
