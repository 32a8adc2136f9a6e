"""From a changed book to a hedge or a named refusal."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from decimal import Decimal

from arbbot.domain.book import BookError
from arbbot.domain.market import Direction, Side
from arbbot.domain.mode import Mode, Severity
from arbbot.domain.money import ONE, ZERO, ceil_quotient
from arbbot.domain.order import OrderKind, Purpose
from arbbot.domain.records import HedgeOpened, RefusalsCounted
from arbbot.domain.signals import Pulse
from arbbot.engine import risk
from arbbot.engine.capital import capital_size, weighed_size
from arbbot.engine.core import SECOND_NS, Core, ns
from arbbot.engine.limits import Limits
from arbbot.engine.premium import PremiumCheck
from arbbot.engine.ramp_memory import weight_in_effect
from arbbot.engine.refusal import Refusal
from arbbot.engine.rules import BuyAs, FxPolicy, LimitReference, ThresholdMode
from arbbot.engine.sizing import Funds, Sized, Sizer
from arbbot.engine.spike import SpikeGuard
from arbbot.engine.spread import Costs, Triangle, bps
from arbbot.engine.standstill import Standstill
from arbbot.engine.view import NEVER

TROUBLES = frozenset(
    {
        Refusal.RECOVERING,
        Refusal.ANCHORING,
        Refusal.RECONCILING,
        Refusal.NO_FEES,
        Refusal.MARKET_HALTED,
        Refusal.FEED_DOWN,
        Refusal.CLOCK_UNSEEN,
        Refusal.CLOCK_STEPPED,
        Refusal.PREMIUM_UNCHECKED,
        Refusal.PREMIUM_DISAGREES,
        Refusal.RATE_UNCHECKED,
        Refusal.RATE_DISAGREES,
        Refusal.MEDIAN_UNKNOWN,
        Refusal.NO_BOOK,
        Refusal.STALE_BOOK,
        Refusal.UNHEDGED,
        Refusal.NO_MARKS,
        Refusal.NO_BALANCES,
    }
)
"""Refusals that are no judgement of the market: a person should know when they last."""
REFUSALS_EVERY_NS = 60 * SECOND_NS

# Looking up an enum's member by name costs more than the comparison it is for.
_BUY_DOMESTIC, _BUY_FOREIGN = Direction
_BELOW_THRESHOLD = Refusal.BELOW_THRESHOLD
_BOTH_BELOW = (_BELOW_THRESHOLD, _BELOW_THRESHOLD)


class Entry:
    """Evaluates both directions on every book change; owns cool-downs and the counting of refusals."""

    def __init__(self, core: Core, premium: PremiumCheck, guard: SpikeGuard, limits: Limits) -> None:
        self._core = core
        self._view = core.view
        self._premium = premium
        self._guard = guard
        self._limits = limits
        self._watching = False
        """Whether the guard may hold a standing edge; asked on every frame."""
        self.available: dict[str, Decimal] = {}
        """Available balance per currency, as the venue last said with nothing open."""
        self.capital: dict[str, Decimal] = {}
        self.armed = False
        """Set once start-up has recovered."""
        self.cooldown_until_ns = NEVER
        self.counts: Counter[Refusal] = Counter()
        """Refusals since the last RefusalsCounted record."""
        self.last: tuple[Refusal, ...] = (Refusal.RECOVERING,)
        """What the last evaluation said: one refusal for both directions, or one each."""
        self._counted_ns = NEVER
        self._standing: Refusal | None = None
        """What forbids a hedge whatever books and clock say, as of `core.changes` = `_judged`."""
        self._limited: Refusal | None = None
        """What the limits forbid, as of the same."""
        self._judged = -1
        self._standstill = Standstill()
        self._factors: dict[Direction, Decimal] = {}
        """1 + the gross threshold, as of the same; empty while something stands against every hedge."""
        buy_markets = {direction: core.route.legs(direction)[0] for direction in Direction}
        self._smallest = {each: (market.minimum_order_value, market.lot) for each, market in buy_markets.items()}
        """What the smallest order must be worth, and its lot."""

    # --- evaluation ----------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Look at the books as they are now; open a hedge when one direction passes everything."""
        core = self._core
        if self._judged != core.changes:
            self._judge()
        refusal = self._standing or self._passing(core.at.mono_ns) or self._limited
        if refusal is not None:
            if self._watching:
                self._unwatch()
            self.counts[refusal] += 1
            self.last = (refusal,)
            return
        buy_domestic, buy_foreign = self._screen(_BUY_DOMESTIC), self._screen(_BUY_FOREIGN)
        if not (buy_domestic or buy_foreign):
            if self._watching:
                self._unwatch()
            self.counts[_BELOW_THRESHOLD] += 2
            self.last = _BOTH_BELOW
            return
        self._watching = True
        domestic, foreign = self._evaluate(_BUY_DOMESTIC, promising=buy_domestic), None
        if domestic is not None:
            foreign = self._evaluate(_BUY_FOREIGN, promising=buy_foreign)
            if foreign is not None:
                self.last = (domestic, foreign)

    def _unwatch(self) -> None:
        """No edge stands, or nobody looks: what stood must begin anew."""
        self._watching = False
        self._guard.forget()

    def blocked(self) -> Refusal | None:
        """Everything that forbids a hedge whatever the edge is."""
        self._judge()
        now_ns = self._core.at.mono_ns
        return self._standing or self._passing(now_ns) or self._guard.blocked(now_ns) or self._limited

    def _judge(self) -> None:
        """Work out once what no frame can change: most events are frames."""
        self._judged = self._core.changes
        self._standing = risk.blocker(self._core) if self.armed else self.starting
        self._limited = self._limits.blocked()
        free = self._standing is None
        self._factors = {each: ONE + self.least_threshold(each) for each in Direction} if free else {}

    @property
    def starting(self) -> Refusal:
        """What a start is still about, before it has recovered."""
        return Refusal.ANCHORING if self._core.anchoring else Refusal.RECOVERING

    def _passing(self, now_ns: int) -> Refusal | None:
        """What forbids a hedge at this moment and may pass by itself."""
        if now_ns < self.cooldown_until_ns:
            return Refusal.COOLDOWN
        return self._view.refusal(now_ns) or self._premium.refusal(now_ns)

    def _evaluate(self, direction: Direction, *, promising: bool) -> Refusal | None:
        """One direction that has been screened; None when a hedge was opened."""
        refusal: Refusal | None = _BELOW_THRESHOLD
        if not promising:
            self._guard.left(direction)
        else:
            self._guard.reached(direction)
            try:
                refusal = self._thin_edge(direction) or self._try(direction)
            except BookError:
                refusal = Refusal.BAD_BOOK
        if refusal is not None:
            self.counts[refusal] += 1
        return refusal

    def _screen(self, direction: Direction) -> bool:
        """False only if no size can reach the threshold: a walked size is never better than the touch."""
        view = self._view
        domestic, foreign, fx = view.domestic.book, view.foreign.book, view.fx.book
        if domestic is None or foreign is None or fx is None:
            return False
        if direction is _BUY_DOMESTIC:
            bid, ask, rate = foreign.bid, domestic.ask, fx.bid
            if bid is None or ask is None or rate is None:
                return False
            return bid * rate >= ask * self._factors[direction]
        bid, ask, rate = domestic.bid, foreign.ask, fx.ask
        if bid is None or ask is None or rate is None:
            return False
        return bid >= ask * rate * self._factors[direction]

    def costs(self, direction: Direction) -> Costs:
        """Fees of one hedge in this direction, the FX leg's unless the policy never counts it. Fees must be known."""
        core, rules = self._core, self._core.rules.trade
        buy_market, sell_market = core.route.legs(direction)
        sell = core.view.fees[sell_market.symbol]
        resting = rules.limit_reference is LimitReference.SELL_ASK
        fx = ZERO if rules.fx_policy is FxPolicy.NEVER else core.view.fees[core.route.fx.symbol].taker
        return Costs(core.view.fees[buy_market.symbol].taker, sell.maker if resting else sell.taker, fx)

    def least_threshold(self, direction: Direction) -> Decimal:
        """The gross edge below which no size passes: with `cost_plus`, break-even of the costs that none avoids."""
        rules, costs = self._core.rules.trade, self.costs(direction)
        if rules.threshold_mode is ThresholdMode.FIXED:
            return rules.gross_threshold
        if rules.fx_policy is FxPolicy.BAND:
            costs = Costs(costs.buy, costs.sell, ZERO)
        return costs.break_even(direction) + rules.cost_margin

    def threshold(self, direction: Direction) -> Decimal:
        """The gross edge that a hedge which pays for its FX leg must reach."""
        return self._asked(direction, self.costs(direction))

    def _asked(self, direction: Direction, costs: Costs) -> Decimal:
        """The gross edge that a hedge of these costs must reach."""
        rules = self._core.rules.trade
        if rules.threshold_mode is ThresholdMode.FIXED:
            return rules.gross_threshold
        return costs.break_even(direction) + rules.cost_margin

    def sizer(self, direction: Direction) -> Sizer | None:
        """The sizing question of this moment; None while a book is missing."""
        triangle = self._view.triangle(direction)
        return None if triangle is None else self._sizer(triangle)

    def _sizer(self, triangle: Triangle) -> Sizer:
        core, direction = self._core, triangle.direction
        buy_market, sell_market = core.route.legs(direction)
        rules, base = core.rules.trade, core.route.base
        room = self._limits.room()
        weight = weight_in_effect(core.state.ramp, core.rules)
        if room < rules.max_notional or weight != rules.weight:
            rules = replace(rules, max_notional=min(room, rules.max_notional), weight=weight)
        cost_plus = rules.threshold_mode is ThresholdMode.COST_PLUS
        funds = Funds(
            base=self.available.get(base, ZERO),
            quote=self.available.get(buy_market.counter, ZERO),
            capital_size=capital_size(self.capital, buy_market, triangle.ask),
        )
        return Sizer(
            rules=rules,
            triangle=triangle,
            buy_market=buy_market,
            sell_market=sell_market,
            costs=self.costs(direction),
            funds=funds,
            threshold=rules.cost_margin if cost_plus else rules.gross_threshold,
            cost_plus=cost_plus,
            drift=core.state.drift(core.route.foreign.counter) if rules.fx_policy is FxPolicy.BAND else None,
        )

    def _thin_edge(self, direction: Direction) -> Refusal | None:
        """The touch promises an edge; most such promises break at the smallest order already, which is soon known."""
        triangle = self._view.triangle(direction)
        if triangle is None:
            return Refusal.NO_BOOK
        least_value, lot = self._smallest[direction]
        walk = triangle.walk(ceil_quotient(least_value, triangle.ask, lot))
        if isinstance(walk, Refusal):
            return walk
        return None if walk.out >= walk.paid * self._factors[direction] else _BELOW_THRESHOLD

    def _try(self, direction: Direction) -> Refusal | None:
        """Size exactly and open; None when a hedge was opened."""
        triangle = self._view.triangle(direction)
        if triangle is None:
            return Refusal.NO_BOOK
        sizer = self._sizer(triangle)
        sized = sizer.largest()
        if isinstance(sized, Refusal):
            return sized
        return self._guard.refusal(triangle) or self.open(direction, sizer, sized)

    def open(self, direction: Direction, sizer: Sizer, sized: Sized, *, drill: bool = False) -> Refusal | None:
        """Open a hedge of this size now, or say what forbids it. A drill asks for no edge; all else holds for it."""
        core, rules, size = self._core, self._core.rules, sized.size
        hedge_id = f"{core.journal_key}-h{core.state.hedges_minted + 1:05d}"
        ioc = rules.trade.buy_as is BuyAs.IOC
        buy = core.mint(
            hedge_id,
            Purpose.LEG,
            sizer.buy_market.symbol,
            Side.BUY,
            OrderKind.IOC if ioc else OrderKind.MARKET,
            size,
            sizer.collar_price() if ioc else None,
        )
        expire_us = core.at.utc_us + ns(rules.hedge.force_s) // 1000
        sell = core.mint(
            hedge_id,
            Purpose.LEG,
            sizer.sell_market.symbol,
            Side.SELL,
            OrderKind.LIMIT,
            size,
            sized.limit_price,
            expire_utc_ms=expire_us // 1000 + core.venue_offset_ms,
            ahead=1,
        )
        opened = self._opened(hedge_id, direction, sizer, sized)
        if drill:
            opened = replace(opened, bound_by="drill", grounds=None, drill=True)
        refusal = self._limits.refusal(opened)
        if refusal is not None:
            return refusal
        approved = risk.approve_hedge(core, buy, sell)
        if isinstance(approved, Refusal):
            return approved
        core.emit(opened)
        risk.send(core, approved)
        self._unwatch()
        return None

    def _opened(self, hedge_id: str, direction: Direction, sizer: Sizer, sized: Sized) -> HedgeOpened:
        core, walk, costs, triangle = self._core, sized.walk, sizer.costs_of(sized.walk), sizer.triangle
        by_symbol = {book.symbol: book.microtimestamp for book in (triangle.buy, triangle.sell, triangle.fx)}
        domestic, foreign, fx = (by_symbol[symbol] for symbol in core.route.symbols)
        return HedgeOpened(
            hedge_id=hedge_id,
            direction=direction,
            size=sized.size,
            buy_market=sizer.buy_market.symbol,
            sell_market=sizer.sell_market.symbol,
            buy_vwap=round_price(walk.bought.vwap),
            sell_vwap=round_price(walk.sold.vwap),
            fx_vwap=round_price(walk.fx.vwap),
            buy_fee=costs.buy,
            sell_fee=costs.sell,
            fx_fee=costs.fx,
            limit_price=sized.limit_price,
            gross_bps=walk.gross_bps(),
            net_bps=walk.net_bps(costs),
            legs_bps=walk.net_bps(Costs(costs.buy, costs.sell, ZERO)),
            expected_pnl=round_price(walk.out * (ONE - costs.sell) - walk.paid * (ONE + costs.buy)),
            bound_by=sized.bound_by.value,
            book_microtimestamps=(domestic, foreign, fx),
            utc_us=core.at.utc_us,
            mono_ns=core.at.mono_ns,
            grounds=self._guard.grounds(direction, core.rules.trade.fx_policy.value, self._asked(direction, costs)),
            weighed=round_price(weighed_size(core, self.capital, sizer.rules)),
        )

    # --- standing still ------------------------------------------------------------------------------------

    def tell_when_stuck(self) -> None:
        """Alert once when the same trouble has kept an active daemon from trading for long."""
        core = self._core
        refusal = self.blocked() if core.state.mode is Mode.ACTIVE and core.stopping is None else None
        words = self._standstill.words(refusal if refusal in TROUBLES else None, core.at.mono_ns)
        if words is not None:
            core.alert(Severity.WARNING, "not_trading", words)

    # --- counting ------------------------------------------------------------------------------------------

    def flush_counts(self, *, force: bool = False) -> None:
        """Make the refusals counted since the last time durable, once a minute or when forced."""
        core = self._core
        if not self.counts or (core.at.mono_ns < self._counted_ns + REFUSALS_EVERY_NS and not force):
            return
        counts = tuple(sorted((refusal.value, count) for refusal, count in self.counts.items()))
        core.emit(RefusalsCounted(counts, core.at.utc_us))
        self.counts.clear()
        self._counted_ns = core.at.mono_ns

    def pulse(self) -> Pulse:
        """The operator's questions answered for this moment, for metrics."""
        core = self._core
        low, high = core.state.exposure()
        gross: list[tuple[str, Decimal]] = []
        for direction in Direction:
            edge = self.touch_gross_bps(direction)
            if edge is not None:
                gross.append((direction.value, edge))
        ages = tuple(
            (symbol, max(0, (core.at.mono_ns - slot.confirmed_ns) // 1_000_000))
            for symbol, slot in core.view.slots.items()
            if slot.confirmed_ns != NEVER
        )
        return Pulse(
            exposure_low=low,
            exposure_high=high,
            open_orders=len(core.state.live),
            in_doubt=len(core.state.in_doubt()),
            fx_drift=core.state.drift(core.route.foreign.counter),
            blockers=tuple(refusal.value for refusal in self.last),
            mode=core.state.mode,
            book_age_ms=ages,
            gross_bps=tuple(gross),
        )

    def touch_gross_bps(self, direction: Direction) -> Decimal | None:
        """Gross edge at the touches in basis points, for people; None while a book is missing or crossed."""
        triangle = self._core.view.triangle(direction)
        if triangle is None or not all(book.tradable for book in (triangle.buy, triangle.sell, triangle.fx)):
            return None
        fx_bid = triangle.fx.bid
        if direction is Direction.BUY_DOMESTIC and fx_bid is not None:
            return bps(triangle.bid * fx_bid, triangle.ask)
        return bps(triangle.bid, triangle.unit_cost)


def round_price(number: Decimal) -> Decimal:
    """Ten decimals, for figures that are shown and journaled but not decided on."""
    return number.quantize(Decimal("1e-10"))
