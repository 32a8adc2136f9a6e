"""The venue's truth of the daemon's account, followed by listening to the venue itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Container
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from arbbot.exchange.accounts import Account, AccountOrder, Row, Status
from arbbot.exchange.events import OwnTrade, VenueEvent
from arbbot.exchange.venue import Venue
from tests.sim.checker.fold import FillName, RowName

ZERO = Decimal(0)
OURS = "sim-"
"""What client order ids of the daemon begin with."""
REMEMBERED_US = 90_000_000


@dataclass(frozen=True, slots=True)
class TrueFill:
    """One trade of the daemon's."""

    trade_id: int
    name: str
    market: str
    side: str
    size: Decimal
    price: Decimal
    fee: Decimal
    lie: bool
    """After the venue had said that the order was cancelled."""

    @property
    def signed(self) -> Decimal:
        """Positive for what was bought."""
        return self.size if self.side == "buy" else -self.size


class Truth:
    """Positions, fills and balances as they are."""

    def __init__(self, venue: Venue, account: Account, base: str, balance_decimals: int | None) -> None:
        self.venue = venue
        self.account = account
        self.base = base
        self.position = ZERO
        """Base bought minus sold by the daemon, over the whole life."""
        self.opening = 0
        """The newest row that the opening holds."""
        self.baseline = ZERO
        """The position that a person took into a new opening."""
        self._lied = False
        """Something has filled after the venue had said that it was cancelled."""
        self._denied: set[str] = set()
        """Orders that were said not to be there: the venue gave the answer to another request, or a person slipped."""
        self._found: set[str] = set()
        """Of these, the ones of which the journal has learned since that they are alive."""
        self._slips: set[str] = set()
        """Orders that a person calls absent without a look."""
        self.least: dict[str, Decimal] = {}
        """Least value of an order per market, as the present process has read it."""
        self.fills: dict[FillName, TrueFill] = {}
        self.hidden_until_us: dict[RowName, int] = {}
        """Rows that the venue leaves out of its answers until then."""
        self.dirty = True
        """Something of the account has changed since it was last looked at."""
        self.read_up_to_us = 0
        """What reached the process before may be unread still, while it does not get to run."""
        self._decimals = balance_decimals
        self._first = {currency: balance.total for currency, balance in account.balances.items()}
        self._rows: dict[RowName, Row] = {}
        self._shown: dict[str, deque[tuple[int, Decimal]]] = {}
        """What the venue shows of each currency, since when, newest last."""
        self.note_balances(0)
        venue.subscribe(self._heard)

    def began(self) -> None:
        """A process reads the markets as it starts, and then no more."""
        self.least = {market: each.spec.minimum_order_value for market, each in self.venue.listings.items()}

    def _heard(self, event: VenueEvent) -> None:
        user_id = getattr(event, "user_id", None)
        if user_id != self.account.user_id:
            return
        self.dirty = True
        if isinstance(event, OwnTrade) and event.client_order_id is not None and event.client_order_id.startswith(OURS):
            trade = event.trade
            lie = self.account.by_client_id[event.client_order_id].status is Status.CANCELED
            self.fills[trade.trade_id, event.client_order_id] = TrueFill(
                trade.trade_id, event.client_order_id, trade.market, event.side.value, trade.amount, trade.price,
                event.fee, lie,
            )  # fmt: skip
            self._lied = self._lied or lie
            if trade.market.startswith(self.base):
                self.position += trade.amount if event.side.value == "buy" else -trade.amount

    def open_orders(self) -> list[AccountOrder]:
        """The daemon's orders that may fill, in the markets of the base."""
        return [
            order
            for order in self.account.open_orders.values()
            if (order.client_order_id or "").startswith(OURS) and order.market.startswith(self.base)
        ]

    def order(self, name: str) -> AccountOrder | None:
        """An order of the account by its client order id."""
        return self.account.by_client_id.get(name)

    def hedge_imbalance(self, names: list[str], booked: Container[FillName]) -> Decimal:
        """Bought minus sold by these orders; what the venue lied about counts once the daemon has found it out."""
        total = ZERO
        for key, fill in self.fills.items():
            told = key in booked or not self.is_news(fill)
            if fill.name in names and told and fill.market.startswith(self.base):
                total += fill.signed
        return total

    # --- what was denied ------------------------------------------------------------------------------------

    def deny(self, name: str) -> None:
        """The venue has answered a placement with the word on another one: this order may be taken for refused."""
        self._denied.add(name)

    def slip(self, name: str) -> None:
        """A person is about to call this order absent, and has not looked; the daemon need not take that word."""
        self._slips.add(name)

    def called_absent(self, name: str, underway: Container[str]) -> None:
        """The journal takes it for absent by a person's word: where it is a slip, until it is found and no longer."""
        if name in self._slips and (self.order(name) is not None or name in underway):
            self._denied.add(name)
            self._found.discard(name)

    def found_alive(self, name: str) -> None:
        """The journal has it for alive again: whatever it does from now on is to be known."""
        self._found.add(name)

    def believed_gone(self, name: str) -> bool:
        """Whether the process has reason to think that this order can do nothing."""
        return name in self._denied and name not in self._found

    def is_news(self, fill: TrueFill) -> bool:
        """Whether nothing that was said before a fill was booked lets it be expected."""
        return fill.lie or self.believed_gone(fill.name)

    def _against_words(self) -> list[tuple[FillName, TrueFill]]:
        """Fills since the opening of orders that were over, or not there, by somebody's word at some time."""
        if not (self._lied or self._denied):
            return []
        return [
            (key, fill)
            for key, fill in self.fills.items()
            if (fill.lie or fill.name in self._denied)
            and fill.trade_id > self.opening
            and fill.market.startswith(self.base)
        ]

    def unheard(self, booked: Container[FillName]) -> Decimal:
        """Base bought minus sold against all words and not booked yet: until then, no process can know it."""
        told = self._against_words()
        return sum((fill.signed for key, fill in told if key not in booked and self.is_news(fill)), ZERO)

    def against_words(self) -> tuple[Decimal, Decimal]:
        """Base sold (negative) and bought since the opening by what was said to be over or not there: no plan of the
        daemon's has reckoned with it.
        """
        sizes = [fill.signed for _, fill in self._against_words()]
        return sum((each for each in sizes if each < 0), ZERO), sum((each for each in sizes if each > 0), ZERO)

    def may_go_against(self) -> Decimal:
        """The same, whichever way, with what orders that are believed to be gone may still fill."""
        sold, bought = self.against_words()
        resting = (order.remaining for order in self.open_orders() if (order.client_order_id or "") in self._denied)
        return bought - sold + sum(resting, ZERO)

    def rebased(self, cursor: int) -> None:
        """What is there up to this row is the float from now on."""
        self.opening = cursor
        taken = (fill for fill in self.fills.values() if fill.trade_id <= cursor and fill.market.startswith(self.base))
        self.baseline = sum((fill.signed for fill in taken), ZERO)

    @property
    def net(self) -> Decimal:
        """The position since the opening."""
        return self.position - self.baseline

    # --- balances -------------------------------------------------------------------------------------------

    def shown(self, amount: Decimal) -> Decimal:
        """An amount as the venue shows balances."""
        if self._decimals is None:
            return amount
        return amount.quantize(Decimal(1).scaleb(-self._decimals), ROUND_DOWN)

    def note_balances(self, now_us: int) -> None:
        """Remember what is shown from now on, and for long enough what was."""
        for currency, balance in self.account.balances.items():
            past = self._shown.setdefault(currency, deque())
            total = self.shown(balance.total)
            if not past or past[-1][1] != total:
                past.append((now_us, total))
            while len(past) > 1 and past[1][0] < self.read_up_to_us - REMEMBERED_US:
                past.popleft()

    def was_shown(self, currency: str, total: Decimal) -> bool:
        """Whether the venue has shown this total lately."""
        return any(total == value for _, value in self._shown.get(currency, ()))

    def rows(self) -> list[Row]:
        """All rows of the account."""
        return self.account.rows

    def row(self, name: RowName) -> Row | None:
        """One row of the account."""
        for each in self.account.rows[len(self._rows) :]:
            self._rows[each.row_id, each.order_id] = each
        return self._rows.get(name)

    def owner(self, row: Row) -> str | None:
        """The daemon's order behind a row; None for a row that is somebody else's."""
        order = None if row.order_id is None else self.account.orders.get(row.order_id)
        name = None if order is None else order.client_order_id
        return name if name is not None and name.startswith(OURS) else None

    def held_by(self, cursor: int) -> dict[str, Decimal]:
        """What the balances would show with the rows up to this id and no other."""
        held = dict(self._first)
        for row in self.account.rows:
            if row.row_id > cursor:
                break
            for currency, amount in row.amounts:
                held[currency] = held.get(currency, ZERO) + amount
            spec = None if row.market is None else self.venue.spec(row.market)
            held[row.amounts[0][0] if spec is None else spec.counter] -= row.fee
        return {currency: self.shown(total) for currency, total in held.items()}

    def dust(self) -> Decimal:
        """What no market of the base takes as an order, by what the process has read of them."""
        least = Decimal("Infinity")
        for market, listing in self.venue.listings.items():
            best = listing.book.bids.best()
            if market.startswith(self.base) and best is not None and "usdt" not in market:
                least = min(least, self.least[market] * Decimal("1.08") / best.price)
        return least
