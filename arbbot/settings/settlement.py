"""The settings of `arbbot settle`: off as they come, and every one of them is part of the fingerprint by which a change
begins a cooling-off.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from arbbot.domain.funding import EXTRA_FIELDS
from arbbot.settings.conversion import fraction
from arbbot.settings.errors import refuse_if
from arbbot.settings.fields import PLACES, Percent, Section, Size, Word
from arbbot.treasury.policy import Destination, Policy

if TYPE_CHECKING:
    from arbbot.settings.model import Settings

Code = Annotated[str, Field(pattern=r"^[a-z0-9]{2,10}$")]
Address = Annotated[str, Field(pattern=r"^[A-Za-z0-9:._-]{10,128}$")]
Wait = Annotated[Decimal, Field(ge=0, le=2_592_000, decimal_places=PLACES)]
LIVE_COOLING_OFF_S = 3_600
"""The least of live mode: in less nobody has seen the alert of a changed address."""


class AllowedAddress(Section):
    """An address that money may go to, and the chain it is on."""

    currency: Code
    network: Word
    address: Address
    fields: dict[str, str] = Field(default_factory=dict)
    """Further fields of the call, as the venue spells them."""


class SettlementSettings(Section):
    """How profit leaves the account: `Policy`. Sizes are units of `buys`, fees in."""

    enabled: bool = False
    confirm: bool = True
    pays: Code = "usd"
    buys: Code = "usdt"
    allowed: tuple[AllowedAddress, ...] = ()
    threshold: Size = Decimal(200)
    max_request: Size = Decimal(1_000)
    max_per_day: Size = Decimal(2_000)
    max_fee: Size = Decimal(10)
    max_price: Size = Decimal("1.02")
    reach_percent: Percent = Decimal("0.1")
    cooling_off_s: Wait = Decimal(86_400)
    stuck_s: Wait = Decimal(86_400)


def policy(settings: Settings) -> Policy:
    """What a settlement goes by."""
    told, account = settings.settlement, settings.account
    return Policy(
        enabled=told.enabled,
        confirm=told.confirm,
        pays=told.pays,
        buys=told.buys,
        allowed=tuple(
            Destination(each.currency, each.network, each.address, tuple(sorted(each.fields.items())))
            for each in told.allowed
        ),
        threshold=told.threshold,
        max_request=told.max_request,
        max_per_day=told.max_per_day,
        max_fee=told.max_fee,
        max_price=told.max_price,
        reach=fraction(told.reach_percent),
        cooling_off_s=told.cooling_off_s,
        stuck_s=told.stuck_s,
        bound_s=account.doubt_bound_s,
        lag_s=account.lag_s,
    )


def check_settlement(settings: Settings) -> None:
    """Whether its settings hold together. Raises Contradiction."""
    told, route = settings.settlement, settings.route
    refuse_if(
        not any(market.endswith(told.pays) for market in (route.domestic, route.foreign)),
        ("settlement.pays", "route.domestic"),
        f"neither {route.domestic} nor {route.foreign} is paid in {told.pays}",
    )
    refuse_if(
        any(told.buys in (market.removesuffix(told.pays), told.pays) for market in (route.domestic, route.foreign)),
        ("settlement.buys",),
        f"{told.buys} is what is traded with",
    )
    refuse_if(
        told.max_per_day < told.max_request,
        ("settlement.max_per_day", "settlement.max_request"),
        f"{told.max_per_day} a day must not be less than one request, {told.max_request}",
    )
    refuse_if(
        settings.mode == "live" and told.enabled and told.cooling_off_s < LIVE_COOLING_OFF_S,
        ("settlement.cooling_off_s",),
        f"in live mode a change of [settlement] cools off for {LIVE_COOLING_OFF_S} s at least",
    )
    strange = sorted({name for each in told.allowed for name in each.fields} - EXTRA_FIELDS)
    refuse_if(bool(strange), ("settlement.allowed",), f"a withdrawal has no field {', '.join(strange)}")
    refuse_if(
        told.enabled and not any(each.currency == told.buys for each in told.allowed),
        ("settlement.allowed", "settlement.enabled"),
        f"no address for {told.buys} is listed, and nothing can be withdrawn",
    )
