"""The REST API without a socket: a request in, a signed reply out, at a given time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.refusal import ALWAYS_CODED, EXPLANATIONS, Refusal
from arbbot.exchange.server import account, deposits, legacy, orders, public, transfers, withdrawals
from arbbot.exchange.server.auth import REASONS, Authenticator, AuthError, sign_reply
from arbbot.exchange.server.call import Behaviour, Call, Memory
from arbbot.exchange.server.limiter import Limiter
from arbbot.exchange.server.wire import HttpRequest, Json, Reply, rest_json
from arbbot.exchange.venue import Venue

PREFIX = "/api/v2/"
SIGNATURE = "X-Server-Auth-Signature"
NORMAL = Behaviour()
Endpoint = Callable[[Call], Json | Reply]
READ, TRADE, WITHDRAW, TRANSFER = ({each} for each in Permission)
ORDERS = READ | TRADE
"""Who may trade may see the account's orders, whatever else may be hidden from the key."""
ANY_METHOD = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Route:
    """An endpoint: allowed methods, path below /api/v2/ with `{variable}` parts, permissions of which a key needs one;
    none where it is public.
    """

    methods: tuple[str, ...]
    parts: tuple[str, ...]
    permissions: frozenset[Permission]
    endpoint: Endpoint

    def match(self, parts: list[str]) -> dict[str, str] | None:
        """Return the variable parts of a path, or None when it is not this route's."""
        if len(parts) != len(self.parts):
            return None
        found: dict[str, str] = {}
        for pattern, part in zip(self.parts, parts, strict=True):
            if pattern.startswith("{"):
                name, _, suffix = pattern[1:].partition("}")
                if not part.endswith(suffix) or part == suffix:
                    return None
                found[name] = part.removesuffix(suffix)
            elif pattern != part:
                return None
        return found


def _route(method: str, path: str, permission: Iterable[Permission] | None, endpoint: Endpoint) -> Route:
    methods = ANY_METHOD if method == "ANY" else (method,)
    return Route(methods, tuple(path.split("/")), frozenset(permission or ()), endpoint)


# Literal paths stand before the patterns that would swallow them.
ROUTES = (
    _route("GET", "ticker", None, public.tickers),
    _route("GET", "ticker/{market}", None, public.ticker),
    _route("GET", "ticker_hour/{market}", None, public.ticker_hour),
    _route("GET", "order_book/{market}", None, public.order_book),
    _route("GET", "transactions/{market}", None, public.transactions),
    _route("GET", "ohlc/{market}", None, public.ohlc),
    _route("GET", "markets", None, public.markets),
    _route("GET", "trading-pairs-info", None, public.trading_pairs),
    _route("GET", "currencies", None, public.currencies),
    _route("GET", "eur_usd", None, public.eur_usd),
    _route("GET", "status", None, public.status),
    _route("POST", "account_balances", READ, account.balances),
    _route("POST", "account_balances/{currency}", READ, account.balance),
    _route("POST", "balance", READ, account.old_balance),
    _route("POST", "balance/{market}", READ, account.old_balance),
    _route("POST", "fees/trading", READ, account.trading_fees),
    _route("POST", "fees/trading/{market}", READ, account.trading_fee),
    _route("POST", "fees/withdrawal", READ, withdrawals.fees),
    _route("POST", "fees/withdrawal/{currency}", READ, withdrawals.fee),
    _route("ANY", "my_markets", READ, account.my_markets),
    _route("ANY", "my_trading_pairs", READ, account.my_markets),
    _route("POST", "user_transactions", READ, account.user_transactions),
    _route("POST", "user_transactions/{market}", READ, account.user_transactions),
    _route("POST", "order_data", READ, account.public_order_events),
    _route("POST", "account_order_data", READ, account.own_order_events),
    _route("POST", "crypto-transactions", READ, deposits.crypto_transactions),
    _route("POST", "withdrawal-requests", READ, withdrawals.requests),
    _route("POST", "{currency}_address", READ, deposits.address),
    _route("POST", "{currency}_withdrawal", WITHDRAW, withdrawals.withdraw),
    _route("POST", "withdrawal/open", WITHDRAW, withdrawals.open_bank),
    _route("POST", "withdrawal/status", READ, withdrawals.bank_status),
    _route("POST", "withdrawal/cancel", WITHDRAW, withdrawals.cancel),
    _route("POST", "btc_unconfirmed", READ, deposits.unconfirmed),
    _route("POST", "transfer-to-main", TRANSFER, transfers.to_main),
    _route("POST", "transfer-from-main", TRANSFER, transfers.from_main),
    _route("POST", "get_max_order_amount", READ, orders.largest),
    _route("POST", "websockets_token", READ, account.websockets_token),
    _route("POST", "open_orders", ORDERS, orders.open_orders),
    _route("POST", "open_orders/{market}", ORDERS, orders.open_orders),
    _route("POST", "order_status", ORDERS, orders.status),
    _route("POST", "cancel_order", TRADE, orders.cancel),
    _route("POST", "cancel_all_orders", TRADE, orders.cancel_all),
    _route("POST", "cancel_all_orders/{market}", TRADE, orders.cancel_all),
    _route("POST", "replace_order", TRADE, orders.replace),
    *(
        _route("POST", f"{{side}}/{form}{{market}}", TRADE, endpoint)
        for form, endpoint in (("market/", orders.market), ("instant/", orders.instant), ("", orders.limit))
    ),
)
_BY_LENGTH = {count: [route for route in ROUTES if len(route.parts) == count]
              for count in {len(route.parts) for route in ROUTES}}  # fmt: skip


def target_of(path: str) -> str:
    """Return what a path names below /api/v2/, lower case, without slashes at the ends."""
    return unquote(path).removeprefix(PREFIX).strip("/").lower()


class Api:
    """Answers REST requests on behalf of a venue."""

    def __init__(self, venue: Venue, limiter: Limiter | None = None) -> None:
        """Serve `venue`, by default under the documented rate limits."""
        self.venue = venue
        self.memory = Memory()
        self._limiter = limiter or Limiter()
        self._authenticator = Authenticator(venue.keys)

    def answer(self, request: HttpRequest, now_us: int, wall_us: int, behaviour: Behaviour = NORMAL) -> Reply:
        """Serve one request at market time `now_us` and wall time `wall_us`, both in microseconds."""
        old = legacy.old_name(request.path)
        if old is None:
            return self._answer(request, now_us, wall_us, behaviour)
        return legacy.reshape(self._answer(legacy.modern(request, old, PREFIX), now_us, wall_us, behaviour), old)

    def _answer(self, request: HttpRequest, now_us: int, wall_us: int, behaviour: Behaviour) -> Reply:
        found = self._find(request) if request.path.startswith(PREFIX) else None
        if found is None:
            return public.NOT_FOUND
        route, place = found
        # Whatever may be read may be asked for its headers alone.
        if {"HEAD": "GET"}.get(request.method, request.method) not in route.methods:
            text = f"{request.method} method is not allowed."
            return self.refuse(request, Refusal(text, "405.001"), status=405)
        caller = request.headers.get("x-auth", "") if route.permissions else request.peer
        if not self._limiter.admit(caller, wall_us):
            return self.rate_limited(request)
        key: ApiKey | None = None
        if route.permissions:
            try:
                key = self._authenticator.check(request, wall_us, now_us)
                if self.venue.accounts[key.user_id].frozen:
                    raise AuthError("API0006")
                if not route.permissions & key.permissions:
                    raise AuthError("API0003")
            except AuthError as error:
                return self.unauthorised(request, error.code)
        text = request.body.decode("utf-8", "replace") if request.method == "POST" else request.query
        params = dict(parse_qsl(text, keep_blank_values=True))
        owner = self.venue.accounts[key.user_id] if key else None
        call = Call(self.venue, self.memory, now_us, place, params, owner, key, behaviour)
        try:
            answer = route.endpoint(call)
        except Refusal as refusal:
            return self.refuse(request, refusal)
        if isinstance(answer, Reply):
            return answer
        reply = Reply(200, rest_json(answer))
        return reply if key is None else self.sign(request, reply)

    def _find(self, request: HttpRequest) -> tuple[Route, dict[str, str]] | None:
        parts = target_of(request.path).split("/")
        for route in _BY_LENGTH.get(len(parts), ()):
            place = route.match(parts)
            if place is not None and place.get("side", "buy") in {"buy", "sell"}:
                return route, place
        return None

    def sign(self, request: HttpRequest, reply: Reply) -> Reply:
        """Add the reply signature when the caller's key is known."""
        key = self.venue.keys.get(request.headers.get("x-auth", "").removeprefix("BITSTAMP "))
        if key is None:
            return reply
        signature = sign_reply(key.secret, request.headers, reply.content_type, reply.body)
        return Reply(reply.status, reply.body, reply.content_type, {**reply.headers, SIGNATURE: signature})

    def refuse(self, request: HttpRequest, refusal: Refusal, status: int | None = None) -> Reply:
        """Spell a refusal; whether it carries its code, which status, and a signature, say the rules."""
        rules = self.venue.rules
        body: dict[str, Json] = {"status": "error", "reason": refusal.reason}
        if refusal.code is not None and (rules.coded_errors or refusal.code in ALWAYS_CODED):
            body["response_code"] = refusal.code
            if refusal.code in EXPLANATIONS and rules.coded_errors:
                body["response_explanation"] = EXPLANATIONS[refusal.code]
        return self._error(request, Reply(status or rules.error_status, rest_json(body)))

    def rate_limited(self, request: HttpRequest, status: int | None = None) -> Reply:
        """Refuse for exceeding the rate limit."""
        refusal = Refusal(EXPLANATIONS["400.002"], "400.002")
        return self.refuse(request, refusal, status or self.venue.rules.limiter_status)

    def unauthorised(self, request: HttpRequest, code: str) -> Reply:
        """Refuse a caller who could not be authenticated."""
        body: Json = {"status": "error", "reason": REASONS[code], "code": code}
        return self._error(request, Reply(403, rest_json(body)))

    def _error(self, request: HttpRequest, reply: Reply) -> Reply:
        return self.sign(request, reply) if self.venue.rules.sign_errors else reply
