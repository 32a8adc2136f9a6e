"""Holds a journal against the venue's truth. Reads SQLite and JSON by itself and shares no code with the engine."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

Json = dict[str, Any]
TRADE_ROW, WITHDRAWAL_ROW = 2, 1
ENDED = {"rejected", "filled", "canceled", "expired", "absent"}
ACCEPTED_FOR_S = 150
"""The venue takes requests for this long after their own time stamp."""
BASE, FOREIGN = "btc", "eur"
"""What is hedged: only markets that begin with it move the position. What is converted back."""
KINDS = {"market": {"MARKET"}, "limit": {"LIMIT", "GTD"}, "ioc": {"IOC"}}
LEFT_OPEN = frozenset({"stopped_not_flat", "leg_open", "hedge_abandoned"})
"""Alerts by which a person hears that something is one-sided."""


@dataclass(slots=True)
class Journal:
    """The lines of a journal on disk, read on as they come."""

    path: Path
    lines: list[Json] = field(default_factory=list)

    def read(self) -> list[Json]:
        """All lines so far: a record's fields, with its `kind` and `seq`."""
        if not self.path.exists():
            return self.lines
        seen = self.lines[-1]["seq"] if self.lines else 0
        query = "SELECT seq, kind, body FROM record WHERE seq > ? ORDER BY seq"
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True, timeout=10)) as connection:
            try:
                found = connection.execute(query, (seen,)).fetchall()
            except sqlite3.OperationalError:  # the process that makes the file has not made the table yet
                return self.lines
        self.lines += [{**json.loads(body), "kind": kind, "seq": seq} for seq, kind, body in found]
        return self.lines

    def all(self, kind: str, **fields: Any) -> list[Json]:
        """Lines of one kind whose fields have these values."""
        return [
            line
            for line in self.read()
            if line["kind"] == kind and all(line[name] == value for name, value in fields.items())
        ]

    def alerts_of_last(self) -> list[Json]:
        """What the last process told a person."""
        return [line for line in of_the_last(self.read()) if line["kind"] == "alert_raised"]

    def states(self) -> dict[str, str]:
        """Where each own order stands."""
        found: dict[str, str] = {}
        for line in self.read():
            if line["kind"] == "order_intended":
                found[line["terms"]["client_order_id"]] = "intent"
            elif line["kind"] == "order_moved":
                found[line["client_order_id"]] = line["state"]
        return found

    def position(self) -> Decimal:
        """Base bought minus sold, by booked fills."""
        total = Decimal(0)
        for line in self.all("fill_booked"):
            if not line["fill"]["market"].startswith(BASE):
                continue
            sign = 1 if line["fill"]["side"] == "buy" else -1
            total += sign * Decimal(line["fill"]["size"])
        return total

    def mode(self) -> str:
        """The operating mode."""
        changes = self.all("mode_changed")
        return str(changes[-1]["mode"]) if changes else "active"

    def quiet(self) -> bool:
        """True when nothing is open and the last word on the ledger was agreement."""
        states = self.states()
        kinds = [line["kind"] for line in self.lines]
        if not kinds.count("hedge_opened") == kinds.count("hedge_closed") == kinds.count("hedge_settled"):
            return False
        if kinds.count("conversion_opened") != kinds.count("conversion_closed"):
            return False
        if any(state not in ENDED for state in states.values()):
            return False
        words = ("anchor_set", "statement_agreed", "fill_booked", "row_booked", "order_intended")
        last = [kind for kind in kinds if kind in words]
        return bool(last) and last[-1] in ("anchor_set", "statement_agreed")


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged: a journal, the venue's truth of its account, and how the last process ended."""

    journal: Journal
    account: Json
    exit_code: int | None
    written: tuple[Path, ...]
    """Files in which no secret may stand."""
    secret: str
    balance_decimals: int | None = None
    halted: bool = False
    """True when it ended in a state that a person must look at: then flatness may be missing, but must be told."""
    clock_was_set: bool = False
    """True when the daemon's wall clock was wrong for a while: then its times cannot be held against the venue's."""

    @property
    def own_orders(self) -> list[Json]:
        """Orders at the venue with a client order id: ours."""
        return [order for order in self.account["orders"] if order["client_order_id"]]


def problems(case: Case) -> list[str]:
    """Every broken promise, in words; empty when all hold."""
    case.journal.read()
    found = [
        *_orders(case),
        *_fates(case),
        *_hedges(case),
        *_conversions(case),
        *_fills(case),
        *_flat(case),
        *_secrets(case),
    ]
    if not case.halted or case.journal.quiet():
        found += _ledger(case)
    if any(row["type"] == WITHDRAWAL_ROW for row in case.account["rows"]):
        found.append("something was withdrawn")
    return found


def of_the_last(lines: Sequence[Json]) -> Sequence[Json]:
    """What the last process has written: the alerts of those before it told of their own ends."""
    starts = [number for number, line in enumerate(lines) if line["kind"] == "started"]
    return lines[starts[-1] :] if starts else ()


def _orders(case: Case) -> Iterable[str]:
    """S1 and S2."""
    intents = {line["terms"]["client_order_id"]: line for line in case.journal.all("order_intended")}
    if len(intents) != len(case.journal.all("order_intended")):
        yield "S2: a client order id was intended twice"
    for name, times in Counter(order["client_order_id"] for order in case.own_orders).items():
        if times > 1:
            yield f"S2: the venue has {times} orders {name}"
    for order in case.own_orders:
        if order["client_order_id"] in intents:
            intent = intents[order["client_order_id"]]
            yield from _unlike(order, intent)
            if intent["utc_us"] > order["created_us"] and not case.clock_was_set:
                yield f"S1: {order['client_order_id']} reached the venue before its intent"
        else:
            yield f"S1: {order['client_order_id']} is at the venue without an intent"


def _unlike(order: Json, intent: Json) -> Iterable[str]:
    """Where an order at the venue is not what was intended before."""
    name, terms = order["client_order_id"], intent["terms"]
    told = (terms["market"], terms["side"], Decimal(terms["size"]))
    sent = (order["market"], order["side"], Decimal(order["created"]))
    if told != sent or order["kind"] not in KINDS[terms["kind"]]:
        yield f"S1: {name} was sent as {order['kind']} {sent}, intended as {terms['kind']} {told}"
    if terms["price"] is not None and (order["price"] is None or Decimal(terms["price"]) != Decimal(order["price"])):
        yield f"S1: {name} was sent at {order['price']}, intended at {terms['price']}"


def _fates(case: Case) -> Iterable[str]:
    """What the journal says became of each order, against the venue; L2."""
    known = {order["client_order_id"] for order in case.own_orders}
    for name, state in case.journal.states().items():
        if state in ("rejected", "absent") and name in known:
            yield f"{name} is {state} in the journal, but the venue took it"
        if state in ("filled", "canceled", "expired") and name not in known:
            yield f"{name} is {state} in the journal, but the venue never saw it"
        if state not in ENDED and not case.halted:
            yield f"L2: {name} ended as {state}"
    intended = {line["terms"]["client_order_id"]: line["utc_us"] for line in case.journal.all("order_intended")}
    for line in case.journal.all("order_moved", state="absent"):
        age_s = (line["utc_us"] - intended[line["client_order_id"]]) / 1_000_000
        if age_s < ACCEPTED_FOR_S and not case.clock_was_set:
            yield f"{line['client_order_id']} was called absent after {age_s} s, when it could still have come to life"


def _hedges(case: Case) -> Iterable[str]:
    """S8: no hedge while a mode forbids it; and never two at a time."""
    mode, opened = "active", 0
    for line in case.journal.read():
        if line["kind"] == "mode_changed":
            mode = line["mode"]
        elif line["kind"] in ("hedge_closed", "conversion_closed"):
            opened -= 1
        elif line["kind"] == "conversion_opened":
            opened += 1
            if mode not in ("active", "reducing") or opened > 1:
                yield f"S8: {line['conversion_id']} was opened in mode {mode}, beside {opened - 1} others"
        elif line["kind"] == "hedge_opened":
            opened += 1
            if mode != "active" or opened > 1:
                yield f"S8: {line['hedge_id']} was opened in mode {mode}, beside {opened - 1} others"


def _conversions(case: Case) -> Iterable[str]:
    """A conversion's order lessens the drift of our own rows, is limited and cannot rest; no other order is there."""
    drift = Decimal(0)
    for line in case.journal.read():
        if line["kind"] == "anchor_set":
            drift = Decimal(0)
        elif line["kind"] == "row_booked" and line["client_order_id"] is not None:
            drift += sum(Decimal(amount) for currency, amount in line["row"]["amounts"] if currency == FOREIGN)
            drift -= Decimal(line["row"]["fee"]) if line["row"]["fee_currency"] == FOREIGN else Decimal(0)
        elif line["kind"] == "order_intended" and not line["terms"]["market"].startswith(BASE):
            terms = line["terms"]
            towards_zero = (terms["side"] == "sell") == (drift > 0) and Decimal(terms["size"]) <= abs(drift)
            if not towards_zero or terms["kind"] != "ioc" or terms["price"] is None or terms["purpose"] != "convert":
                yield f"{terms['client_order_id']} does not lessen a drift of {drift}: {terms}"


def _fills(case: Case) -> Iterable[str]:
    """S3: every fill of ours at the venue in the journal exactly once, and no other. A row is known by its id and its
    order's, a fill by the trade's id and its order's name: a self-trade has two of each under one id.
    """
    told = [line["row"] for line in case.journal.all("row_booked")]
    booked = Counter((row["transaction_id"], row["order_id"]) for row in told)
    moved = Counter((line["fill"]["trade_id"], line["client_order_id"]) for line in case.journal.all("fill_booked"))
    ours = {(row["id"], order["client_order_id"]) for order in case.own_orders for row in order["fills"]}
    rows = {(row["id"], row["order_id"]) for order in case.own_orders for row in order["fills"]}
    for name, counts in (("row", booked), ("fill", moved)):
        for key, times in counts.items():
            if times > 1:
                yield f"S3: {name} {key} was booked {times} times"
    if set(moved) - ours:
        yield f"S3: fills the venue does not know: {sorted(set(moved) - ours)}"
    if ours - set(moved):
        yield f"S3: fills of the venue that were not booked: {sorted(ours - set(moved))}"
    if not case.halted and rows - set(booked):
        yield f"S3: rows of the venue that were not booked: {sorted(rows - set(booked))}"
    for order in case.own_orders:
        if sum(Decimal(base_of(row, order["market"])) for row in order["fills"]) > Decimal(order["created"]):
            yield f"{order['client_order_id']} filled beyond its size"


def base_of(row: Json, market: str) -> Decimal:
    """The base that a fill of an own order moved, unsigned."""
    return abs(next(Decimal(amount) for currency, amount in row["amounts"].items() if market.startswith(currency)))


def _ledger(case: Case) -> Iterable[str]:
    """S4: opening + rows - fees + rounding is the venue's balance, exactly; every booking sums to zero."""
    for line in case.journal.all("row_booked"):
        yield from _unbalanced(line)
    totals = _totals(case.journal)
    for currency, balance in case.account["balances"].items():
        if Decimal(balance["available"]) + Decimal(balance["reserved"]) != Decimal(balance["total"]):
            yield f"S4: {currency} at the venue does not add up"
        truth = Decimal(balance["total"])
        if case.balance_decimals is not None:
            truth = truth.quantize(Decimal(1).scaleb(-case.balance_decimals), ROUND_DOWN)
        if totals and totals.get(currency, Decimal(0)) != truth:
            yield f"S4: {currency}: the ledger says {totals.get(currency)}, the venue {truth}"


def _totals(journal: Journal) -> dict[str, Decimal]:
    """What the journal says is owned, by adding up its rows; empty before the first anchor."""
    totals: dict[str, Decimal] = {}
    for line in journal.read():
        if line["kind"] == "anchor_set":
            totals = {each["currency"]: Decimal(each["total"]) for each in line["holdings"]}
        elif line["kind"] == "row_booked":
            row = line["row"]
            for currency, amount in row["amounts"]:
                totals[currency] = totals.get(currency, Decimal(0)) + Decimal(amount)
            if row["fee_currency"] is not None:
                totals[row["fee_currency"]] -= Decimal(row["fee"])
        elif line["kind"] == "statement_agreed":
            for each in line["currencies"]:
                totals[each["currency"]] += Decimal(each["rounding"])
    return totals


def _unbalanced(line: Json) -> Iterable[str]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in line["entries"]:
        sums[entry["currency"]] += Decimal(entry["delta"])
    if any(sums.values()):
        yield f"S4: row {line['row']['transaction_id']} is booked out of balance: {dict(sums)}"


def _flat(case: Case) -> Iterable[str]:
    """L1 and L3, by the venue's truth: flat within dust and nothing resting, or code and alert say what is left."""
    net = Decimal(0)
    for order in case.own_orders:
        if not order["market"].startswith(BASE):
            continue
        sign = 1 if order["side"] == "buy" else -1
        net += sign * sum((base_of(row, order["market"]) for row in order["fills"]), Decimal(0))
    dust = Decimal("0.0002")
    resting = [order["client_order_id"] for order in case.own_orders if order["status"] == "Open"]
    alerts = case.journal.alerts_of_last()
    told = " ".join(line["text"] for line in alerts)
    if abs(net) > dust and (case.exit_code == 0 or LEFT_OPEN.isdisjoint(line["name"] for line in alerts)):
        yield f"L1: net {net} base, exit code {case.exit_code}, alerts: {told or 'none'}"
    for name in resting:
        if case.exit_code == 0 or name not in told:
            yield f"L3: {name} still rests, exit code {case.exit_code}, alerts: {told or 'none'}"
    if case.exit_code == 0 and case.journal.position() != net:
        yield f"the journal's position is {case.journal.position()}, the venue's truth {net}"


def _secrets(case: Case) -> Iterable[str]:
    """S15."""
    for path in case.written:
        if path.exists() and case.secret.encode() in path.read_bytes():
            yield f"S15: {path.name} holds the secret"
