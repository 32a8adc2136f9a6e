"""Keys that may do more than their role needs, or belong to somebody else: seen at the venue before they are used."""

from __future__ import annotations

from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.rights import TRIES, Withdrawal, account_of, may_withdraw
from arbbot.domain.commands import Ask, CancelOrder, Topic
from arbbot.domain.events import BalancesFetched, CancelResult, OpenOrdersFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings import KeyRole, RunMode, Settings, WithdrawalRight

NO_SUCH_ORDER = "arbbot-check-no-such-order"
MAY = "may withdraw, which trading does not need"
MEND = (
    "make a key without that right at the venue and use that, or, knowing what a thief of this one could do, set "
    "keys.withdrawal_right = allow"
)


LOOK_THERE = "look at the key's rights on the venue's own page"
HIDDEN = f"WARNING: NOT KNOWN whether it may withdraw: the venue does not let us see it; {LOOK_THERE}"
SILENT = f"NOT KNOWN whether it may withdraw: asked {TRIES} times, the venue gave no answer; {LOOK_THERE}"
NEEDED = "; without an answer it is not used: try again, or, having looked, set keys.withdrawal_right = unasked"


async def withdrawal_words(
    settings: Settings, source: BitstampGateway, base: str, *, answer_needed: bool = False
) -> tuple[bool | None, str]:
    """(whether the trading key is fit, what to say of it); None where nothing could be seen. A key about which nobody
    answered is not fit in live mode, nor where an `answer_needed`; an answer that shows nothing refuses nobody.
    """
    wish = settings.keys.withdrawal_right
    if wish is WithdrawalRight.UNASKED:
        return (None, "may withdraw? not asked: keys.withdrawal_right is unasked")
    seen = await may_withdraw(source, base)
    if seen is Withdrawal.MAY_NOT:
        return (True, f"may not withdraw {base}")
    if seen is Withdrawal.HIDDEN:
        return (None, HIDDEN)
    allowed = wish is WithdrawalRight.ALLOW
    if seen is Withdrawal.SILENT:
        needed = not allowed and (answer_needed or settings.mode is RunMode.LIVE)
        return (False, f"{SILENT}{NEEDED}") if needed else (None, f"WARNING: {SILENT}")
    if allowed:
        return (None, f"WARNING: {MAY}; allowed by keys.withdrawal_right")
    return (False, f"{MAY}: {MEND}")


async def refuse_withdrawal_right(settings: Settings, source: BitstampGateway, base: str) -> str:
    """What to say of the trading key. Raises Failure (SECRET) where it may withdraw and must not, or where in live mode
    nobody says whether it may.
    """
    fit, words = await withdrawal_words(settings, source, base)
    if fit is False:
        raise Failure(ExitCode.SECRET, f"the trading key: {words}" if SILENT in words else f"the trading key {words}")
    return words


async def may_trade(source: BitstampGateway, market: str) -> tuple[bool | None, str]:
    """Whether a key may trade, or cancel: a cancel of an order that cannot exist moves nothing, and tells."""
    answer = await source.perform(CancelOrder(NO_SUCH_ORDER, None, market))
    if isinstance(answer, CancelResult) and answer.outcome == "not_found":
        return (True, "may trade")
    return (False, f"may not trade: {getattr(answer, 'reason', 'no answer')}")


async def role_words(
    role: KeyRole, source: BitstampGateway, trading: int | str, base: str, *, settles: bool
) -> list[tuple[bool | None, str]]:
    """The same of another role's key: whose account it is by the trading key's, and whether it may do its work. A main
    account's treasury key may serve its sub-accounts, but not where it `settles`: what leaves is the trading account's.
    """
    same, words = whose(trading, await account_of(source))
    fit = None if role is KeyRole.TREASURY and same is False and not settles else same
    words = f"{words}; settle needs one of the same" if role is KeyRole.TREASURY and fit is False else words
    return [(fit, words), await _may_work(role, source, base)]


def whose(trading: int | str, other: int | str) -> tuple[bool | None, str]:
    """Whether two keys are of one account, by the venue's numbers of theirs or the words why it does not tell."""
    if isinstance(trading, str) or isinstance(other, str):
        return (None, "of the trading key's account? the venue does not let us see it")
    if trading != other:
        return (False, f"of ANOTHER ACCOUNT: {other}, and the trading key of {trading}")
    return (True, "of the trading key's account")


async def _may_work(role: KeyRole, source: BitstampGateway, base: str) -> tuple[bool | None, str]:
    if role is KeyRole.PANIC:
        looked = await source.perform(Ask(0, Topic.OPEN_ORDERS))
        if not isinstance(looked, OpenOrdersFetched):
            return (False, f"may not list open orders: {getattr(looked, 'reason', 'no answer')}")
        fit, words = await may_trade(source, "")
        return (fit, words.replace("trade", "cancel"))
    if role is KeyRole.TREASURY:
        seen = await may_withdraw(source, base)
        fits = {Withdrawal.MAY: True, Withdrawal.MAY_NOT: False}
        return (fits.get(seen), f"{seen.value} withdraw {base}" if seen in fits else "may withdraw? not seen")
    read = await source.perform(Ask(0, Topic.BALANCES))
    reason = getattr(read, "reason", "no answer")
    return (True, "reads the account") if isinstance(read, BalancesFetched) else (False, f"reads nothing: {reason}")
