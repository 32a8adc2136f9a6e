"""Which key a panic uses: its own, but not one that would cancel the orders of somebody else's account."""

from __future__ import annotations

import asyncio

from arbbot.bitstamp.rights import account_of
from arbbot.bootstrap.terminal import say
from arbbot.bootstrap.wiring import Taps, gateway
from arbbot.ports import Clock
from arbbot.settings import KeyRole, Keys, Settings, SettingsError, find_keys, read_keys

LOOK_S = 2.0
"""How long a panic waits to learn whose its keys are; the venue answers in a fraction of it."""


async def panic_key(settings: Settings, clock: Clock) -> Keys | None:
    """The panic key, or the trading key where there is none or where the venue says that it is of another account; None
    in paper mode. What is not known keeps nobody from cancelling. Raises Failure (SECRET) where there is no key.
    """
    own = find_keys(settings, KeyRole.PANIC)
    if own is None:
        return read_keys(settings)
    try:
        trading = find_keys(settings, KeyRole.TRADING)
    except SettingsError:
        return own
    if trading is None or trading.key_id == own.key_id:
        return own
    theirs, ours = await asyncio.gather(*(_account(settings, keys, clock) for keys in (own, trading)))
    if theirs is None or ours is None or theirs == ours:
        return own
    say(f"panic: THE PANIC KEY IS OF ANOTHER ACCOUNT, {theirs}; cancelling by the trading key, of account {ours}")
    return trading


async def _account(settings: Settings, keys: Keys, clock: Clock) -> int | None:
    """The account of a key; None where it does not tell in time."""
    try:
        async with asyncio.timeout(LOOK_S):
            async with gateway(settings, keys, clock, lambda _event, _at: None, Taps()) as source:
                told = await account_of(source)
    except TimeoutError:
        return None
    return None if isinstance(told, str) else told
