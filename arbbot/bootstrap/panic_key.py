"""Which key a panic uses: its own, but not one that would cancel the orders of somebody else's account."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from arbbot.bitstamp.rights import account_of
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import Taps, gateway
from arbbot.ports import Clock
from arbbot.settings import KeyRole, Keys, Settings, SettingsError, find_keys, read_keys
from arbbot.settings.secrets import refused

T = TypeVar("T")
Found = Keys | SettingsError | None

LOOK_S = 2.0
"""How long a panic waits for its keys, and then to learn whose they are, of Vault and the venue, which take a fraction
of it.
"""
LATE = f"not to be had within {LOOK_S:g} s"


async def panic_key(settings: Settings, clock: Clock) -> Keys | None:
    """The panic key, or the trading key where there is none that can be had in time or where the venue says that it is
    of another account; None in paper mode. What is not known keeps nobody from cancelling. Raises SettingsError where
    there is no key at all.
    """
    own, trading = await _looked_up(settings)
    if not isinstance(own, Keys):
        if own is not None:
            say(f"panic: the panic key cannot be used, cancelling by the trading key: {own}")
        if isinstance(trading, SettingsError):
            raise trading
        return trading
    if not isinstance(trading, Keys) or trading.key_id == own.key_id:
        return own
    theirs, ours = await asyncio.gather(*(_in_time(_account(settings, keys, clock)) for keys in (own, trading)))
    if theirs is None or ours is None or theirs == ours:
        return own
    say(f"panic: THE PANIC KEY IS OF ANOTHER ACCOUNT, {theirs}; cancelling by the trading key, of account {ours}")
    return trading


async def _looked_up(settings: Settings) -> tuple[Found, Found]:
    """The panic key and the trading key, looked for at once: what is found by `LOOK_S`, and only where no key is found
    by then the first that is.
    """
    looks = [
        asyncio.create_task(asyncio.to_thread(_found, settings, role)) for role in (KeyRole.PANIC, KeyRole.TRADING)
    ]
    await asyncio.wait(looks, timeout=LOOK_S)
    while (late := [look for look in looks if not look.done()]) and not any(
        look.done() and isinstance(look.result(), Keys) for look in looks
    ):
        await asyncio.wait(late, return_when=asyncio.FIRST_COMPLETED)
    own, trading = (look.result() if look.done() else refused(LATE) for look in looks)
    return own, trading


def _found(settings: Settings, role: KeyRole) -> Found:
    """The key of a role, or why there is none: its error is no exception, since another key may serve."""
    try:
        return find_keys(settings, role) if role is KeyRole.PANIC else read_keys(settings, role)
    except SettingsError as error:
        return error


async def _in_time(question: Coroutine[Any, Any, T | None]) -> T | None:
    """What a question told; None where it took too long."""
    try:
        async with asyncio.timeout(LOOK_S):
            return await question
    except TimeoutError:
        return None


async def _account(settings: Settings, keys: Keys, clock: Clock) -> int | None:
    """The account of a key; None where the venue does not tell."""
    async with gateway(settings, keys, clock, lambda _event, _at: None, Taps()) as source:
        told = await account_of(source)
    return None if isinstance(told, str) else told
