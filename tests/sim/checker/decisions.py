"""S6 and S7: a hedge is decided only on fresh books of this connection, and only where it pays, by our own sums."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation

from tests.sim.checker.books import SeenFrame, Shown, walk
from tests.sim.checker.fold import Fold, Json
from tests.sim.checker.limits import Limits
from tests.sim.checker.report import Report
from tests.sim.checker.spike import SpikeJudge
from tests.sim.checker.truth import Truth
from tests.sim.checker.witness import WitnessJudge

CLOCK_ROOM_US = 2_000_000
"""The venue's clock is known to a second or so."""
ONE = Decimal(1)
ZERO = Decimal(0)
ALMOST = ONE - Decimal("1e-20")
"""A quotient is exact to so many digits."""


class DecisionJudge:
    """Reads the books of late only when something was decided."""

    def __init__(self, limits: Limits, fold: Fold, truth: Truth, shown: Shown, report: Report) -> None:
        self._limits = limits
        self._fold = fold
        self._truth = truth
        self._shown = shown
        self._report = report
        self._spikes = SpikeJudge(limits.spike, shown, report)
        self.witness = WitnessJudge(limits.witness, shown, report)
        self._asks: dict[str, Decimal] = {}
        """Best asks of the books that the last hedge was decided on."""
        self._least: Decimal | None = None
        """The lowest price at which its sell leg makes the net floor."""
        self._conversion: Json = {}
        """The last one, as it was decided."""
        self.specs: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
        """Lot, tick and least order value of each market, as the process read them."""
        self.rates = {limits.fee}
        """Fee rates that the venue has had in this life."""

    def began(self) -> None:
        """A new process reads the markets anew."""
        self.witness.began()
        for market, listing in self._truth.venue.listings.items():
            spec = listing.spec
            self.specs[market] = (spec.lot, spec.tick, spec.minimum_order_value)

    # --- a hedge --------------------------------------------------------------------------------------------

    def opened(self, line: Json, mono_ns: int) -> None:
        """A hedge was decided."""
        self._least = None
        fixed = (line["buy_market"], line["sell_market"])
        domestic = next(market for market in fixed if market.endswith("usd"))
        foreign = next(market for market in fixed if not market.endswith("usd"))
        books: dict[str, Json] = {}
        try:
            for market, stamp in zip((domestic, foreign, "eurusd"), line["book_microtimestamps"], strict=True):
                book = self._book(line["hedge_id"], market, stamp, mono_ns)
                if book is None:
                    return
                books[market] = book
                self._asks[market] = Decimal(book["asks"][0][0])
            self._pays(line, books)
            self.witness.decided(line["hedge_id"], books["eurusd"], mono_ns)
            if not line["drill"]:
                self._spikes.opened(line, books, mono_ns, min(self.rates))
        except (InvalidOperation, IndexError, TypeError) as error:
            self._report.fail("S6", f"{line['hedge_id']} was decided on rows that are no book: {error!r}")

    def _book(self, hedge: str, market: str, stamp: int, mono_ns: int) -> Json | None:
        used: SeenFrame | None = None
        for frame in reversed(self._shown.frames.get(market, ())):
            stamped = frame.stamp
            if frame.epoch != self._shown.epoch or stamped is None:
                continue
            if stamped == stamp:
                used = used or frame
            elif stamped > stamp and not frame.struck:
                self._report.fail("S6", f"{hedge} was decided on an older book of {market} than the last one")
                return None
        if used is None:
            self._report.fail(
                "S6", f"{hedge} was decided on a book of {market} that connection {self._shown.epoch} never sent"
            )
            return None
        if not self._is_fresh(market, stamp, used, mono_ns):
            self._report.fail("S6", f"{hedge} was decided on a book of {market} unconfirmed for too long")
        book: Json = json.loads(used.body)["data"]
        if not book["bids"] or not book["asks"] or Decimal(book["bids"][0][0]) >= Decimal(book["asks"][0][0]):
            self._report.fail("S6", f"{hedge} was decided on a crossed book of {market}")
            return None
        return book

    def _is_fresh(self, market: str, stamp: int, frame: SeenFrame, mono_ns: int) -> bool:
        oldest_ns = mono_ns - self._limits.fresh_ms * 1_000_000
        asked_ns = self._shown.confirmed.get((market, stamp))
        if asked_ns is not None and asked_ns >= oldest_ns:
            return True
        late_us = frame.true_us - stamp
        return frame.mono_ns >= oldest_ns and late_us <= self._limits.fresh_ms * 1000 + CLOCK_ROOM_US

    def _pays(self, line: Json, books: dict[str, Json]) -> None:
        hedge, size, limits = line["hedge_id"], Decimal(line["size"]), self._limits
        bought = walk(books[line["buy_market"]]["asks"], size)
        sold = walk(books[line["sell_market"]]["bids"], size)
        buys_domestic = line["buy_market"].endswith("usd")
        fx = None
        if bought is not None and sold is not None:
            fx = (
                walk(books["eurusd"]["bids"], sold.total)
                if buys_domestic
                else walk(books["eurusd"]["asks"], bought.total)
            )
        if bought is None or sold is None or fx is None:
            self._report.fail("S7", f"{hedge} of {size} is larger than a book")
            return
        fees = [Decimal(line[name]) for name in ("buy_fee", "sell_fee", "fx_fee")]
        change = sold.total * (ONE - fees[1]) if buys_domestic else -bought.total * (ONE + fees[0])
        converts = self._pays_fx(change)
        if any(fee not in self.rates for fee in fees[:2]) or fees[2] not in (self.rates if converts else {ZERO}):
            fx_text = "and the conversion's too" if converts else "and none for a conversion"
            self._report.fail("S7", f"{hedge} reckons with fees of {fees}, there are {sorted(self.rates)}, {fx_text}")
        out = (fx.total if buys_domestic else sold.total) * (ONE - fees[1])
        paid = (bought.total if buys_domestic else fx.total) * (ONE + fees[0])
        out *= ONE - fees[2] if buys_domestic else ONE
        paid *= ONE if buys_domestic else ONE + fees[2]
        self._reaches_floor(line, size, sold.total, out, paid)
        if bought.worst > bought.touch * (ONE + limits.collar):
            self._report.fail("S7", f"{hedge} sweeps to {bought.worst}, the touch is {bought.touch}")
        if (bought.total if buys_domestic else fx.total) > limits.max_notional:
            self._report.fail("S7", f"{hedge} is worth more than the cap of {limits.max_notional}")
        if size > limits.largest_hedge:
            self._report.fail("S5", f"{hedge} of {size} is larger than {limits.largest_hedge}")
        for market in (line["buy_market"], line["sell_market"]):
            if min(len(books[market]["bids"]), len(books[market]["asks"])) < limits.min_levels:
                self._report.fail("S6", f"{hedge} is decided on a thin book of {market}")

    def _pays_fx(self, change: Decimal) -> bool:
        """Whether a hedge that changes the foreign currency by so much must count a conversion's fee. `band` lets one
        off only by which the drift, what all trades so far have changed, ends as near to zero as it is, or nearer.
        """
        if self._limits.fx_policy != "band":
            return self._limits.fx_policy == "each"
        drift = self._fold.traded.get("eur", ZERO)
        return abs(drift + change) > abs(drift)

    def _reaches_floor(self, line: Json, size: Decimal, sold: Decimal, out: Decimal, paid: Decimal) -> None:
        """A drill, which is told apart, need not."""
        if line["drill"]:
            return
        if out <= paid * (ONE + self._limits.net_floor):
            self._report.fail("S7", f"{line['hedge_id']} is decided below the net floor: {out} for {paid}")
        self._least = self._least_price(size, sold, out, paid)

    def _least_price(self, size: Decimal, sold: Decimal, out: Decimal, paid: Decimal) -> Decimal:
        """All of the size sold at it nets the floor: the proceeds at the bids, as much less as they make too much."""
        return sold * paid * (ONE + self._limits.net_floor) / (out * size)

    def converts(self, line: Json, mono_ns: int) -> None:
        """A conversion was decided: on a fresh FX book, within reach of its touch, below its cap."""
        name, limits = line["conversion_id"], self._limits
        self._conversion = line
        if not limits.conversions:
            self._report.fail("S7", f"{name} is decided although the policy says never")
        book = self._book(name, line["market"], line["book_microtimestamp"], mono_ns)
        if book is None:
            return
        self.witness.decided(name, book, mono_ns)
        sells, size, limit = line["side"] == "sell", Decimal(line["size"]), Decimal(line["limit_price"])
        walked = walk(book["bids" if sells else "asks"], size)
        if walked is None:
            self._report.fail("S7", f"{name} of {size} is larger than its book")
            return
        off = (walked.touch - walked.worst if sells else walked.worst - walked.touch) / walked.touch
        beyond = (walked.worst - limit if sells else limit - walked.worst) / walked.worst
        if off > limits.fx_reach or beyond > limits.fx_slack:
            self._report.fail("S7", f"{name} sweeps to {walked.worst} and beyond to {limit}, touch {walked.touch}")
        if walked.total > limits.fx_most:
            self._report.fail("S7", f"{name} is worth {walked.total}, the cap is {limits.fx_most}")

    def intended(self, terms: Json) -> None:
        """An order: on the grid, worth the minimum; a leg and a conversion as they were decided."""
        name, market = terms["client_order_id"], terms["market"]
        lot, tick, least = self.specs[market]
        size = Decimal(terms["size"])
        if terms["purpose"] == "convert":
            self._as_decided(terms)
        if size <= 0 or size % lot:
            self._report.fail("S7", f"{name}: {size} is not on the grid of {market}")
        if terms["price"] is None:
            return
        price = Decimal(terms["price"])
        if price <= 0 or price % tick:
            self._report.fail("S7", f"{name}: {price} is not on the grid of {market}")
        if size * price < least * Decimal("0.97"):
            self._report.fail("S7", f"{name}: {size} at {price} is below the minimum of {market}")
        story = self._fold.hedges.get(terms["hedge_id"])
        if story is None or terms["purpose"] != "leg":
            return
        if size != Decimal(story.body["size"]):
            self._report.fail("S7", f"{name}: a leg of {size}, the hedge is of {story.body['size']}")
        if terms["kind"] == "ioc" and terms["side"] == "buy":
            self._collar(name, market, price)
        if terms["side"] == "sell" and self._least is not None and price < self._least * ALMOST:
            self._report.fail("S7", f"{name}: {price} is below {self._least}, at which the hedge nets its floor")

    def _as_decided(self, terms: Json) -> None:
        """A conversion's order, immediate or cancel: its limit is the one that was judged as it was decided."""
        line = self._conversion
        told = [
            terms["hedge_id"],
            terms["market"],
            terms["side"],
            Decimal(terms["size"]),
            terms["kind"],
            terms["price"],
        ]
        decided = [line.get(each) for each in ("conversion_id", "market", "side", "size", "limit_price")]
        if None in decided or told != [*decided[:3], Decimal(line["size"]), "ioc", line["limit_price"]]:
            self._report.fail("S7", f"{terms['client_order_id']} is {told}, the conversion was decided as {decided}")

    def _collar(self, name: str, market: str, price: Decimal) -> None:
        ask = self._asks.get(market)
        if ask is not None and price > ask * (ONE + self._limits.collar):
            self._report.fail("S7", f"{name}: {price} is outside the collar of {ask}")
