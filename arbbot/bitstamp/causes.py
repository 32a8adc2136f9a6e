"""Why the venue may have refused us, in words for whoever has to mend it: by code, by text, or by the page before it.

Codes and their texts as the official OpenAPI description lists them (2026-02); the cause is our reading of them, and is
told as a likelihood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

CAUSES = {
    "API0001": "the key was revoked, is not activated yet, or belongs to the other of sandbox and production",
    "API0002": "this machine's address is not on the key's list of IP addresses",
    "API0003": "the key lacks the right for this call: look at its permissions on the venue's page",
    "API0005": "the secret is not this key's",
    "API0006": "the account is frozen: the venue's support can say why",
    "API0008": "the key belongs to no customer of the venue",
    "API0009": "the account lacks particulars for the tax authorities: fill them in on the venue's page",
    "API0011": "the key is cut off, or something is in it that does not belong there",
    "403.001": "the account is not verified",
    "403.004": "the venue has blocked trading for this account",
}
PERMISSION_TEXTS = frozenset({"No permission found"})
_REGION = re.compile(r"\b(region|country|countries|jurisdiction)\b", re.IGNORECASE)
_REGION_CAUSE = "the venue does not serve the region of this account or of this machine's address"
_PAGES = {
    403: "a page instead of the API: this machine's address or region is blocked, or asks too often",
    451: "a page instead of the API: not served, for legal reasons, where this machine is",
}


def cause_of(code: str | None, texts: Iterable[str]) -> str | None:
    """The likely cause of an explicit error; None where nothing is known beyond its own words."""
    if code in CAUSES:
        return CAUSES[code]
    words = [text.rstrip(".") for text in texts]
    if any(text in PERMISSION_TEXTS for text in words):
        return CAUSES["API0003"]
    return _REGION_CAUSE if any(_REGION.search(text) for text in words) else None


def unreadable(status: int, fault: object) -> str:
    """Words for a reply that is not the API's."""
    cause = _PAGES.get(status)
    return f"HTTP {status}: {fault}" + (f" (likely {cause})" if cause else "")
