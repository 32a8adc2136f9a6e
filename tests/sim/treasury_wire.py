"""The treasury's way to the venue in a life: its own key, real bytes, and what gets lost on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from random import Random
from typing import Any

from arbbot.bitstamp.auth import Credentials, SignedRequest, Signer
from arbbot.bitstamp.replies import Reading, believed
from arbbot.bitstamp.reply import Answer, NoReply, Reply, Seal, VenueError
from arbbot.bitstamp.requests import Request
from arbbot.bitstamp.wire import JsonValue, Malformed
from arbbot.exchange.accounts import ApiKey, Permission
from arbbot.exchange.faults import FAULTS, Fault
from arbbot.exchange.server.rest_faults import behaviour
from arbbot.exchange.server.wire import HttpRequest
from tests.sim.clockwork import MS, SECOND
from tests.sim.counter import Counter
from tests.sim.lists import Listing, listing_of
from tests.sim.world import World

KEY, SECRET, HOST = "SimTreasuryKey00000000000000000001", "SimTreasurySecret000000000000000001", "venue.test"
TIMEOUT_US = 10 * SECOND
LOST = ("lost_before", "lost_after", "http_502", "http_502_taken", "mis_signed", "not_sent", "late_arrival")
LOST_ASKING = LOST[:-1]
LATEST_S = 140
"""After so long the venue still takes a request that was on its way; it refuses those 150 s old."""
FATES = ("", "", "", "withdrawal_failed", "withdrawal_canceled", "withdrawal_stuck", "withdrawal_reversed")


class TreasuryWire:
    """Sends one request at a time. `fee`: what a withdrawal costs, for lists that spell it in or out."""

    def __init__(self, world: World, counter: Counter, rng: Random, fee: Decimal, market: str) -> None:
        self._world = world
        self._counter = counter
        self._rng = rng
        self._fee = fee
        self._signer = Signer(Credentials(KEY, SECRET), HOST)
        self.faults = bool(world.plan.disturbances)
        self.listing = listing_of(world.plan.seed) if self.faults else Listing(None, one_day=False)
        self.reading = Reading((market,), world.plan.signed_errors_only)
        world.venue.add_key(ApiKey(KEY, SECRET, world.account.user_id, frozenset(Permission)))

    def send(
        self, request: Request, *, risky: bool = False, arrived: Callable[[], None] = lambda: None
    ) -> tuple[Answer, int]:
        """The answer, and how long it takes. What moves money is lost often, a question seldom."""
        rng, world = self._rng, self._world
        fault = ""
        if self.faults and rng.random() < (0.4 if risky else 0.03):
            fault = rng.choice(LOST if risky else LOST_ASKING)
            world.reached(f"treasury fault {fault}")
        if fault == "not_sent":
            return NoReply(False, "ClientConnectorError"), 20 * MS
        if fault == "lost_before":
            return NoReply(True, "TimeoutError"), TIMEOUT_US
        if fault == "http_502":
            return Reply(502, b"<html>", "text/html"), 60 * MS
        sent, signed = self._signed(request)
        fate = rng.choice(FATES) if risky and self.faults else ""
        if fault == "late_arrival":
            late_us = rng.randint(TIMEOUT_US, LATEST_S * SECOND)
            world.clock.after(late_us, lambda: self._arrive(sent, signed, fate, arrived))
            return NoReply(True, "TimeoutError"), TIMEOUT_US
        answer = self._served(sent, signed, fate, arrived)
        if fault == "lost_after":
            return NoReply(True, "TimeoutError"), TIMEOUT_US
        if fault == "http_502_taken":
            return Reply(502, b"<html>", "text/html"), 60 * MS
        if fault == "mis_signed" and request.private:
            return replace(answer, seal=Seal.WRONG), 60 * MS
        return answer, 60 * MS

    def _signed(self, request: Request) -> tuple[HttpRequest, SignedRequest | None]:
        """The bytes of now, for whenever they arrive."""
        headers, signed = {"host": HOST}, None
        if request.private:
            raw = f"{self._rng.getrandbits(128):032x}"
            nonce = f"{raw[:8]}-{raw[8:12]}-{raw[12:16]}-{raw[16:20]}-{raw[20:]}"
            stamp_ms = self._world.clock.moment().utc_us // 1000
            signed = self._signer.sign(request.method, request.path, request.query, request.body, nonce, stamp_ms)
            headers |= {name.lower(): value for name, value in signed.headers.items()}
        return HttpRequest(request.method, request.path, request.query, headers, request.body, "192.0.2.2"), signed

    def _arrive(self, sent: HttpRequest, signed: SignedRequest | None, fate: str, arrived: Callable[[], None]) -> None:
        """At last; nobody waits for the answer."""
        self._served(sent, signed, fate, arrived)

    def _served(self, sent: HttpRequest, signed: SignedRequest | None, fate: str, arrived: Callable[[], None]) -> Reply:
        world, api = self._world, self._counter.api
        world.venue.advance(world.clock.now_us)
        struck = {fate: Fault(fate, "*", None, 1.0, dict(FAULTS[fate].defaults))} if fate else {}
        reply = api.answer(sent, world.clock.now_us, world.clock.now_us, behaviour(struck))
        told = self.listing.told(sent, reply, self._fee, world.clock.now_us)
        reply = reply if told is reply else api.sign(sent, told)
        arrived()
        world.checker.truth.dirty = True
        signature, seal = reply.headers.get("X-Server-Auth-Signature"), Seal.NONE
        if signature is not None and signed is not None:
            genuine = self._signer.verify(signed, reply.content_type, reply.body, signature)
            seal = Seal.VALID if genuine else Seal.WRONG
        return Reply(reply.status, reply.body, reply.content_type, seal, None)

    def read(self, answer: Answer, read: Callable[[JsonValue], Any], *, private: bool = True) -> Any:
        """What a reply tells; None for one that tells nothing."""
        try:
            word = believed(answer, private=private, require_signed_errors=self.reading.require_signed_errors)
            return None if isinstance(word, VenueError) else read(word)
        except Malformed:
            return None
