"""What the answer to a call that moves money in or out of the account proves. Pure.

The rules are those of orders: a refusal is believed only from the allow-lists below, or when provably nothing was
sent. Everything else is doubt, above all silence: the venue takes the same withdrawal twice if it is asked twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from arbbot.bitstamp import codec_funding
from arbbot.bitstamp.outcome import NONCE_CODE
from arbbot.bitstamp.replies import believed
from arbbot.bitstamp.reply import RATE_LIMIT_CODES, Answer, NoReply, VenueError
from arbbot.bitstamp.wire import JsonValue, Malformed
from arbbot.domain.funding import (
    FundingDone,
    FundingInDoubt,
    FundingOutcome,
    FundingRefused,
    WithdrawalAccepted,
    WithdrawalOutcome,
)

REFUSING_CODES = RATE_LIMIT_CODES | {
    "400.004",  # parameter missing
    "400.005",  # amount missing
    "400.007",  # malformed request
    "400.009",  # insufficient balance
    "400.018",  # GET parameters not allowed
    "400.026",  # malformed amount
    "400.035",  # id missing
    "400.036",  # malformed id
    "400.038",  # amount too large
    "400.046",  # amount too low
    "403.001",  # user not verified
    "403.002",  # lending account
    "403.003",  # collateral account
    "404.006",  # no such currency
    "405.001",  # GET not allowed
    "410.001",  # endpoint gone
}

_NUMBER = r"-?[0-9.,eE+-]+"
REFUSING_TEXTS = re.compile(
    "|".join(
        (
            r"Missing amount and/or address POST parameters\.?",
            r"Missing parameters: \[.{0,200}\]\.?",
            r"This field is required\.",
            r"('.{0,60}': )?Enter a number\. Use \"\.\" as a decimal point\.?",
            r"Ensure that there are no more than \d+ (decimal places|digits in total)\.",
            r"Ensure this value is (greater|less) than or equal to " + _NUMBER + r"\.?",
            r"Ensure this value has at (least|most) \d+ characters \(it has \d+\)\.?",
            r"Select a valid choice\. .{0,60} is not one of the available choices\.",
            r"You have only " + _NUMBER + r" [A-Z0-9]{2,12} available\. Check your account balance for details\.?",
            r"Not allowed to withdraw to specified [A-Z0-9]{2,12} address\.?",
            r"[A-Z0-9]{2,12} withdrawals are currently unavailable for your account\.?",
            r"Your withdrawals are currently disabled.{0,200}",
            r"User not verified\.?",
            r"Invalid network selection\.?",
            r"(Contact|Vasp) does not exist\.?",
            r"(contact_uuid: )?You must set this field because contact_thirdparty=True\.?",
            r"Sub account with identifier \".{0,40}\" does not exist\.?",
        )
    )
)
"""The documentation's reasons for withdrawals and transfers that say that nothing was done, whichever shape they come
in.
"""

Done = TypeVar("Done")


def withdrawal(answer: Answer, require_signed_errors: bool = False) -> WithdrawalOutcome:
    """What became of a withdrawal."""
    return _outcome(answer, lambda word: WithdrawalAccepted(codec_funding.withdrawal_id(word)), require_signed_errors)


def transfer(answer: Answer, require_signed_errors: bool = False) -> FundingOutcome:
    """What became of a transfer between accounts."""

    def read(word: JsonValue) -> FundingDone:
        codec_funding.transferred(word)
        return FundingDone()

    return _outcome(answer, read, require_signed_errors)


def _outcome(
    answer: Answer, read: Callable[[JsonValue], Done], require_signed_errors: bool
) -> Done | FundingRefused | FundingInDoubt:
    if isinstance(answer, NoReply):
        if answer.sent:
            return FundingInDoubt(answer.reason)
        return FundingRefused("local_rate_limit" if answer.rate_limited else "not_sent", answer.reason)
    try:
        word = believed(answer, private=True, require_signed_errors=require_signed_errors)
        if not isinstance(word, VenueError):
            return read(word)
    except Malformed as fault:
        return FundingInDoubt(f"HTTP {answer.status}: {fault}")
    if answer.status < 500 and _refuses(word):
        return FundingRefused(word.code or "text", str(word), word.is_auth)
    return FundingInDoubt(f"HTTP {answer.status}: {word}", word.is_auth)


def _refuses(error: VenueError) -> bool:
    """By its code where it has one, else by every single one of its texts."""
    if error.code == NONCE_CODE:
        return False
    if error.is_auth:
        return True
    if error.code is not None:
        return error.code in REFUSING_CODES
    return bool(error.texts) and all(REFUSING_TEXTS.fullmatch(text) for text in error.texts)
