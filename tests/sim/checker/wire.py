"""S1, S2, S9, S10: what goes over the wire, against what was written before and the rate that was promised."""

from __future__ import annotations

from collections import deque
from decimal import Decimal
from urllib.parse import parse_qs

from arbbot.exchange.server.wire import HttpRequest
from tests.sim.checker.fold import Fold
from tests.sim.checker.limits import Limits
from tests.sim.checker.report import Report
from tests.sim.checker.truth import OURS, Truth

LEFT_FREE = {"CANCEL": Decimal(0), "ORDER": Decimal("0.05"), "ASK": Decimal("0.25")}
"""Share of every window that each lane leaves to those above it."""
CANCEL_WITHIN_US = 1_500_000
CLOCK_ROOM_MS = 5_000
"""The venue's clock is known to a few seconds, or nothing is decided."""


def placement(request: HttpRequest) -> dict[str, str] | None:
    """Side, market and fields of a placement; None for every other request."""
    parts = request.path.removeprefix("/api/v2/").strip("/").split("/")
    if parts[0] not in ("buy", "sell"):
        return None
    fields = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
    return fields | {"side": parts[0], "market": parts[-1], "at_market": str(len(parts) == 3)}


class WireJudge:
    """Looks at every request as it is sent."""

    def __init__(self, limits: Limits, fold: Fold, truth: Truth, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._truth = truth
        self._report = report
        self._nonces: set[str] = set()
        self._ids: set[str] = set()
        self._sent: dict[int, deque[int]] = {}
        self._cancels: deque[int] = deque()
        self.underway: dict[str, dict[str, str]] = {}
        """Placements that are on their way and will arrive."""
        self.requests = 0

    def began(self) -> None:
        """A new process counts anew and has no cancels waiting."""
        self._sent = {index: deque() for index in range(len(self._limits.windows))}
        self._cancels.clear()

    def commanded(self, word: str, now_us: int) -> None:
        """The engine commanded something."""
        if word.startswith("cancel"):
            self._cancels.append(now_us)

    def tried(self, word: str) -> None:
        """The wire was reached for a command, whether or not a byte went out."""
        if word.startswith("cancel") and self._cancels:
            self._cancels.popleft()

    def sent(self, request: HttpRequest, lane: str, mono_ns: int) -> None:
        """A request left."""
        self.requests += 1
        self._rate(lane, mono_ns)
        nonce = request.headers.get("x-auth-nonce")
        if nonce is not None:
            if nonce in self._nonces:
                self._report.fail("S10", f"nonce {nonce} is used again")
            self._nonces.add(nonce)
        fields = placement(request)
        if fields is not None:
            self._placed(fields)
        elif "/cancel_order/" in request.path:
            self._cancelled(request)

    def _rate(self, lane: str, mono_ns: int) -> None:
        for index, (count, seconds) in enumerate(self._limits.windows):
            sent = self._sent[index]
            while sent and sent[0] <= mono_ns - seconds * 1_000_000_000:
                sent.popleft()
            sent.append(mono_ns)
            allowed = count - int(count * LEFT_FREE[lane])
            if len(sent) > allowed:
                self._report.fail("S9", f"{len(sent)} requests in {seconds} s by lane {lane}, {allowed} allowed")

    def _placed(self, fields: dict[str, str]) -> None:
        name = fields.get("client_order_id", "")
        if name in self._ids:
            self._report.fail("S2", f"{name} goes over the wire a second time")
        self._ids.add(name)
        intent = self._fold.orders.get(name)
        if intent is None:
            self._report.fail("S1", f"{name} is sent without an intent in the journal")
            return
        price = None if "price" not in fields else Decimal(fields["price"])
        sent = (fields["market"], fields["side"], Decimal(fields["amount"]), price)
        told = (intent.market, intent.side, intent.size, intent.price)
        if sent != told or (fields["at_market"] == "True") is not (intent.kind == "market"):
            self._report.fail("S1", f"{name} is sent as {sent}, intended as {told}")
        expires_ms = int(fields["expire_time"]) if "gtd_order" in fields else None
        if expires_ms != intent.expire_ms:
            self._report.fail("S1", f"{name} is good till {expires_ms}, intended till {intent.expire_ms}")
        latest_ms = intent.at_us // 1000 + self._limits.force_ms + CLOCK_ROOM_MS
        if intent.kind == "limit" and (expires_ms is None or expires_ms > latest_ms):
            self._report.fail("S1", f"{name} may rest till {expires_ms}, its exit is forced before {latest_ms}")
        if intent.state != "intent":
            self._report.fail("S1", f"{name} is sent although it is {intent.state}")

    def _cancelled(self, request: HttpRequest) -> None:
        fields = parse_qs(request.body.decode())
        if "id" in fields:
            order = self._truth.account.orders.get(int(fields["id"][0]))
            name = None if order is None else order.client_order_id
            if order is not None and not (name or "").startswith(OURS):
                self._report.fail("S1", f"cancels order {fields['id'][0]}, which is the owner's")
        elif not fields["client_order_id"][0].startswith(OURS):
            self._report.fail("S1", f"cancels {fields['client_order_id'][0]}, which is not the daemon's")

    def starved(self, now_us: int) -> None:
        """A cancel that waits although there is room."""
        if not self._cancels or now_us - self._cancels[0] < CANCEL_WITHIN_US:
            return
        full = any(
            len(self._sent[index]) >= count
            for index, (count, _) in enumerate(self._limits.windows)
            if index in self._sent
        )
        if not full:
            self._report.fail(
                "S9", f"a cancel has waited for {(now_us - self._cancels[0]) // 1000} ms with room to spare"
            )
            self._cancels.popleft()

    def on_its_way(self, request: HttpRequest) -> None:
        """A request will arrive at the venue."""
        fields = placement(request)
        if fields is not None:
            self.underway[fields.get("client_order_id", "")] = fields
            self._truth.dirty = True

    def arrived(self, request: HttpRequest) -> None:
        """It did, and the venue has dealt with it."""
        fields = placement(request)
        if fields is not None:
            self.underway.pop(fields.get("client_order_id", ""), None)
            self._truth.dirty = True
