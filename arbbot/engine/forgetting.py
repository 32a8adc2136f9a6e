"""Keeps the engine's memory bounded: what is booked, settled or over for long leaves it, and stays in the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from arbbot.engine.state import State

KEPT_ROWS = 2_000
KEPT_HEDGES = 500
"""Settled hedges kept in memory; older ones are in the journal only."""


def forget_rows(state: State, before_utc_us: int) -> None:
    """Drop rows older than a moment, as long as no younger row has a smaller id."""
    for key in sorted(state.rows, key=lambda each: each[0]):
        if state.rows[key] >= before_utc_us:
            return
        del state.rows[key]
        state.rows_forgotten_to = key[0]


def forget_hedges(state: State) -> None:
    """Drop the oldest settled hedges with their orders and fills."""
    while len(state.hedges) > KEPT_HEDGES:
        hedge_id, hedge = next(iter(state.hedges.items()))
        if hedge.settled is None:
            return
        del state.hedges[hedge_id]
        forget_orders(state, hedge.orders)


def forget_orders(state: State, names: list[str]) -> None:
    """Drop orders that are over, with their fills."""
    for client_order_id in names:
        venue_order_id = state.orders.pop(client_order_id).venue_order_id
        if venue_order_id is not None:
            del state.order_by_venue_id[venue_order_id]
    if names:
        gone = set(names)
        state.fills = {key: fill for key, fill in state.fills.items() if key[1] not in gone}
