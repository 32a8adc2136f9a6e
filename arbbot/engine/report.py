"""The operator's numbers as a fold of durable state: the same for a running daemon and for a journal on disk."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from arbbot.domain.ledger import LedgerAccount
from arbbot.domain.market import Route, Side
from arbbot.domain.money import ZERO
from arbbot.domain.order import Purpose
from arbbot.engine.entry import round_price
from arbbot.engine.foreign import Conversion
from arbbot.engine.limits import limit_figures
from arbbot.engine.spread import bps
from arbbot.engine.state import State

YEAR_S = Decimal(365 * 24 * 3600)
DAY_S = Decimal(24 * 3600)
LAST_CONVERSIONS = 10
VERDICTS = ("up", "down", "hold", "set")
"""What became of a weight."""
HEDGE_OUTCOMES = ("completed", "one_sided", "nothing", "abandoned")
CONVERSION_OUTCOMES = ("converted", "partial", "nothing")


def report(state: State, route: Route, mode: str) -> dict[str, Any]:
    """Everything `arbbot report --json` prints. Money as Decimal, absent figures as None.

    `hedges`, `conversions` and `refusals` count over the journal's life; all money, `hedges_since` and
    `conversions_since` count from where `since` says: the opening of the ledger, or a person's last rebase.
    """
    totals, anchor = state.totals, state.anchor
    low, high = state.exposure()
    base, foreign = route.base, route.foreign.counter
    fx_low, fx_high = fx_exposure(state, foreign)
    return {
        "route": route.name,
        "mode": mode,
        "state": state.mode.value,
        "state_reason": state.mode_reason,
        "since": since(state),
        "hedges": {
            **{outcome: totals.get(outcome, 0) for outcome in HEDGE_OUTCOMES},
            "halted": 1 if state.open_hedge_id is not None and state.mode.value in ("halted", "panic") else 0,
            "open": 0 if state.open_hedge_id is None else 1,
        },
        "hedges_since": counted_since(totals, {} if anchor is None else anchor.hedges, HEDGE_OUTCOMES),
        "unpriced_hedges": unpriced_hedges(state),
        "in_doubt": [
            {
                "client_order_id": order.terms.client_order_id,
                "market": order.terms.market,
                "side": order.terms.side.value,
                "may_fill": order.may_fill,
            }
            for order in state.in_doubt()
        ],
        "exposure": {base: {"low": low, "high": high}},
        "fx_drift": {foreign: state.drift(foreign)},
        "fx_exposure": {foreign: {"low": fx_low, "high": fx_high}},
        "conversions": conversion_counts(state),
        "conversions_since": counted_since(
            state.foreign.totals, {} if anchor is None else anchor.conversions, CONVERSION_OUTCOMES
        ),
        "last_conversions": last_conversions(state),
        "refusals": dict(sorted(state.refusals.items())),
        "ledger": {currency: ledger_line(state, currency) for currency in ledger_currencies(state, route)},
        "reconciled": state.agreed,
        "pnl": pnl(state, route),
        "fees": dict(sorted(state.fees_paid.items())),
        "edge_bps": edge(state),
        "ramp": ramp_line(state),
        "limits": limit_figures(state, route, state.last_utc_us),
        **rates(state, route),
    }


def ramp_line(state: State) -> dict[str, Any]:
    """The weight as last decided or set, and how often it was; None while the settings' weight counts."""
    weight = state.ramp.weight
    counts = {verdict: state.ramp.counts.get(verdict, 0) for verdict in VERDICTS}
    return {"weight_percent": None if weight is None else (weight * 100).normalize(), **counts}


def since(state: State) -> dict[str, Any] | None:
    """Where the ledger and every sum of money begin; None before anything was read."""
    anchor = state.anchor
    if anchor is None:
        return None
    return {
        "utc_us": anchor.utc_us,
        "cause": anchor.cause,
        "who": anchor.who,
        "reason": anchor.reason,
    }


def counted_since(totals: dict[str, int], before: dict[str, int], outcomes: Sequence[str]) -> dict[str, int]:
    """Counts by outcome without those of before."""
    return {outcome: totals.get(outcome, 0) - before.get(outcome, 0) for outcome in outcomes}


def unpriced_hedges(state: State) -> int:
    """Settled hedges among those in memory and in the sums whose FX leg no figure has a price for."""
    settled = (each for each in state.hedges.values() if each.settled is not None and not each.before_anchor)
    return sum(each.opened.grounds is not None and each.opened.grounds.unpriced for each in settled)


def fx_exposure(state: State, currency: str) -> tuple[Decimal, Decimal]:
    """The drift's interval: fills of conversions without a row counted, and all that one may still sell or buy."""
    low = high = state.drift(currency)
    for key in state.unconfirmed:
        if state.orders[key[1]].terms.purpose is Purpose.CONVERT:
            moved = state.fills[key].side.sign * state.fills[key].size
            low, high = low + moved, high + moved
    for order in state.open_orders():
        if order.terms.purpose is Purpose.CONVERT:
            low -= order.may_fill if order.terms.side is Side.SELL else ZERO
            high += order.may_fill if order.terms.side is Side.BUY else ZERO
    return (low, high)


def conversion_counts(state: State) -> dict[str, int]:
    """Conversions by outcome, and the one that may be open."""
    counted = {outcome: state.foreign.totals.get(outcome, 0) for outcome in CONVERSION_OUTCOMES}
    return {**counted, "open": 0 if state.foreign.open_id is None else 1}


def last_conversions(state: State) -> list[dict[str, Any]]:
    """The newest first."""
    return [_conversion(each) for each in list(state.foreign.conversions.values())[: -LAST_CONVERSIONS - 1 : -1]]


def _conversion(conversion: Conversion) -> dict[str, Any]:
    opened, closed = conversion.opened, conversion.closed
    return {
        "conversion_id": opened.conversion_id,
        "utc_us": opened.utc_us,
        "side": opened.side.value,
        "size": opened.size,
        "outcome": "open" if closed is None else closed.outcome,
        "filled": abs(conversion.foreign),
        "price": None if not conversion.foreign else round_price(-conversion.domestic / conversion.foreign),
        "fee": conversion.fee,
        "realised_pnl": conversion.realised,
        "bound_by": opened.bound_by,
    }


def what_is_left(state: State, base: str) -> str:
    """What is open, in words with ids and amounts."""
    low, high = state.exposure()
    orders = ", ".join(
        f"{order.terms.client_order_id} ({order.state}: {order.terms.side} {order.may_fill} {order.terms.market})"
        for order in state.open_orders()
    )
    return f"exposure [{low}, {high}] {base}; open: {orders or 'none'}"


def ledger_currencies(state: State, route: Route) -> list[str]:
    """The route's currencies first, then whatever else the ledger knows."""
    known = {currency for _, currency in state.ledger.balances}
    return [*route.currencies, *sorted(known - set(route.currencies))]


def ledger_line(state: State, currency: str) -> dict[str, Decimal | None]:
    """One currency: opening + booked + external + rounding + settled + in_transit = venue, difference zero when a
    statement agreed. `settled` is what settlements bought or withdrew, `in_transit` what has left before its row.

    `venue` is what the venue last showed at a quiet moment; None before the first statement.
    """
    ledger = state.ledger
    opening = -ledger.balance(LedgerAccount.OPENING, currency)
    booked = -(ledger.balance(LedgerAccount.TRADING, currency) + ledger.balance(LedgerAccount.FEES, currency))
    external = -ledger.balance(LedgerAccount.EXTERNAL, currency)
    rounding = -ledger.balance(LedgerAccount.ROUNDING, currency)
    settled = -ledger.balance(LedgerAccount.TREASURY, currency)
    in_transit = -ledger.balance(LedgerAccount.TRANSIT, currency)
    venue = state.venue_totals.get(currency)
    owned = opening + booked + external + rounding + settled + in_transit
    difference = None if venue is None else venue - owned
    return {
        "opening": opening,
        "booked": booked,
        "external": external,
        "rounding": rounding,
        "settled": settled,
        "in_transit": in_transit,
        "venue": venue,
        "difference": difference,
    }


def pnl(state: State, route: Route) -> dict[str, Any]:
    """P&L in the numeraire, in lines of their own that are never summed in silently.

    hedge + drills + fx_drift - fx_fees + float_revaluation + foreign_revaluation is what the account gained in its own
    prices since the opening, externals and carried dust apart. `fx_drift` = `fx_realised` (converted or netted, against
    the value at the decisions' FX) + `fx_unrealised` (outstanding, at the last mark). `converted` is hedge P&L told
    anew at the FX orders' prices, their fees off, as far as converted: hedge + fx_realised - fx_fees; it contains
    `hedge` and belongs in no sum with it. `drills_fx_fees` is what of `fx_fees`, paid or still to be, drills are
    reckoned to have caused.
    """
    base, foreign, held_foreign = route.base, route.foreign.counter, state.foreign
    fx_now, fx_then = state.last_marks.get(foreign), state.first_marks.get(foreign)
    base_now, base_then = state.last_marks.get(base), state.first_marks.get(base)
    held = state.ledger.balance(LedgerAccount.VENUE, base)
    opening_foreign = -state.ledger.balance(LedgerAccount.OPENING, foreign)
    unrealised = None if fx_now is None else held_foreign.outstanding * fx_now - held_foreign.value
    return {
        "numeraire": route.numeraire,
        "hedge": state.realised_pnl,
        "drills": state.drills.pnl,
        "drills_fx_fees": state.drills.fx_fees,
        "fx_drift": None if unrealised is None else held_foreign.realised + unrealised,
        "fx_realised": held_foreign.realised,
        "fx_unrealised": unrealised,
        "fx_fees": held_foreign.fees,
        "converted": state.realised_pnl + held_foreign.realised - held_foreign.fees,
        "float_revaluation": None if base_now is None or base_then is None else held * (base_now - base_then),
        "foreign_revaluation": None if fx_now is None or fx_then is None else opening_foreign * (fx_now - fx_then),
    }


def edge(state: State) -> dict[str, Decimal | None]:
    """Turnover-weighted net edge of settled hedges, as decided and as booked."""
    if state.turnover <= 0:
        return {"expected": None, "realised": None}
    return {
        "expected": bps(state.turnover + state.expected_pnl, state.turnover),
        "realised": bps(state.turnover + state.realised_pnl, state.turnover),
    }


def rates(state: State, route: Route) -> dict[str, Decimal | None]:
    """Turnover a day and simple annualised net return of hedge P&L on the opening capital, since the opening; the
    return is None for spans under a day, which say nothing about a year.
    """
    none = {"turnover_per_day": None, "net_return_annualised": None, "span_s": None}
    if state.first_utc_us is None:
        return dict(none)
    span_s = Decimal(state.last_utc_us - state.first_utc_us) / 1_000_000
    if span_s <= 0:
        return dict(none)
    capital = opening_capital(state, route)
    if capital is None or capital <= 0:
        return {**none, "span_s": span_s}
    yearly = (state.realised_pnl / capital * YEAR_S / span_s).quantize(Decimal("1e-6"))
    return {
        "turnover_per_day": (state.turnover / capital * DAY_S / span_s).quantize(Decimal("1e-6")),
        "net_return_annualised": yearly if span_s >= DAY_S else None,
        "span_s": span_s,
    }


def opening_capital(state: State, route: Route) -> Decimal | None:
    """The opening balances of the route's currencies in the numeraire at the first marks."""
    if state.anchor is None or not state.first_marks:
        return None
    prices = {route.numeraire: Decimal(1), **state.first_marks}
    return sum((state.anchor.holdings.get(currency, ZERO) * prices[currency] for currency in route.currencies), ZERO)
