"""The operator's questions answered from the engine as it stands: status, why, health. Pure; money as Decimal."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from arbbot.domain.book import BookError
from arbbot.domain.events import Moment
from arbbot.domain.market import Direction
from arbbot.domain.mode import Mode
from arbbot.domain.money import BPS, floor_to
from arbbot.domain.order import OrderState
from arbbot.engine.core import SECOND_NS, ns
from arbbot.engine.limits import limit_figures, shown
from arbbot.engine.own import Hedge, OwnOrder
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.engine.report import fx_exposure, last_conversions, ledger_currencies, ledger_line
from arbbot.engine.rules import FxPolicy
from arbbot.engine.step import Engine
from arbbot.engine.view import NEVER, BookSlot

LAST_HEDGES = 10
UNRECONCILED_MAX_S = 600
"""After the last fill, row or statement; readings try again within seconds."""
UNANSWERED_MAX_S = 60
"""Well beyond the longest wait for a reply."""
LATCHED = (Mode.REDUCING, Mode.HALTED, Mode.PANIC)


@dataclass(frozen=True, slots=True)
class Run:
    """This process: what the engine does not know of itself."""

    mode: str
    """paper, sandbox or live."""
    version: str
    started: Moment
    refusals_before: tuple[tuple[str, int], ...]
    """Counts that the journal held at the start."""

    @classmethod
    def begin(cls, engine: Engine, mode: str, version: str, started: Moment) -> Run:
        """Take note of where the counts stand, before the engine starts."""
        return cls(mode, version, started, tuple(engine.core.state.refusals.items()))


def status(engine: Engine, run: Run, now: Moment) -> dict[str, Any]:
    """What is my exposure, what is in doubt, are we trading, and does the ledger equal the venue."""
    core, state = engine.core, engine.core.state
    low, high = state.exposure()
    route = core.route
    return {
        "route": route.name,
        "mode": run.mode,
        "state": state.mode.value,
        "state_reason": state.mode_reason,
        "stopping": core.stopping,
        "armed": engine.entry.armed,
        "version": run.version,
        "uptime_s": _seconds(now.mono_ns - run.started.mono_ns),
        "flat": not state.live and abs(state.position) <= core.dust and state.open_hedge_id is None,
        "exposure": {route.base: {"low": low, "high": high}},
        "carried_dust": state.position if not state.live and state.open_hedge_id is None else None,
        "open_orders": [_order(order, now) for order in state.open_orders()],
        "in_doubt": [order.terms.client_order_id for order in state.in_doubt()],
        "open_hedge": state.open_hedge_id,
        "fx_drift": {route.foreign.counter: state.drift(route.foreign.counter)},
        "fx": _fx(engine),
        "balances": {currency: _balance(engine, currency) for currency in ledger_currencies(state, route)},
        "rebase_waiting": core.state.rebase_asked is not None,
        "reconciled": state.agreed,
        "reconciled_age_s": _age_s(state.last_agreed_utc_us, now),
        "agreed_utc_us": engine.books.agreed_utc_us,
        "differs": None if state.agreed else engine.books.differs,
        "open_orders_listed": engine.open_orders.listed and asdict(engine.open_orders.listed),
        "books": {symbol: _book(engine, slot, now) for symbol, slot in core.view.slots.items()},
        "blockers": [_explained(refusal) for refusal in present_refusals(engine)],
        "problems": problems(engine, now),
        "limits": limit_figures(state, route, engine.limits.now_us) | {"hard": _measures(engine)},
        "weight_percent": (engine.ramp.weight * 100).normalize(),
        "hedges": [_hedge(hedge) for hedge in list(state.hedges.values())[: -LAST_HEDGES - 1 : -1]],
        "hedge_pnl": {route.numeraire: state.realised_pnl},
    }


def why(engine: Engine, run: Run, now: Moment) -> dict[str, Any]:
    """Why are we not trading: the refusals of this moment in plain words, both edges, and what was counted."""
    state = engine.core.state
    return {
        "route": engine.core.route.name,
        "mode": run.mode,
        "state": state.mode.value,
        "state_reason": state.mode_reason,
        "refusals": [_explained(refusal) for refusal in present_refusals(engine)],
        "fx": _fx(engine),
        "directions": edges(engine)["directions"],
        "counts": refusal_counts(engine, run),
        "uptime_s": _seconds(now.mono_ns - run.started.mono_ns),
    }


def edges(engine: Engine) -> dict[str, Any]:
    """Both ways round: gross at the touch, and gross, break-even and net of the full hedge size, in basis points."""
    return {"directions": {direction.value: _edge(engine, direction) for direction in Direction}}


def health(engine: Engine, now: Moment, still: str | None = None) -> dict[str, Any]:
    """Whether this daemon is fit to trade: `still` is what of it does not move. A pause is a person's choice and no
    illness.
    """
    return fitness(problems(engine, now), still)


def fitness(found: list[str], still: str | None) -> dict[str, Any]:
    """`health` of problems that were found already."""
    told = [*([] if still is None else [f"standing still: {still}"]), *found]
    return {"healthy": not told, "problems": told}


def problems(engine: Engine, now: Moment) -> list[str]:
    """What makes it unfit, in plain words; empty when nothing does."""
    core, state = engine.core, engine.core.state
    found: list[str] = []
    if not engine.entry.armed:
        found.append(EXPLANATIONS[engine.entry.starting])
    if core.stopping is not None:
        found.append(f"stopping: {core.stopping}")
    if state.mode in LATCHED:
        found.append(f"{state.mode.value}: {state.mode_reason}")
    if core.view.epoch is None:
        found.append("the feed is dead" if core.view.feed_dead else EXPLANATIONS[Refusal.FEED_DOWN])
    found.extend(f"{order.terms.client_order_id} is in doubt" for order in state.in_doubt())
    return [*found, *_market_problems(engine, now), *_account_problems(engine, now)]


def _market_problems(engine: Engine, now: Moment) -> list[str]:
    """What of the market cannot be believed at present; with the feed down that alone is told, elsewhere."""
    view = engine.core.view
    if view.epoch is None:
        return []
    oldest_ns = now.mono_ns - view.fresh_ns
    found = [
        f"{slot.symbol}: " + EXPLANATIONS[Refusal.NO_BOOK if slot.epoch is None else Refusal.STALE_BOOK]
        for slot in view.slots.values()
        if slot.epoch is None or slot.confirmed_ns < oldest_ns
    ]
    rate = engine.guard.conversion
    for refusal, difference in (
        (engine.premium.refusal(now.mono_ns), engine.premium.difference),
        (rate.refusal(now.mono_ns), rate.difference()),
    ):
        if refusal is not None:
            disagrees = refusal in (Refusal.PREMIUM_DISAGREES, Refusal.RATE_DISAGREES) and difference is not None
            found.append(EXPLANATIONS[refusal] + (f" ({difference:+.3%})" if disagrees else ""))
    return found


def _account_problems(engine: Engine, now: Moment) -> list[str]:
    """What of the account is unknown, or has been for too long."""
    core, state = engine.core, engine.core.state
    found: list[str] = []
    if any(symbol not in core.view.fees for symbol in core.route.symbols):
        found.append(EXPLANATIONS[Refusal.NO_FEES])
    if not state.agreed and state.last_agreed_utc_us is not None:
        moved = (hedge.closed.utc_us for hedge in state.hedges.values() if hedge.closed is not None)
        since_us = max(state.last_agreed_utc_us, *state.rows.values(), *moved, 0)
        if now.utc_us - since_us > UNRECONCILED_MAX_S * 1_000_000:
            found.append(f"{EXPLANATIONS[Refusal.RECONCILING]}, for {_age_s(since_us, now)} s")
    late_ns = now.mono_ns - UNANSWERED_MAX_S * SECOND_NS
    late = {pending.question.topic.value for pending in core.asks.values() if pending.asked_ns < late_ns}
    if late:
        found.append(f"questions unanswered for over {UNANSWERED_MAX_S} s: {', '.join(sorted(late))}")
    return found


def present_refusals(engine: Engine) -> tuple[Refusal, ...]:
    """What forbids a hedge now: one thing for both directions, or what the last evaluation said of each."""
    blocked = engine.entry.blocked()
    if blocked is not None:
        return (blocked,)
    if engine.entry.last in ((Refusal.RECOVERING,), (Refusal.ANCHORING,)):
        return ()  # no longer so, but no book has changed since
    return tuple(dict.fromkeys(engine.entry.last))


def refusal_counts(engine: Engine, run: Run) -> dict[str, int]:
    """Refusals since this process started, those not yet journaled included, most frequent first."""
    counts = dict(engine.core.state.refusals)
    for name, count in run.refusals_before:
        counts[name] -= count
    for refusal, count in engine.entry.counts.items():
        counts[refusal.value] = counts.get(refusal.value, 0) + count
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return {name: count for name, count in ranked if count}


def _measures(engine: Engine) -> dict[str, dict[str, Decimal]]:
    """Each hard limit that can be measured now: where it stands, and where it trips."""
    return {each.name: {"measured": shown(each.measured), "limit": each.limit} for each in engine.limits.measures()}


def _explained(refusal: Refusal) -> dict[str, str]:
    return {"name": refusal.value, "meaning": EXPLANATIONS[refusal]}


def _fx(engine: Engine) -> dict[str, Any]:
    """The foreign currency that hedges left: how much at worst and best, and why it is not converted."""
    core, waiting = engine.core, engine.conversions.waiting
    foreign = core.route.foreign.counter
    low, high = fx_exposure(core.state, foreign)
    return {
        "currency": foreign,
        "policy": core.rules.trade.fx_policy.value,
        "unpriced": core.rules.trade.fx_policy is FxPolicy.NEVER,
        "drift": core.state.drift(foreign),
        "low": low,
        "high": high,
        "open_conversion": core.state.foreign.open_id,
        "waiting": None if waiting is None else _explained(waiting),
        "last": last_conversions(core.state),
    }


def _edge(engine: Engine, direction: Direction) -> dict[str, Any]:
    core, entry = engine.core, engine.entry
    buy, sell = core.route.legs(direction)
    edge: dict[str, Any] = {
        "buy_market": buy.symbol,
        "sell_market": sell.symbol,
        "touch_gross_bps": entry.touch_gross_bps(direction),
        "threshold_bps": None,
        "break_even_bps": None,
        "net_floor_bps": core.rules.trade.net_floor * BPS,
        "size": None,
        "gross_bps": None,
        "net_bps": None,
    }
    if any(symbol not in core.view.fees for symbol in core.route.symbols):
        return edge
    costs = entry.costs(direction)
    edge["threshold_bps"] = _bps(entry.threshold(direction))
    edge["break_even_bps"] = _bps(costs.break_even(direction))
    triangle = core.view.triangle(direction)
    if edge["touch_gross_bps"] is None or triangle is None:
        return edge
    rules = core.rules.trade
    size = floor_to(rules.target_size * engine.ramp.weight, max(buy.lot, sell.lot))
    try:
        walk = triangle.walk(size) if size > 0 else Refusal.TARGET
    except BookError:
        return edge
    if not isinstance(walk, Refusal):
        edge |= {"size": size, "gross_bps": walk.gross_bps(), "net_bps": walk.net_bps(costs)}
    return edge


def _order(order: OwnOrder, now: Moment) -> dict[str, Any]:
    terms = order.terms
    return {
        "client_order_id": terms.client_order_id,
        "venue_order_id": order.venue_order_id,
        "hedge_id": terms.hedge_id,
        "purpose": terms.purpose.value,
        "market": terms.market,
        "side": terms.side.value,
        "kind": terms.kind.value,
        "price": terms.price,
        "size": terms.size,
        "filled": order.filled,
        "may_fill": order.may_fill,
        "state": order.state.value,
        "in_doubt": order.state is OrderState.IN_DOUBT,
        "cancel": order.cancel_outcome,
        "age_s": _age_s(order.intended_utc_us, now),
    }


def _balance(engine: Engine, currency: str) -> dict[str, Decimal | None]:
    """As of the last agreement; by the last reading where that differed."""
    line = ledger_line(engine.core.state, currency)
    venue, difference = line["venue"], line["difference"]
    if engine.books.difference.get(currency) and currency in engine.books.balances:
        venue, difference = engine.books.balances[currency].total, engine.books.difference[currency]
    ledger = None if venue is None or difference is None else venue - difference
    return {"venue": venue, "ledger": ledger, "difference": difference}


def _book(engine: Engine, slot: BookSlot, now: Moment) -> dict[str, Any]:
    book, view = slot.book, engine.core.view
    age_ms = None if slot.confirmed_ns == NEVER else max(0, (now.mono_ns - slot.confirmed_ns) // 1_000_000)
    return {
        "bid": None if book is None else book.bid,
        "ask": None if book is None else book.ask,
        "age_ms": age_ms,
        "fresh": slot.epoch is not None and now.mono_ns - slot.confirmed_ns <= ns(engine.core.rules.feed.fresh_s),
        "from_feed": slot.epoch is not None,
        "halted": view.halted.get(slot.symbol),
    }


def _hedge(hedge: Hedge) -> dict[str, Any]:
    opened, closed, settled = hedge.opened, hedge.closed, hedge.settled
    return {
        "hedge_id": opened.hedge_id,
        "utc_us": opened.utc_us,
        "direction": opened.direction.value,
        "size": opened.size,
        "outcome": "open" if closed is None else closed.outcome,
        "bound_by": opened.bound_by,
        "drill": opened.drill,
        "expected_bps": opened.legs_bps,
        "realised_bps": None if settled is None else settled.realised_bps,
        "expected_pnl": opened.expected_pnl,
        "realised_pnl": None if settled is None else settled.realised_pnl,
    }


def _bps(rate: Decimal) -> Decimal:
    return (rate * BPS).quantize(Decimal("0.0001"))


def _seconds(duration_ns: int) -> Decimal:
    return (Decimal(duration_ns) / SECOND_NS).quantize(Decimal("0.1"))


def _age_s(utc_us: int | None, now: Moment) -> Decimal | None:
    return None if utc_us is None else _seconds(max(0, now.utc_us - utc_us) * 1000)
