"""The journal's lines folded by our own rules: what the daemon says it intended, saw and owns."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

Json = dict[str, Any]
ZERO = Decimal(0)
RowName = tuple[int, int | None]
"""A row's id and its order's: the two rows of a self-trade share the id."""
FillName = tuple[int, str]
"""A trade's id and the client order id: both orders of a trade may be the daemon's."""
ENDED = frozenset({"rejected", "filled", "canceled", "expired", "absent"})
BY_A_PERSON = "declared absent by "
"""How the cause of an order's end begins where a person's word is the cause."""
UNREAD = frozenset({"account_unread", "auth_refused"})
"""Alerts by which a person hears that nothing of the account can be read: no row is booked, no rebase done."""


@dataclass(slots=True)
class Intent:
    """An order as the journal knows it."""

    name: str
    hedge: str
    purpose: str
    market: str
    side: str
    kind: str
    size: Decimal
    price: Decimal | None
    at_us: int
    """True time of its commit."""
    expire_ms: int | None
    """Good till then, by the venue's clock."""
    state: str = "intent"
    filled: Decimal = ZERO

    @property
    def sign(self) -> int:
        """+1 for a purchase."""
        return 1 if self.side == "buy" else -1


@dataclass(slots=True)
class HedgeStory:
    """A hedge as the journal knows it."""

    body: Json
    orders: list[str] = field(default_factory=list)
    plans: int = 0
    """Exits planned that an order must follow."""
    exits: int = 0
    closed: Json | None = None
    settled: Json | None = None


@dataclass(slots=True)
class Fold:
    """Everything the lines say. What does not fit is for the judges to say; the fold goes on."""

    orders: dict[str, Intent] = field(default_factory=dict)
    hedges: dict[str, HedgeStory] = field(default_factory=dict)
    open_hedge: str | None = None
    open_conversion: str | None = None
    mode: str = "active"
    position: Decimal = ZERO
    owned: dict[str, Decimal] = field(default_factory=dict)
    rounding: dict[str, Decimal] = field(default_factory=dict)
    traded: dict[str, Decimal] = field(default_factory=dict)
    """What the daemon's own trades have changed, fees in."""
    anchored: bool = False
    before_anchor: frozenset[str] = frozenset()
    """Hedges that the present opening contains."""
    cursor: int = 0
    rows: set[RowName] = field(default_factory=set)
    fills: set[FillName] = field(default_factory=set)
    agreed: bool = False
    alerts: list[Json] = field(default_factory=list)
    alerts_before: int = 0
    """How many of them earlier processes raised."""
    unread: bool = False
    """A person was told that nothing of the account can be read, and the venue has shown nothing of it since."""
    stopped: Json | None = None
    lines: int = 0

    def take(self, kind: str, line: Json, now_us: int) -> None:
        """Fold one line in."""
        self.lines += 1
        step = getattr(self, f"_{kind}", None)
        if step is not None:
            step(line, now_us)

    def _order_intended(self, line: Json, now_us: int) -> None:
        terms = line["terms"]
        name, hedge = terms["client_order_id"], terms["hedge_id"]
        price = None if terms["price"] is None else Decimal(terms["price"])
        self.orders[name] = Intent(
            name, hedge, terms["purpose"], terms["market"], terms["side"], terms["kind"], Decimal(terms["size"]), price,
            now_us, terms["expire_utc_ms"],
        )  # fmt: skip
        if hedge in self.hedges:
            story = self.hedges[hedge]
            story.orders.append(name)
            if terms["purpose"] != "leg":
                story.exits += 1
        self.agreed = False

    def _order_moved(self, line: Json, now_us: int) -> None:
        order = self.orders.get(line["client_order_id"])
        if order is not None:
            order.state = line["state"]

    def _fill_booked(self, line: Json, now_us: int) -> None:
        fill = line["fill"]
        self.fills.add((fill["trade_id"], line["client_order_id"]))
        order = self.orders.get(line["client_order_id"])
        if order is None:
            return
        order.filled += Decimal(fill["size"])
        if order.purpose != "convert":
            self.position += order.sign * Decimal(fill["size"])
        self.agreed = False

    def _row_booked(self, line: Json, now_us: int) -> None:
        row = line["row"]
        self.rows.add((row["transaction_id"], row["order_id"]))
        for entry in line["entries"]:
            if entry["account"] == "venue":
                self._own(entry["currency"], Decimal(entry["delta"]))
            elif entry["account"] in ("trading", "fees"):
                traded = self.traded.get(entry["currency"], ZERO)
                self.traded[entry["currency"]] = traded - Decimal(entry["delta"])
        self.agreed = self.unread = False

    def _transit_booked(self, line: Json, now_us: int) -> None:
        for entry in line["entries"]:
            if entry["account"] == "venue":
                self._own(entry["currency"], Decimal(entry["delta"]))
        self.agreed = False

    def _own(self, currency: str, delta: Decimal) -> None:
        self.owned[currency] = self.owned.get(currency, ZERO) + delta

    def _anchor_set(self, line: Json, now_us: int) -> None:
        self.owned = {each["currency"]: Decimal(each["total"]) for each in line["holdings"]}
        self.rounding.clear()
        self.traded.clear()
        self.position = ZERO
        self.rows.clear()
        self.cursor = line["cursor"]
        self.anchored = self.agreed = True
        self.unread = False
        self.before_anchor = frozenset(self.hedges)

    def _statement_agreed(self, line: Json, now_us: int) -> None:
        for each in line["currencies"]:
            rounding = Decimal(each["rounding"])
            self._own(each["currency"], rounding)
            self.rounding[each["currency"]] = self.rounding.get(each["currency"], ZERO) + rounding
        self.agreed, self.unread = True, False

    def _discrepancy(self, line: Json, now_us: int) -> None:
        self.agreed = self.unread = False

    def _hedge_opened(self, line: Json, now_us: int) -> None:
        self.hedges[line["hedge_id"]] = HedgeStory(line)
        self.open_hedge = line["hedge_id"]

    def _conversion_opened(self, line: Json, now_us: int) -> None:
        self.open_conversion = line["conversion_id"]

    def _conversion_closed(self, line: Json, now_us: int) -> None:
        self.open_conversion = None

    def _exit_planned(self, line: Json, now_us: int) -> None:
        if line["action"] != "leave" and line["hedge_id"] in self.hedges:
            self.hedges[line["hedge_id"]].plans += 1

    def _hedge_closed(self, line: Json, now_us: int) -> None:
        if line["hedge_id"] in self.hedges:
            self.hedges[line["hedge_id"]].closed = line
        self.open_hedge = None

    def _hedge_settled(self, line: Json, now_us: int) -> None:
        if line["hedge_id"] in self.hedges:
            self.hedges[line["hedge_id"]].settled = line

    def _mode_changed(self, line: Json, now_us: int) -> None:
        self.mode = line["mode"]

    def _alert_raised(self, line: Json, now_us: int) -> None:
        self.alerts.append(line)
        self.unread = self.unread or line["name"] in UNREAD

    def _started(self, line: Json, now_us: int) -> None:
        self.stopped = None
        self.alerts_before = len(self.alerts)
        self.unread = False

    def _stopped(self, line: Json, now_us: int) -> None:
        self.stopped = line


def parsed(body: str) -> Json:
    """A journal line's fields."""
    line: Json = orjson.loads(body)
    return line
