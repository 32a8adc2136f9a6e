"""Everything a fault's pattern can be meant for: a pattern that covers none of it is a mistake, and is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from arbbot.exchange.faults import FAULTS, BadFault, Fault, Stage
from arbbot.exchange.server.api import ROUTES
from arbbot.exchange.server.legacy import PATHS
from arbbot.exchange.venue import Venue

_VARIABLE = re.compile(r"\{(\w+)\}")
_PUBLIC = ("live_trades", "live_orders", "order_book", "detail_order_book", "diff_order_book", "funding_rate")
_PRIVATE = ("my_orders", "my_trades", "live_trades", "live_order_trades")


def check(fault: Fault, venue: Venue) -> None:
    """Refuse a fault that could never strike. Raises BadFault."""
    rest = FAULTS[fault.name].stage is Stage.REST
    if not any(fault.covers(target) for target in (_paths(venue) if rest else _channels(venue))):
        what = "path below /api/v2/" if rest else "channel"
        raise BadFault(f"fault {fault.name!r}: no {what} is covered by {fault.pattern!r}")


def _paths(venue: Venue) -> Iterator[str]:
    markets = tuple(venue.listings)
    currencies = {currency for account in venue.accounts.values() for currency in account.balances}
    values = {"market": markets, "currency": tuple(sorted(currencies)), "side": ("buy", "sell")}
    for route in ROUTES:
        yield from _filled("/".join(route.parts), values)
    yield from (f"api/{name}" for name in PATHS)


def _filled(path: str, values: dict[str, tuple[str, ...]]) -> Iterable[str]:
    """A path with each value for its variables."""
    found = _VARIABLE.search(path)
    if found is None:
        return (path,)
    return (whole for value in values[found[1]] for whole in _filled(path.replace(found[0], value, 1), values))


def _channels(venue: Venue) -> Iterator[str]:
    yield "announcements"
    for market in venue.listings:
        yield from (f"{kind}_{market}" for kind in _PUBLIC)
        for user_id in venue.accounts:
            yield from (f"private-{kind}_{market}-{user_id}" for kind in _PRIVATE)
