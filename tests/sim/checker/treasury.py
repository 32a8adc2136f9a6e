"""T1 to T4: principal is never withdrawn, no cap exceeded, nothing sent twice, and no hedge opened on a lent account.

By the bytes that the treasury sent and the lines of both journals as JSON; `leaving` judges by the venue's own books.
"""

from __future__ import annotations

import json
from collections.abc import Container, Iterable
from decimal import Decimal
from urllib.parse import parse_qs

from arbbot.exchange.accounts import Row
from tests.sim.checker.books import Shown
from tests.sim.checker.day import DAY_US
from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.leaving import BUYS, THEIRS, Caps, LeavingJudge, Sent
from tests.sim.checker.report import Report
from tests.sim.checker.truth import Truth

ZERO = Decimal(0)
PAYS = "usd"
SECOND_US = 1_000_000
ENDED = frozenset({"finished", "returned", "refused", "absent"})
DUST = Decimal("0.05")
"""Of the paying currency: what display hides of principal and of what is restored."""


class TreasuryJudge:
    """Follows the treasury's journal and wire beside the daemon's."""

    def __init__(self, fold: Fold, truth: Truth, shown: Shown, report: Report) -> None:
        self.caps: Caps | None = None
        """None in a life without a treasury."""
        self._fold = fold
        self._truth = truth
        self._shown = shown
        self._report = report
        self._intents: dict[str, Json] = {}
        self._states: dict[str, str] = {}
        self._orders: list[str] = []
        self._leaving = LeavingJudge(truth, report)
        self._changes: list[tuple[int, Decimal]] = []
        """When settings changed, by the treasury's clock, and for how long nothing may leave then, seconds."""
        self._by_hand: set[int] = set()
        self._announced: dict[str, Json] = {}
        self._external: dict[str, Decimal] = {}
        self._opening: dict[str, Decimal] = {}
        self.lease: str | None = None

    # --- the treasury ---------------------------------------------------------------------------------------

    def begun(self, caps: Caps, utc_us: int) -> None:
        """A settlement begins under these settings, at this time of its clock."""
        if caps != self.caps or not self._changes:
            before = caps if self.caps is None or not self._changes else self.caps
            self._changes.append((utc_us, max(before.cooling_off_s, caps.cooling_off_s)))
            self.caps = caps

    def line(self, kind: str, body: str) -> None:
        """A line of the request journal."""
        line = json.loads(body)
        if kind in ("conversion_intended", "request_intended"):
            name = line["name"]
            if name in self._intents:
                self._report.fail("T3", f"{name} is intended twice")
            open_names = sorted(each for each, state in self._states.items() if state not in (*ENDED, "over"))
            if open_names:
                self._report.fail("T3", f"{name} is intended while {', '.join(open_names)} is open")
            self._cooled(name, line["utc_us"])
        self._remember(kind, line)
        if kind == "request_intended":
            self._capped(line)
        elif kind == "request_moved":
            self._leaving.moved(line["name"], line["state"], line["request_id"])

    def _remember(self, kind: str, line: Json) -> None:
        if kind in ("conversion_intended", "request_intended"):
            self._intents[line["name"]] = line | {"kind": kind}
            self._states[line["name"]] = "intended"
        elif kind in ("conversion_moved", "request_moved"):
            self._states[line["name"]] = line["state"]

    def restored(self, lines: Iterable[tuple[str, str]]) -> None:
        """The journal was put back to an older copy: what the treasury may know is in these lines. One without any
        settings knows of no change.
        """
        before, self._intents, self._states = self._intents, {}, {}
        kept = list(lines)
        for kind, body in kept:
            self._remember(kind, json.loads(body))
        if not any(kind == "policy_seen" for kind, _ in kept):
            self._changes.clear()
        self._leaving.forget(before.keys() - self._intents.keys())

    def _cooled(self, name: str, utc_us: int) -> None:
        """T2: nothing is meant to leave while a change of settings cools off."""
        for since_us, wait_s in self._changes:
            if wait_s and utc_us - since_us < wait_s * SECOND_US:  # a clock may have been set back
                past_s = (utc_us - since_us) / SECOND_US
                text = f"{name} is intended {past_s} s after settings changed, {wait_s} must be"
                self._report.fail("T2", text)

    def _capped(self, line: Json) -> None:
        """T2: what is intended stays within the caps, by our own sums."""
        assert self.caps is not None
        total = Decimal(line["size"]) + Decimal(line["fee"])
        if total > self.caps.max_request:
            self._report.fail("T2", f"{line['name']} takes {total}, a request may take {self.caps.max_request}")
        day, used = line["utc_us"] // DAY_US, ZERO
        for name, each in self._intents.items():
            refused = self._states[name] == "refused"
            if each["kind"] == "request_intended" and each["utc_us"] // DAY_US == day and not refused:
                used += Decimal(each["size"]) + Decimal(each["fee"])
        if used > self.caps.max_per_day:
            self._report.fail("T2", f"{used} is asked for on one day, {self.caps.max_per_day} may be")
        if line["address"] not in self.caps.addresses:
            self._report.fail("T2", f"{line['name']} goes to {line['address']}, which is not listed")

    def ordered(self, name: str, body: bytes) -> None:
        """A conversion is put on the wire."""
        if name not in self._intents or name in self._orders:
            self._report.fail("T3", f"{name} is sent {'twice' if name in self._orders else 'before it was intended'}")
        if name not in self._announced:
            self._report.fail("T4", f"{name} is sent before the daemon knows of it")
        self._orders.append(name)
        sent, told = _fields(body), self._intents.get(name)
        for field, meant in (("amount", "size"), ("price", "limit_price")):
            if told is not None and Decimal(sent[field]) != Decimal(told[meant]):
                self._report.fail("T3", f"{name} is sent with {field} {sent[field]}, {told[meant]} was intended")

    def withdraws(self, body: bytes) -> Sent:
        """A withdrawal is put on the wire: it is the newest intent, and the only one it can be; a line has said that it
        is announced.
        """
        sent = _fields(body)
        last = next((each for each in reversed(self._intents.values()) if each["kind"] == "request_intended"), None)
        if last is None:
            self._report.fail("T3", f"{sent} is sent, nothing was intended")
            return self._leaving.sends("nothing")
        told = (Decimal(last["size"]), last["address"], last["network"])
        if (Decimal(sent["amount"]), sent["address"], sent["network"]) != told:
            self._report.fail("T3", f"{sent} is sent, {told} was intended")
        if self._states[last["name"]] != "announced":
            self._report.fail("T3", f"{last['name']} is sent although it is {self._states[last['name']]}")
        if last["name"] not in self._announced:
            self._report.fail("T4", f"{last['name']} is sent before the daemon knows of it")
        return self._leaving.sends(last["name"], last["utc_us"] // DAY_US)

    def took(self, sent: Sent) -> None:
        """The venue has had the bytes of a withdrawal."""
        self._leaving.took(sent)

    def shown(self, ids: Container[int]) -> None:
        """The treasury has read a list that holds these requests, in the words in which they were asked for."""
        self._leaving.shown(ids)

    # --- the venue ------------------------------------------------------------------------------------------

    def by_hand(self, row_id: int) -> None:
        """A person moved this."""
        self._by_hand.add(row_id)

    def look(self) -> None:
        """What the venue holds has changed, or may have."""
        if self.caps is not None:
            self._leaving.look(self.caps)

    def finish(self, *, alone: bool = False) -> None:
        """The life is over: what was never sent is no longer open, but where the daemon has left the treasury `alone`
        before its time, without which none ends.
        """
        requests = [name for name, each in self._intents.items() if each["kind"] == "request_intended"]
        for name in () if alone else requests:
            if self._states[name] not in ENDED and not self._leaving.has_sent(name):
                self._report.fail("T3", f"{name} is {self._states[name]} to the end, and was never sent")
        self._leaving.finish()

    # --- the daemon -----------------------------------------------------------------------------------------

    def daemon(self, kind: str, line: Json, oldest_ns: int = 0) -> None:
        """A line of the daemon's journal, before it is folded. It may believe books as old as this."""
        self._put_in(kind, line)
        if kind == "lease_granted":
            self.lease = line["lease_id"]
            resting = [order.client_order_id or "" for order in self._truth.open_orders()]
            known = [name for name in resting if not self._truth.believed_gone(name)]
            if self._fold.open_hedge or self._fold.open_conversion or known:
                self._report.fail("T4", "a lease is granted while something is open")
        elif kind == "lease_ended":
            self.lease = None
        elif kind in ("hedge_opened", "conversion_opened") and self.lease is not None:
            self._report.fail("T4", f"{kind} while the account is lent")
        elif kind == "settlement_order_announced":
            self._announced[line["client_order_id"]] = line
            self._principal(Decimal(line["worst_cost"]), oldest_ns)
        elif kind == "withdrawal_announced":
            self._announced[line["name"]] = line
            if line["currency"] != BUYS:
                self._report.fail("T1", f"{line['currency']} is to be withdrawn")
        elif kind == "settlement_told":
            self._leaving.told(line["name"], line["outcome"], line["filled"])

    def _put_in(self, kind: str, line: Json) -> None:
        """What people have put in and taken out. What a settlement bought was no person's doing, whatever a daemon that
        does not know of it takes it for.
        """
        if kind == "anchor_set":
            self._opening = {each["currency"]: Decimal(each["total"]) for each in line["holdings"]}
            self._external = {}
        if kind == "row_booked" and self._ordered_by(line["row"]["order_id"]) is not None:
            return
        for entry in line["entries"] if kind in ("row_booked", "return_booked") else ():
            if entry["account"] == "external":
                self._external[entry["currency"]] = self._external.get(entry["currency"], ZERO) - Decimal(
                    entry["delta"]
                )

    def _principal(self, cost: Decimal, oldest_ns: int) -> None:
        """T1: with this spent, the rest still restores every currency to what people have put in, at the best touch
        that the daemon may have seen: the market's present one may be on its way to it.
        """
        owned = {name: self._truth.account.balance(name).total for name in ("btc", "usd", "eur")}
        put_in = {name: self._opening.get(name, ZERO) + self._external.get(name, ZERO) for name in owned}
        needed = ZERO
        for name, market in (("btc", "btcusd"), ("eur", "eurusd")):
            short, now = put_in[name] - owned[name], self._truth.venue.listing(market).book.asks.best()
            shown = self._shown.lately(market, oldest_ns, struck=False)
            touches = [Decimal(book["asks"][0][0]) for book in shown] + ([] if now is None else [now.price])
            if short > 0 and touches:
                needed += short * min(touches)
        left = owned[PAYS] - cost - needed
        if left < put_in[PAYS] - DUST:
            self._report.fail("T1", f"{cost} {PAYS} may be spent, and {left} of {put_in[PAYS]} put in would be left")

    # --- rows -----------------------------------------------------------------------------------------------

    def _ordered_by(self, order_id: int | None) -> str | None:
        """The treasury's name of an order, by the venue's books; None for others."""
        order = None if order_id is None else self._truth.account.orders.get(order_id)
        name = None if order is None else order.client_order_id
        return name if name is not None and name.startswith(THEIRS) else None

    def owner(self, row: Row, told: str | None) -> str | None:
        """The treasury's name behind a row of the venue, where the daemon's is plausible; None for nobody's."""
        name = self._ordered_by(row.order_id)
        if name is not None:
            return name
        if row.order_id in self._truth.account.orders or self.caps is None or row.amounts[0][0] != BUYS:
            return None
        moved = row.amounts[0][1]
        if row.row_id in self._by_hand and not (moved > 0 and self._leaving.may_come_back(moved)):
            return None
        if told is None and moved > 0:
            return None  # what came back may stay a person's: principal grows by it
        announced = self._announced.get(told or "")
        if announced is None or "size" not in announced:
            return "a withdrawal of a settlement"
        size, fee = Decimal(announced["size"]), Decimal(announced["fee"])
        return told if abs(moved) + (row.fee if moved < 0 else ZERO) in (size, size + fee) else None


def _fields(body: bytes) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(body.decode()).items()}
