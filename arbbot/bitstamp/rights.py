"""What a key may do, seen without doing it.

The venue has no call that tells a key's rights. It refuses one without the right by API0003, `No permission found`,
before it looks at the request; so a request that could not be done anyway tells. For withdrawals that is one with
neither amount nor address (documented answer: `Missing amount and/or address POST parameters`; met as well: errors by
field). What only lists withdrawals, their fees or an address of the account's asks for other rights, and answers keys
that cannot withdraw.
"""

from __future__ import annotations

import asyncio
from enum import Enum

from arbbot.bitstamp.replies import believed
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError, is_rate_limited, parsed_body
from arbbot.bitstamp.requests import API, Request
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.wire import Malformed

MISSING_CODES = frozenset({"400.004", "400.005"})
"""POST parameters missing; amount missing."""
MISSING_START = "Missing amount"
MISSING_FIELDS = frozenset({"amount", "address"})
"""What an empty withdrawal lacks: an error of either is one of a request that was read."""
TRIES = 3
AGAIN_S = 1.0
"""Between two, of this machine's time."""


class Withdrawal(Enum):
    """What was seen of the right to withdraw."""

    MAY = "may"
    MAY_NOT = "may not"
    HIDDEN = "hidden"
    """The venue answered, and its answer shows nothing."""
    SILENT = "silent"
    """There was no answer to this question: nothing came, or an outage or a limit spoke instead."""


def empty_withdrawal(currency: str) -> Request:
    """A request to withdraw nothing to nowhere."""
    return Request("POST", f"{API}{currency}_withdrawal/", private=True)


def shows_withdrawal_right(answer: Answer) -> Withdrawal:
    """What the answer to an empty withdrawal shows of the right to withdraw."""
    if isinstance(answer, NoReply) or answer.status >= 500 or is_rate_limited(answer):
        return Withdrawal.SILENT
    try:
        word = believed(answer, private=True)
    except Malformed:
        genuine = answer.status >= 400 and answer.seal is not Seal.WRONG
        return Withdrawal.HIDDEN if genuine else Withdrawal.SILENT
    if not isinstance(word, VenueError):
        return Withdrawal.MAY
    if word.is_no_permission:
        return Withdrawal.MAY_NOT
    missing = word.code in MISSING_CODES or any(text.startswith(MISSING_START) for text in word.texts)
    return Withdrawal.MAY if missing or _names_missing(answer) else Withdrawal.HIDDEN


def _names_missing(reply: Reply) -> bool:
    """Whether an error's reasons are told by field, of amount or address among them."""
    parsed = parsed_body(reply)
    reasons = [parsed.get(key) for key in ("reason", "error", "message")] if isinstance(parsed, dict) else []
    return any(isinstance(fields, dict) and MISSING_FIELDS & fields.keys() for fields in reasons)


async def may_withdraw(source: BitstampGateway, currency: str) -> Withdrawal:
    """Whether the gateway's key visibly may withdraw a currency; asked again a few times where nobody answers."""
    for tried in range(TRIES):
        if tried:
            await asyncio.sleep(AGAIN_S)
        seen = shows_withdrawal_right(await source.fetch(empty_withdrawal(currency)))
        if seen is not Withdrawal.SILENT:
            return seen
    return Withdrawal.SILENT


async def account_of(source: BitstampGateway) -> int | str:
    """The venue's number of the account that the gateway's key belongs to, or why it does not tell."""
    token = await source.stream_token()
    return token if isinstance(token, str) else token.user_id
