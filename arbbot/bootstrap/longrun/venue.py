"""The exchange's control endpoint: its faults and levers, and the venue's own truth, read piece by piece."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import aiohttp

from arbbot.bootstrap.longrun.troubles import Lever, Strike, Trouble, at_speed
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

TIMEOUT_S = 10.0
ACCOUNT = "demo"


class VenueControl:
    """Speaks to one exchange. Raises Failure (VENUE) when it does not answer: without it there is no rehearsal."""

    def __init__(self, http: aiohttp.ClientSession, base_url: str, speed: float) -> None:
        self._http = http
        self._base_url = base_url
        self._speed = speed
        self._read: tuple[float, int] | None = None

    async def begin(self) -> None:
        """Read the venue's clock, which runs on its own from here: one monotonic clock, one speed."""
        before_s = asyncio.get_running_loop().time()
        state = await self._call("GET", "state", {"rows_after": str(1 << 62), "orders": "open"})
        self._read = ((before_s + asyncio.get_running_loop().time()) / 2, int(state["now_us"]))

    def now_us(self) -> int:
        """The venue's time, microseconds since 1970."""
        assert self._read is not None
        at_s, now_us = self._read
        return now_us + int((asyncio.get_running_loop().time() - at_s) * self._speed * 1_000_000)

    async def account(self, rows_after: int) -> dict[str, Any]:
        """Balances, open orders, and the rows above an id."""
        asked = {"account": ACCOUNT, "rows_after": str(rows_after), "orders": "open"}
        state = await self._call("GET", "state", asked)
        found: dict[str, Any] = state["accounts"][0]
        return found

    async def trouble(self, trouble: Trouble) -> None:
        """Let it begin."""
        for fault in trouble.faults:
            await self._call("POST", "faults", body={"fault": at_speed(fault, self._speed)})
        await self.pull(trouble.begin)

    async def pull(self, levers: tuple[Lever, ...]) -> None:
        """Act."""
        for action, body in levers:
            await self.act(action, body)

    async def act(self, action: str, body: Mapping[str, object]) -> dict[str, Any]:
        """One action of the control endpoint."""
        return await self._call("POST", action, body=body)

    async def worn_out(self) -> bool:
        """Whether nothing is switched on that could still strike."""
        active = (await self._call("GET", "faults"))["active"]
        return bool(active) and all(fault["left"] == 0 for fault in active)

    async def heal(self) -> Counter[Strike]:
        """Switch all faults off; how often each has struck, by its name and what it was meant for."""
        fired: Counter[Strike] = Counter()
        for fault in (await self._call("DELETE", "faults"))["cleared"]:
            fired[fault["name"], fault["pattern"]] += int(fault["fired"])
        return fired

    async def net_base(self, opening: Decimal) -> Decimal:
        """Base held beyond an opening balance."""
        return Decimal((await self.account(1 << 62))["balances"]["btc"]["total"]) - opening

    async def _call(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, object] | None = None,
    ) -> dict[str, Any]:
        try:
            async with self._http.request(
                method,
                f"{self._base_url}/{path}",
                params=query,
                json=None if body is None else dict(body),
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
            ) as reply:
                answer: dict[str, Any] = await reply.json()
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise Failure(ExitCode.VENUE, f"the built-in exchange does not answer: {error!r}") from error
        if reply.status != 200:
            raise Failure(ExitCode.VENUE, f"the built-in exchange refused {path}: {answer.get('error')}")
        return answer
