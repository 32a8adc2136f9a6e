"""From settings to the objects that reach the venue, and the route as the venue itself describes it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom  # noqa: TID251 - spreads retries and reconnections: here it is handed in

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.limiter import Limiter, Window
from arbbot.bitstamp.replies import Reading
from arbbot.bitstamp.rest import BitstampGateway, RestSettings, Tap
from arbbot.bitstamp.session import Channels
from arbbot.bitstamp.stream import BitstampFeed, StreamSettings
from arbbot.bitstamp.stream import Tap as FrameTap
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import MarketsFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Route
from arbbot.journal.sqlite import Identity
from arbbot.ports import Clock, Gateway, Sink
from arbbot.runtime.clock import SystemClock
from arbbot.runtime.latch import NAME, Latch
from arbbot.settings import BookFeed, Keys, Settings


@dataclass(frozen=True, slots=True)
class Taps:
    """Where a recorder listens; None for nobody."""

    frame: FrameTap | None = None
    reply: Tap | None = None


class SlashNames(dict[str, str]):
    """Symbol -> the name with a slash that some calls want; filled once the venue has named its markets."""

    def learn(self, route: Route) -> None:
        """Take the route's names in."""
        for instrument in route.instruments:
            self[instrument.symbol] = f"{instrument.base.upper()}/{instrument.counter.upper()}"


def gateway(
    settings: Settings,
    keys: Keys | None,
    clock: Clock,
    sink: Sink,
    taps: Taps,
    names: SlashNames | None = None,
    markets: Sequence[str] | None = None,
) -> BitstampGateway:
    """The REST adapter of the settings' venue. Public only without a key. `markets` instead of the route's."""
    rest = settings.rest
    credentials = None if keys is None else Credentials(keys.key_id, keys.secret.get_secret_value())
    windows = [Window(window.count, float(window.seconds)) for window in rest.limits]
    return BitstampGateway(
        RestSettings(
            base_url=settings.venue.rest_url,
            ca_file=settings.venue.ca_file,
            connect_timeout_s=float(rest.connect_timeout_s),
            order_timeout_s=float(rest.order_timeout_s),
            ask_timeout_s=float(rest.ask_timeout_s),
        ),
        clock,
        Limiter(SystemRandom(), windows),
        credentials=credentials,
        reading=Reading(symbols(settings) if markets is None else markets, rest.require_signed_errors),
        names=names,
        tap=taps.reply,
        sink=sink,
    )


def feed(
    settings: Settings, route: Route, source: BitstampGateway, clock: Clock, taps: Taps, *, private: bool
) -> BitstampFeed:
    """The WebSocket adapter; `private` adds the account's own channels."""
    diffs = settings.feed.books is BookFeed.DIFF
    channels = Channels(route.symbols, private=route.symbols if private else (), diffs=diffs)
    return BitstampFeed(
        StreamSettings(settings.venue.ws_url, settings.venue.ca_file),
        channels,
        clock,
        SystemRandom(),
        token=source.stream_token if private else None,
        snapshot=source.fetch_book if diffs else None,
        tap=taps.frame,
    )


def symbols(settings: Settings) -> tuple[str, str, str]:
    """Domestic, foreign, FX."""
    return (settings.route.domestic, settings.route.foreign, settings.route.fx)


def route_name(settings: Settings) -> str:
    """As `Route.name` will be, known before the venue is asked."""
    return f"{settings.route.domestic}-{settings.route.foreign}"


def make_state_dir(path: Path) -> None:
    """See to it that the state directory is there and ours to write. Raises Failure (SETTINGS)."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Failure(ExitCode.SETTINGS, f"state_dir: {path}: cannot be made: {error.strerror}") from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise Failure(ExitCode.SETTINGS, f"state_dir: {path}: cannot be written")


def journal_path(settings: Settings) -> Path:
    """Where the journal of these settings lies: one directory a mode."""
    return settings.state_dir / settings.mode.value / "journal.db"


def panic_latch(settings: Settings) -> Latch:
    """The latch that stops these settings' daemon: beside its journal, one a mode."""
    return Latch(journal_path(settings).with_name(NAME))


def journal_identity(settings: Settings, keys: Keys | None) -> Identity:
    """Whose journal these settings may write."""
    account = "paper" if keys is None else keys.key_id
    return Identity(settings.mode.value, settings.venue.rest_url, account, route_name(settings))


async def follow_compressed(settings: Settings, clock: SystemClock) -> None:
    """Take market time from the compressed exchange: seconds of difference are minutes there.

    By a gateway of its own: what one measures of the venue's clock is worth nothing once ours was set.
    """
    async with gateway(settings, None, clock, lambda _event, _at: None, Taps()) as witness:
        utc_us = await witness.venue_utc_us()
    if utc_us is None:
        raise Failure(ExitCode.VENUE, "sandbox.speed: this venue does not tell its clock, so it cannot be compressed")
    clock.begin_at(utc_us)


async def fetch_route(settings: Settings, source: Gateway) -> Route:
    """The route by the venue's own market list. Raises Failure (VENUE)."""
    answer = await source.perform(Ask(0, Topic.MARKETS))
    if not isinstance(answer, MarketsFetched):
        reason = getattr(answer, "reason", "no answer")
        raise Failure(ExitCode.VENUE, f"{settings.venue.rest_url}: the market list could not be read: {reason}")
    found = {instrument.symbol: instrument for instrument in answer.instruments}
    missing = [symbol for symbol in symbols(settings) if symbol not in found]
    if missing:
        raise Failure(ExitCode.VENUE, f"{settings.venue.rest_url}: the venue lists no market {', '.join(missing)}")
    try:
        return Route(*(found[symbol] for symbol in symbols(settings)))
    except ValueError as error:
        raise Failure(ExitCode.SETTINGS, f"route: {error}") from error
