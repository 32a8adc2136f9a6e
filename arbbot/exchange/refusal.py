"""Why the venue refuses a call: the text clients see and the numeric code behind it."""

from __future__ import annotations

from decimal import Decimal

Reason = str | dict[str, list[str]]

EXPLANATIONS = {
    "400.002": "Request rejected due to exceeded rate limit.",
    "400.009": "Insufficient balance for provided user.",
    "400.019": "Provided client_order_id already exists.",
    "400.020": "Provided order size is lower than minimum order value.",
    "400.021": "Provided price is out of range.",
    "400.026": "POST parameter(s) is malformed: amount.",
    "400.041": "POST parameter(s) is malformed: price.",
    "403.004": "Trading is blocked for user.",
    "404.002": "Order not found for corresponding request.",
    "404.007": "Market not found for corresponding request.",
}
ALWAYS_CODED = frozenset({"400.002", "400.003", "400.021", "403.004", "404.002", "500.016"})
"""Sent in every variant of the rules: codes proven live, those that hummingbot's connector knows an unknown order by
(404.002), and those without which the text says too little (400.003, 500.016)."""


class Refusal(Exception):
    """The venue understood the call and says no.

    `reason` is the documented text, either plain or by field; `code` the response_code, if it has one.
    """

    def __init__(self, reason: Reason, code: str | None = None) -> None:
        """Hold the reason and its code."""
        super().__init__(reason if isinstance(reason, str) else str(reason))
        self.reason = reason
        self.code = code


def refused_for_all(text: str, code: str | None = None) -> Refusal:
    """Build a refusal whose text concerns the whole order, spelled under `__all__`."""
    return Refusal({"__all__": [text]}, code)


def not_enough(available: Decimal, currency: str) -> str:
    """What the venue says of a withdrawal, transfer or sale that its account cannot cover."""
    return f"You have only {available:.8f} {currency.upper()} available. Check your account balance for details."
