"""Private endpoints that move money between a main account and its sub-accounts."""

from __future__ import annotations

from decimal import Decimal

from arbbot.exchange.accounts import Account
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.call import Call
from arbbot.exchange.server.wire import Json


def to_main(call: Call) -> Json:
    """From a sub-account to its main account. A sub-account's own key need not say whose money is meant."""
    caller = call.account
    if caller.main_id is not None:
        return _transfer(call, caller, call.venue.accounts[caller.main_id], ("amount", "currency"))
    return _transfer(call, None, caller, ("amount", "currency", "subAccount"))


def from_main(call: Call) -> Json:
    """From the main account, whose key it must be, to a sub-account."""
    if call.account.main_id is not None:
        raise Refusal("No permission found")
    return _transfer(call, call.account, None, ("amount", "currency", "subAccount"))


def _transfer(call: Call, source: Account | None, target: Account | None, wanted: tuple[str, ...]) -> Json:
    """Move the money; None stands for the sub-account the call names."""
    missing = [name for name in wanted if not call.params.get(name)]
    if missing:
        spelled = ", ".join(f'"{name}"' for name in missing)
        raise Refusal(f"Missing parameters: [{spelled}].", "400.004")
    currency, amount = call.params["currency"].lower(), call.decimal("amount", "400.026")
    if currency not in call.account.balances:
        text = f"Select a valid choice. {call.params['currency']} is not one of the available choices."
        raise Refusal({"currency": [text]})
    if amount <= 0 or amount != amount.quantize(Decimal("1e-8")):
        raise Refusal({"amount": ["Ensure this value is greater than or equal to 1E-8."]})
    call.venue.transfer(source or _named(call), target or _named(call), currency, amount, call.now_us)
    return {"status": "ok"}


def _named(call: Call) -> Account:
    """The caller's sub-account that the call names."""
    wanted = call.params["subAccount"]
    for account in call.venue.accounts.values():
        if account.main_id == call.account.user_id and str(account.user_id) == wanted:
            return account
    raise Refusal(f'Sub account with identifier "{wanted}" does not exist.', "404.001")
