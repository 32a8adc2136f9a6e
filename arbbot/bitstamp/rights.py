"""What a key may do, seen without doing it.

The venue has no call that tells a key's rights. It refuses one without the right by API0003, `No permission found`,
before it looks at the request; so a request that could not be done anyway tells. For withdrawals that is one with
neither amount nor address (documented answer: `Missing amount and/or address POST parameters`). What only lists
withdrawals, their fees or an address of the account's asks for other rights, and answers keys that cannot withdraw.
"""

from __future__ import annotations

from arbbot.bitstamp.replies import believed
from arbbot.bitstamp.reply import Answer, VenueError
from arbbot.bitstamp.requests import API, Request
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.wire import Malformed

MISSING_CODES = frozenset({"400.004", "400.005"})
"""POST parameters missing; amount missing."""
MISSING_START = "Missing amount"


def empty_withdrawal(currency: str) -> Request:
    """A request to withdraw nothing to nowhere."""
    return Request("POST", f"{API}{currency}_withdrawal/", private=True)


def shows_withdrawal_right(answer: Answer) -> bool | None:
    """Whether the answer to an empty withdrawal shows the right to withdraw; None where it shows nothing."""
    try:
        word = believed(answer, private=True)
    except Malformed:
        return None
    if not isinstance(word, VenueError):
        return True
    if word.is_no_permission:
        return False
    missing = word.code in MISSING_CODES or any(text.startswith(MISSING_START) for text in word.texts)
    return True if missing else None


async def may_withdraw(source: BitstampGateway, currency: str) -> bool | None:
    """Whether the gateway's key visibly may withdraw a currency; None where the venue does not let us see it."""
    return shows_withdrawal_right(await source.fetch(empty_withdrawal(currency)))


async def account_of(source: BitstampGateway) -> int | str:
    """The venue's number of the account that the gateway's key belongs to, or why it does not tell."""
    token = await source.stream_token()
    return token if isinstance(token, str) else token.user_id
