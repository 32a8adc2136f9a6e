"""How much a settlement converts and withdraws: pure sums, and every reason why not, in one line each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from arbbot.domain.book import Book, BookError
from arbbot.domain.funding import Currency, WithdrawalFee
from arbbot.domain.market import Instrument, Side
from arbbot.domain.money import ONE, ZERO, floor_to, unit
from arbbot.treasury.policy import Asked, Destination, Policy

MOST_TAKER = Decimal("0.02")
"""A trading fee above this is disbelieved."""
MOST_DECIMALS = 2
"""Sizes are whole cents: so a row shows all of one, however few digits rows have."""


class Refused(Exception):
    """Why nothing is sent: a word for programs, a line for people."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(text)
        self.cause = cause
        self.text = text


@dataclass(frozen=True, slots=True)
class Facts:
    """What the venue says of the market, the chain and its fees, now. None where it does not tell."""

    instrument: Instrument | None
    halted: bool
    taker: Decimal | None
    """A fraction."""
    book: Book | None
    fees: tuple[WithdrawalFee, ...] | None
    currency: Currency | None
    balances: Mapping[str, Decimal] | None
    """Totals, as the treasury's own key sees them."""


@dataclass(frozen=True, slots=True)
class Means:
    """What the daemon says there is to settle."""

    spendable: Decimal
    """Units of `pays`, by its `withdrawable`."""
    at_hand: Decimal
    """Units of `buys` that settlements have bought and not withdrawn."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One settlement. `convert` zero: what is at hand is enough."""

    to: Destination
    convert: Decimal
    limit_price: Decimal
    taker: Decimal
    withdraw: Decimal
    """What shall arrive, if all of the conversion fills."""
    fee: Decimal

    @property
    def worst_cost(self) -> Decimal:
        """What the conversion may take, fee in."""
        return self.convert * self.limit_price * (ONE + self.taker)

    def words(self, policy: Policy) -> str:
        """For the person who has to say yes."""
        first = ""
        if self.convert:
            first = f"buy {self.convert:f} {policy.buys} for at most {self.worst_cost:.2f} {policy.pays}, then "
        size = f"{self.withdraw:f} {policy.buys} (fee {self.fee:f})"
        return f"{first}withdraw {size} over {self.to.network} to {self.to.address}"


def destination(policy: Policy, asked: Asked) -> Destination:
    """The listed address to use. Raises Refused."""
    listed = [each for each in policy.allowed if each.currency == policy.buys]
    if not listed:
        raise Refused("no_destination", f"settlement.allowed lists no address for {policy.buys}")
    if asked.address is None and asked.network is None:
        return listed[0]
    for each in listed:
        if asked.address in (None, each.address) and asked.network in (None, each.network):
            return each
    if asked.address is not None and not any(each.address == asked.address for each in listed):
        raise Refused("address_not_listed", f"{asked.address} is not in settlement.allowed for {policy.buys}")
    raise Refused("wrong_network", f"settlement.allowed has no such address of {policy.buys} on {asked.network}")


def make(policy: Policy, asked: Asked, facts: Facts, means: Means, used_today: Decimal) -> Plan:
    """The settlement that these facts allow. Raises Refused."""
    to = destination(policy, asked)
    fee, least, step = _chain(policy, to, facts)
    most = min(policy.max_request, policy.max_per_day - used_today)
    if asked.size is not None:
        _refuse_asked(policy, asked.size, fee, used_today)
        if asked.size < least:
            raise Refused("below_minimum", f"{asked.size:f} {policy.buys} is below the venue's minimum of {least:f}")
        if asked.size != floor_to(asked.size, step):
            raise Refused("too_fine", f"{asked.size:f} {policy.buys}: sizes are whole {step:f} over {to.network}")
        most = asked.size + fee
    elif policy.max_request < least + fee:
        raise Refused(
            "below_minimum",
            f"settlement.max_request, {policy.max_request:f}, is below the venue's minimum with its fee: "
            f"{least + fee:f} {policy.buys}",
        )
    elif most < least + fee:
        raise Refused(
            "day_cap", f"{used_today:f} {policy.buys} of today's {policy.max_per_day:f} are used: too little is left"
        )
    convert, limit, taker = ZERO, ZERO, ZERO
    if most > means.at_hand and means.spendable > 0:
        convert, limit, taker = _conversion(policy, facts, most - means.at_hand, means.spendable)
    total = min(most, means.at_hand + convert)
    size = floor_to(max(total - fee, ZERO), step)
    if asked.size is not None and size < asked.size:
        raise Refused(
            "not_enough", f"{asked.size:f} {policy.buys} and a fee of {fee:f} are more than may leave: {total:f}"
        )
    if size < least:
        raise Refused("below_minimum", f"{size:f} {policy.buys} is below the venue's minimum of {least:f}")
    return Plan(to, convert, limit, taker, size, fee)


def _refuse_asked(policy: Policy, size: Decimal, fee: Decimal, used_today: Decimal) -> None:
    if size + fee > policy.max_request:
        raise Refused(
            "above_cap",
            f"{size:f} {policy.buys} with a fee of {fee:f} is above settlement.max_request, {policy.max_request:f}",
        )
    if used_today + size + fee > policy.max_per_day:
        raise Refused(
            "day_cap",
            f"{size:f} {policy.buys} with a fee of {fee:f} on top of today's {used_today:f} is above "
            f"settlement.max_per_day, {policy.max_per_day:f}",
        )


def _chain(policy: Policy, to: Destination, facts: Facts) -> tuple[Decimal, Decimal, Decimal]:
    """Fee, minimum and step of the chain, believed only where they are told and make sense. Raises Refused."""
    named = f"{to.currency} over {to.network}"
    if facts.currency is None:
        raise Refused("currency_unknown", f"the venue does not list {to.currency}")
    network = facts.currency.network(to.network)
    if network is None or not network.withdrawal:
        sent = ", ".join(each.network for each in facts.currency.networks if each.withdrawal) or "none"
        raise Refused("wrong_network", f"the venue sends {to.currency} over {sent}, not over {to.network}")
    if facts.fees is None:
        raise Refused("fee_unknown", "the venue does not tell its withdrawal fees")
    told = [each.fee for each in facts.fees if each.currency == to.currency and each.network in (to.network, None)]
    if len(told) != 1:
        raise Refused("fee_unknown", f"the venue does not tell the one fee of {named}")
    if not ZERO <= told[0] <= policy.max_fee:
        raise Refused("fee_absurd", f"a fee of {told[0]:f} for {named} is above settlement.max_fee, {policy.max_fee:f}")
    if network.minimum is None:
        raise Refused("minimum_unknown", f"the venue does not tell the least withdrawal of {named}")
    return told[0], max(network.minimum, ZERO), unit(min(network.decimals, MOST_DECIMALS))


def _conversion(policy: Policy, facts: Facts, wanted: Decimal, spendable: Decimal) -> tuple[Decimal, Decimal, Decimal]:
    """(size, limit, taker fee): as much as is wanted and can be paid for at the worst price the walk meets. Zero where
    that is less than the venue takes as an order. Raises Refused.
    """
    instrument, book, taker = _market(policy, facts)
    size, price = _walked(policy, book, wanted, spendable, taker, max(instrument.lot, unit(MOST_DECIMALS)))
    if price > policy.max_price:
        raise Refused(
            "price", f"{price:f} {policy.pays} for a {policy.buys} is above settlement.max_price, {policy.max_price:f}"
        )
    if size * price < instrument.minimum_order_value:
        return ZERO, ZERO, taker
    return size, price, taker


def _market(policy: Policy, facts: Facts) -> tuple[Instrument, Book, Decimal]:
    """The market, as far as it can be believed. Raises Refused."""
    if facts.instrument is None or facts.halted:
        raise Refused("market_halted", f"{policy.market} is not traded at the venue now")
    if facts.taker is None or not ZERO <= facts.taker <= MOST_TAKER:
        raise Refused("fee_absurd", f"the venue's trading fee on {policy.market} is absent or absurd")
    if facts.book is None or not facts.book.tradable:
        raise Refused("no_book", f"the order book of {policy.market} cannot be believed")
    return facts.instrument, facts.book, facts.taker


def _walked(
    policy: Policy, book: Book, wanted: Decimal, spendable: Decimal, taker: Decimal, step: Decimal
) -> tuple[Decimal, Decimal]:
    """(size, worst price met). Raises Refused."""
    touch = book.touch(Side.BUY) or ZERO
    price = touch
    for _ in range(3):
        size = floor_to(min(wanted, spendable / (price * (ONE + taker))), step)
        if size <= 0:
            return ZERO, touch
        try:
            sweep = book.ladder(Side.BUY).sweep(size)
        except BookError as error:
            raise Refused("no_book", f"the order book of {policy.market} cannot be believed: {error}") from error
        if sweep is None or sweep.worst > touch * (ONE + policy.reach):
            raise Refused("thin_book", f"{size:f} {policy.buys} would sweep {policy.market} too far")
        price = sweep.worst
        if size * price * (ONE + taker) <= spendable:
            return size, price
    raise Refused("thin_book", f"no size on {policy.market} fits what may be spent")
