"""S7: what hedges and conversions have made, by our own sums over the venue's fills; the other judges are fed by it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from tests.sim.checker.fold import FillName, Fold, HedgeStory, Json
from tests.sim.checker.report import Report
from tests.sim.checker.truth import TrueFill, Truth

ZERO = Decimal(0)
ONE = Decimal(1)
CENT = Decimal("0.01")
DIGITS = Decimal("1e-7")
"""Of figures that are told with ten decimals."""
USD, EUR = "usd", "eur"


@dataclass(slots=True)
class Converted:
    """What a conversion has changed and made."""

    foreign: Decimal = ZERO
    domestic: Decimal = ZERO
    """Without the fee."""
    fee: Decimal = ZERO
    realised: Decimal = ZERO
    """Against the average that its currency was left at; the fee not in."""


class ProfitJudge:
    """Keeps the foreign currency that hedges left at the average of their decisions' FX, and counts booked fills only:
    a row that an opening has swallowed is in no hedge's result.
    """

    def __init__(self, row_decimals: int, fold: Fold, truth: Truth, report: Report) -> None:
        self._fold = fold
        self._truth = truth
        self._report = report
        self._unit = ONE.scaleb(-row_decimals)
        self._booked: dict[str, dict[FillName, TrueFill]] = {}
        """Of each order of the daemon's, the venue's fills whose rows are booked."""
        self._taken = 0
        """Changes of the average so far: each is told rounded."""
        self._outstanding = self._value = ZERO
        self.hedges: dict[str, Decimal] = {}
        """What each has made, in the numeraire at its decision's FX."""
        self.conversions: dict[str, Converted] = {}

    def line(self, kind: str, line: Json) -> None:
        """One line of a commit, before it is folded."""
        if kind == "row_booked" and line["client_order_id"] is not None:
            self._row(line["client_order_id"], line["row"]["transaction_id"])
        elif kind == "hedge_settled":
            self._settled(line["hedge_id"], line)
        elif kind == "conversion_opened":
            self.conversions[line["conversion_id"]] = Converted()
        elif kind == "conversion_closed":
            self._closed(line["conversion_id"], line)
        elif kind == "anchor_set":
            self._outstanding = self._value = ZERO

    def _row(self, name: str, trade_id: int) -> None:
        fill, order = self._truth.fills.get((trade_id, name)), self._fold.orders.get(name)
        if fill is None or order is None:
            return
        self._booked.setdefault(name, {})[trade_id, name] = fill
        sign, counter = (1 if fill.side == "buy" else -1), fill.size * fill.price
        conversion = self.conversions.get(order.hedge)
        story = self._fold.hedges.get(order.hedge)
        if conversion is not None:
            conversion.foreign += sign * fill.size
            conversion.domestic -= sign * counter
            conversion.fee += fill.fee
            conversion.realised += self._take(sign * fill.size, sign * counter)
        elif story is not None and story.settled is not None and order.hedge not in self._fold.before_anchor:
            left = -sign * counter - fill.fee if fill.market.endswith(EUR) else ZERO
            self._take(left, left * Decimal(story.body["fx_vwap"]))

    def _take(self, change: Decimal, value: Decimal) -> Decimal:
        """Foreign currency comes or goes at a value, both signed alike; what that realises against the average."""
        self._taken += 1
        closed = min(abs(change), abs(self._outstanding)) if change * self._outstanding < 0 else ZERO
        given = value * closed / abs(change) if closed else ZERO
        taken = self._value * closed / abs(self._outstanding) if closed else ZERO
        self._outstanding += change
        self._value += value - given - taken
        return -(given + taken)

    # --- hedges ---------------------------------------------------------------------------------------------

    def _settled(self, hedge_id: str, line: Json) -> None:
        """The realised result is what the fills made, fees in."""
        story = self._fold.hedges.get(hedge_id)
        if story is None:
            self.hedges[hedge_id] = Decimal(line["realised_pnl"])
            return
        body, fills = story.body, self._fills(story)
        net, base = {USD: ZERO, EUR: ZERO}, ZERO
        for fill in fills:
            sign = 1 if fill.side == "buy" else -1
            net[fill.market[-3:]] -= sign * fill.size * fill.price + fill.fee
            base += sign * fill.size
        fx, room = Decimal(body["fx_vwap"]), self._unit * (len(fills) + 1)
        leftover = base * _bought_at(body)
        own = net[USD] + net[EUR] * fx + leftover
        told = {"domestic_delta": net[USD], "foreign_delta": net[EUR], "leftover": leftover, "realised_pnl": own}
        for name, true in told.items():
            if abs(Decimal(line[name]) - true) > room * (ONE + fx) + DIGITS:
                self._report.fail("S7", f"{hedge_id} settles a {name} of {line[name]}, its fills made {true}")
        self.hedges[hedge_id] = self._sure(own, Decimal(line["realised_pnl"]), room * (ONE + fx) + DIGITS)
        if hedge_id in self._fold.before_anchor:
            return
        self._take(net[EUR], net[EUR] * fx)
        named = story.plans > 0 or base != 0 or (story.closed or {}).get("outcome") != "completed"
        if own < _expected_loss(body, len(fills)) - room and not named and not self._slipped(story, fills):
            self._report.fail("S7", f"{hedge_id} made {own} and nothing says why")

    def _fills(self, story: HedgeStory) -> list[TrueFill]:
        return [fill for name in story.orders for fill in self._booked.get(name, {}).values()]

    @staticmethod
    def _sure(own: Decimal, told: Decimal, room: Decimal) -> Decimal:
        """What is counted on with: our own figure, to the digits that are hidden in rows."""
        return told if abs(told - own) <= room else own

    @staticmethod
    def _slipped(story: HedgeStory, fills: list[TrueFill]) -> bool:
        """Whether a leg filled at worse than the decision's price or fee: market or fees moved in between."""
        for side, price in (("buy", "buy_vwap"), ("sell", "sell_vwap")):
            legs = [fill for fill in fills if fill.side == side]
            size = sum((fill.size for fill in legs), ZERO)
            value = sum((fill.size * fill.price for fill in legs), ZERO)
            decided = Decimal(story.body[price]) * size
            if sum((fill.fee for fill in legs), ZERO) > Decimal(story.body[f"{side}_fee"]) * value + CENT:
                return True
            if (side == "buy" and value > decided) or (side == "sell" and value < decided):
                return True
        return False

    # --- conversions ----------------------------------------------------------------------------------------

    def _closed(self, name: str, line: Json) -> None:
        """FX P&L is apart from what hedges made: what the order moved, against the average that it was left at."""
        own = self.conversions.setdefault(name, Converted())
        room = self._unit * (self._taken + 1) * 2 + DIGITS
        told = {
            "foreign_delta": own.foreign, "domestic_delta": own.domestic, "fee": own.fee, "realised_pnl": own.realised,
        }  # fmt: skip
        for each, true in told.items():
            if abs(Decimal(line[each]) - true) > room:
                self._report.fail("S7", f"{name} closes with a {each} of {line[each]}, its fills made {true}")
        own.realised = self._sure(own.realised, Decimal(line["realised_pnl"]), room)
        own.fee = self._sure(own.fee, Decimal(line["fee"]), room)
        own.domestic = self._sure(own.domestic, Decimal(line["domestic_delta"]), room)


def _bought_at(body: Json) -> Decimal:
    """The decision's price of one base unit in the numeraire, fees in."""
    price = Decimal(body["buy_vwap"]) * (ONE + Decimal(body["buy_fee"]))
    if body["buy_market"].endswith(USD):
        return price
    return price * Decimal(body["fx_vwap"]) * (ONE + Decimal(body["fx_fee"]))


def _expected_loss(opened: Json, fills: int) -> Decimal:
    """Of a drill: what it was decided at, and what the venue's rounding of fees can cost with each of its fills."""
    return min(Decimal(opened["expected_pnl"]), ZERO) - CENT * fills if opened["drill"] else ZERO
