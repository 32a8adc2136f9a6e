"""One API call as endpoints see it: who calls, with what, at which market time."""

from __future__ import annotations

import secrets  # noqa: TID251 - a token must not be guessed; a test hands in its own
import string
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from arbbot.exchange.accounts import Account, ApiKey
from arbbot.exchange.listing import Listing
from arbbot.exchange.refusal import Refusal
from arbbot.exchange.server.wire import Json
from arbbot.exchange.venue import Venue
from arbbot.exchange.withdrawals import Fate

TOKEN_LENGTH = 32
TOKEN_LIFE_US = 60_000_000


def random_token() -> str:
    """A new token's text."""
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(TOKEN_LENGTH))


class Tokens:
    """WebSocket tokens: valid for 60 s of market time to subscribe with."""

    def __init__(self, mint: Callable[[], str] = random_token) -> None:
        """Start with none issued; `mint` makes their texts (a simulation wants them repeatable)."""
        self._mint = mint
        self._issued: dict[str, tuple[int, int]] = {}

    def issue(self, user_id: int, now_us: int) -> str:
        """Return a new token of the user."""
        for token in [t for t, (_, until_us) in self._issued.items() if until_us < now_us]:
            del self._issued[token]
        token = self._mint()
        self._issued[token] = (user_id, now_us + TOKEN_LIFE_US)
        return token

    def user(self, token: str, now_us: int) -> int | None:
        """Return whose token it is; None when unknown or expired."""
        user_id, until_us = self._issued.get(token, (0, -1))
        return user_id if until_us >= now_us else None


@dataclass(slots=True)
class Memory:
    """What the API remembers between calls: tokens and the cached open orders."""

    tokens: Tokens = field(default_factory=Tokens)
    open_orders: dict[tuple[int, str], tuple[int, Json]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How this one call shall deviate from the normal; set by faults.

    `fill_share`: an order trades at most this share, the rest is cancelled. `late_fill`: (delay in
    microseconds, share) of a cancelled order that fills afterwards. `hidden_us`: order_status does not
    know the order for so long. `rows_late_us`: rows of that age and younger are left out. `fate` is what
    becomes of a withdrawal; `requests_late_us`: younger withdrawal requests are left out.
    """

    fill_share: Decimal | None = None
    late_fill: tuple[int, Decimal] | None = None
    hidden_us: int = 0
    rows_late_us: int = 0
    fate: Fate = Fate.FINISHED
    requests_late_us: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """An authenticated or public call. `place` holds the path's variable parts, lower case."""

    venue: Venue
    memory: Memory
    now_us: int
    place: Mapping[str, str]
    params: Mapping[str, str]
    caller: Account | None = None
    key: ApiKey | None = None
    behaviour: Behaviour = field(default_factory=Behaviour)

    @property
    def account(self) -> Account:
        """The calling account; only private endpoints, which always have one, ask for it."""
        if self.caller is None:
            raise LookupError("a public call has no account")
        return self.caller

    @property
    def listing(self) -> Listing:
        """The market named in the path; raises Refusal when it is not listed."""
        return self.venue.listing(self.place["market"])

    def decimal(self, name: str, code: str) -> Decimal:
        """Read a decimal parameter; raises Refusal when it is missing or malformed."""
        text = self.params.get(name, "")
        if not text:
            raise Refusal("Missing amount and/or price POST parameters", "400.004")
        try:
            value = Decimal(text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or "_" in text or not text.isascii():
            raise Refusal({name: [f"'{text}': Enter a number. Use \".\" as a decimal point."]}, code)
        return value

    def integer(self, name: str, default: int, low: int, high: int, refusal: Refusal) -> int:
        """Read an integer parameter within bounds; raises `refusal` otherwise."""
        text = self.params.get(name)
        if text is None:
            return default
        if not text.isascii() or not text.isdigit() or not low <= int(text[:19]) <= high:
            raise refusal
        return int(text[:19])

    def flag(self, name: str) -> bool:
        """Read a boolean parameter; clients write `True`, `true` or `1`."""
        return self.params.get(name, "").lower() in {"true", "1"}
