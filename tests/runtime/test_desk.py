"""The order desk before the real gateway and a venue played by hand."""

from __future__ import annotations

import asyncio

from arbbot.bitstamp.legs import WARM
from arbbot.domain.events import Event, OrderUnanswered
from arbbot.runtime.desk import OrderDesk
from tests.bitstamp.raw_venue import raw_venue, sealed
from tests.bitstamp.test_legs import ACKED, BUY, TAKEN, gateway_to


async def test_a_task_cancelled_before_its_first_step_is_one_doubt_and_leaks_no_connection() -> None:
    """The order is on the wire and its task never runs: one event says so, and once the venue has answered, its
    connection carries the next order.
    """
    told: list[Event] = []
    with raw_venue() as venue:
        async with gateway_to(venue.url) as gateway:
            desk = OrderDesk(gateway, told.append, lambda fault: told.append(fault))  # type: ignore[arg-type]  # none comes
            connections = await venue.warmed(gateway.warm())
            before = asyncio.all_tasks()
            for _ in range(WARM):
                desk.dispatch(BUY)
            for task in asyncio.all_tasks() - before:
                task.cancel()
            requests = [await venue.heard(connection) for connection in connections]
            doubt = OrderUnanswered("h-1.a", "cancelled while waiting for the answer")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert told == [doubt] * WARM
            for connection, request in zip(connections, requests, strict=True):
                await venue.say(connection, sealed(request, TAKEN))
            await asyncio.sleep(0.02)
            for _ in range(WARM):
                desk.dispatch(BUY)
            for connection in connections:
                await venue.say(connection, sealed(await venue.heard(connection), TAKEN))
            await desk.close(5.0)
            assert told == [doubt] * WARM + [ACKED] * WARM
