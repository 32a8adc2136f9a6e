"""Lets go of what the simulation remembers of a long life: of the past it would grow by itself, and hide what the
daemon keeps. The venue's orders and rows are needed once more, when all is judged: they wait in a file.
"""

from __future__ import annotations

import pickle
from collections.abc import MutableSequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arbbot.exchange.accounts import Account, Status
from tests.shell.apart import word
from tests.shell.nature import Witness
from tests.shell.world import World

ROWS_KEPT = 4_000
"""More than a daemon ever asks for: it remembers 2,000, or a day of them."""
ORDERS_KEPT_US = 3_600_000_000
"""Orders that are over are asked about for seconds."""
KEPT = 500
"""Of everything else: trades on the tape, order events, candles, names of orders, pings."""


@dataclass(slots=True)
class Archive:
    """What was taken from the venue's accounts, in a file."""

    path: Path

    def fill(self, world: World) -> None:
        """Take the old orders and rows of every account."""
        before_us = world.utc_us() - ORDERS_KEPT_US
        with self.path.open("ab") as file:
            for account in world.levers._venue.accounts.values():
                over = [
                    order
                    for order in account.orders.values()
                    if order.status is not Status.OPEN and order.created_us < before_us
                ]
                for order in over:
                    del account.orders[order.order_id]
                    account.by_client_id.pop(order.client_order_id or "", None)
                pickle.dump((account.user_id, over, account.rows[:-ROWS_KEPT]), file)
                del account.rows[:-ROWS_KEPT]

    def give_back(self, world: World) -> None:
        """Put them where they were."""
        accounts: dict[int, Account] = world.levers._venue.accounts
        orders: dict[int, dict[int, Any]] = {user_id: {} for user_id in accounts}
        rows: dict[int, list[Any]] = {user_id: [] for user_id in accounts}
        with self.path.open("rb") as file:
            while file.peek(1):
                user_id, over, old = pickle.load(file)  # noqa: S301 - written above
                orders[user_id].update((order.order_id, order) for order in over)
                rows[user_id].extend(old)
        for user_id, account in accounts.items():
            account.orders = {**orders[user_id], **account.orders}
            account.rows[:0] = rows[user_id]


def forget(world: World) -> None:
    """Everything that nobody will ask for again."""
    venue = world.levers._venue
    Witness.seen.clear()
    kept: list[MutableSequence[Any]] = [world.arrived, world.run.life.pinged_s]
    for account in venue.accounts.values():
        account._volume.clear()  # of fixed rates no volume makes anything
        kept.append(account.events)
    for listing in venue.listings.values():
        kept += [listing.events, listing.tape.trades]
        for minute in list(listing.tape._minutes)[:-KEPT]:
            del listing.tape._minutes[minute]
    for sequence in kept:
        while len(sequence) > KEPT:
            del sequence[0]
    faults = world.levers._faults.active
    for fault in [fault for fault in faults if fault.left == 0]:
        world.faulted[word(fault)] += fault.fired
        faults.remove(fault)
