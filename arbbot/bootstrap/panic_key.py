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

T = TypeVar("T")

LOOK_S = 2.0
"""How long a panic waits to learn whose its keys are, for Vault and for the venue, which take a fraction of it."""


async def panic_key(settings: Settings, clock: Clock) -> Keys | None:
    """The panic key, or the trading key where there is none that can be used or where the venue says that it is of
    another account; None in paper mode. What is not known keeps nobody from cancelling. Raises Failure (SECRET) where
    there is no key at all.
    """
    try:
        own = find_keys(settings, KeyRole.PANIC)
    except SettingsError as error:
        say(f"panic: the panic key cannot be used, cancelling by the trading key: {error}")
        own = None
    if own is None:
        return read_keys(settings)
    trading = await _in_time(asyncio.to_thread(_trading, settings))
    if trading is None or trading.key_id == own.key_id:
        return own
    theirs, ours = await asyncio.gather(*(_in_time(_account(settings, keys, clock)) for keys in (own, trading)))
    if theirs is None or ours is None or theirs == ours:
        return own
    say(f"panic: THE PANIC KEY IS OF ANOTHER ACCOUNT, {theirs}; cancelling by the trading key, of account {ours}")
    return trading


def _trading(settings: Settings) -> Keys | None:
    """The trading key, where it can be had: another panic key is not worth an error of this one."""
    try:
        return find_keys(settings, KeyRole.TRADING)
    except SettingsError:
        return None


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
