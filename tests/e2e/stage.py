"""A stage: the built-in exchange on a free port, books set by hand, and daemon processes that trade on it.

Books stand still but for what a scene does to them, so that outcomes never hang on luck; a beat sends them again
now and then, as a real venue does. Many stages run at once in one loop; each daemon is a process of its own.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from functools import cached_property
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from arbbot.control_client import ask
from arbbot.domain.failure import Failure
from arbbot.exchange.accounts import FeeRates
from arbbot.exchange.options import DEMO_ACCOUNT, DEMO_KEY, DEMO_SECRET, AccountOptions, ExchangeOptions
from arbbot.exchange.serve import Addresses, serve
from arbbot.settings import Settings
from tests.e2e import child
from tests.e2e.child import Harm
from tests.e2e.judge import Case, Journal, Json, problems

Sections = Mapping[str, Mapping[str, Any]]
"""Settings by section and key."""
D = Decimal
BEAT_S = 0.4
LOOK_S = 0.03
PATIENCE_S = 30.0
"""A scene that waits longer for anything has failed; nothing is ever expected to take near as long."""

USD, EUR, FX = "btcusd", "btceur", "eurusd"
CALM: dict[str, tuple[str, str]] = {USD: ("84999", "85001"), EUR: ("75220", "75222"), FX: ("1.12999", "1.13001")}
RICH_EUR = ("75972", "75974")
"""One percent above fair: buying for dollars and selling for euros pays."""
DEAR_EUR = ("74468", "74470")
"""One percent below fair: the other direction pays."""

RATES = FeeRates(D("0.00"), D("0.03"))
CROWD = AccountOptions("crowd", (("btc", D(1000)), ("usd", D(100_000_000)), ("eur", D(100_000_000))), ())

QUICK: Sections = {
    "trade": {"weight_percent": 100, "min_depth_levels": 3},
    "hedge": {"wait_s": "0.5", "force_s": "1.5", "cooldown_s": 600, "reject_cooldown_s": 600},
    "feed": {"ticker_every_s": "0.5", "ticker_max_age_s": 600, "premium_tolerance_percent": 50},
    "spike": {"enabled": False},
    "limits": {"unhedged_s": 80_000},
    "account": {"poll_s": 2, "lag_s": "0.5", "stop_grace_s": 12},
    "sandbox": {},
}
"""Real time, short waits; the long cool-downs make a second hedge impossible."""

FAST_SPEED = 20
FAST: Sections = {
    "trade": {"weight_percent": 100, "min_depth_levels": 3},
    "hedge": {"wait_s": 20, "force_s": 60, "cooldown_s": 80_000, "reject_cooldown_s": 80_000},
    "feed": {"fresh_s": 120, "ticker_every_s": 15, "ticker_max_age_s": 9000, "premium_tolerance_percent": 50},
    "spike": {"enabled": False},
    "limits": {"unhedged_s": 80_000},
    "account": {"poll_s": 30, "lag_s": 5, "stop_grace_s": 400, "doubt_alert_s": 60},
    "sandbox": {"speed": FAST_SPEED},
}
"""Twenty times faster, so that the venue's own 150 s bound passes within seconds."""


_STARTING: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()


def _starting() -> asyncio.Semaphore:
    """Room for those that start: a start is all the work there is, and would slow down the scenes that play."""
    return _STARTING.setdefault(asyncio.get_running_loop(), asyncio.Semaphore(3))


def merged(base: Sections, over: Sections) -> dict[str, dict[str, Any]]:
    """Settings sections, the second's keys over the first's."""
    return {name: {**base.get(name, {}), **over.get(name, {})} for name in {*base, *over}}


def ladder(bid: str, ask: str, market: str, levels: int = 6) -> dict[str, list[list[str]]]:
    """A book of equal steps from these touches."""
    step, size = (D("0.00005"), "400000") if market == FX else (D(2), "0.4")
    return {
        "bids": [[str(D(bid) - step * level), size] for level in range(levels)],
        "asks": [[str(D(ask) + step * level), size] for level in range(levels)],
    }


class Stage:
    """One exchange and the daemon on it."""

    def __init__(self, at: Addresses, http: aiohttp.ClientSession, directory: Path, sections: Sections) -> None:
        self.at = at
        self.directory = directory
        self.journal = Journal(directory / "sandbox" / "journal.db")
        self.exit_code: int | None = None
        self.notes: list[str] = []
        """What a scene wants its table to show."""
        self._http = http
        self._sections = sections
        self._process: ForkServerProcess | None = None
        self.silent: set[str] = set()
        """Markets whose books are not sent again."""
        self._moving = asyncio.Lock()
        """Held while a book is set and while something must happen on it as it was set."""
        self._shown: dict[str, dict[str, Any]] = {market: ladder(*CALM[market], market) for market in CALM}

    # --- the venue -----------------------------------------------------------------------------------------

    async def control(self, action: str, **body: Any) -> Any:
        """Pull a lever of the control endpoint."""
        async with self._http.post(f"{self.at.control}/{action}", json=body) as reply:
            answer = await reply.json()
            assert reply.status == 200, f"{action}: {answer}"
            return answer

    async def fault(self, *texts: str) -> None:
        """Switch faults on."""
        for text in texts:
            await self.control("faults", fault=text)

    async def heal(self) -> None:
        """Switch all faults off."""
        async with self._http.delete(f"{self.at.control}/faults") as reply:
            assert reply.status == 200

    async def fired(self) -> dict[str, int]:
        """How often each fault has struck."""
        async with self._http.get(f"{self.at.control}/faults") as reply:
            counts: dict[str, int] = {}
            for fault in (await reply.json())["active"]:
                counts[fault["name"]] = counts.get(fault["name"], 0) + fault["fired"]
            return counts

    async def venue(self) -> Json:
        """The venue's truth."""
        async with self._http.get(f"{self.at.control}/state") as reply:
            truth: Json = await reply.json()
            return truth

    async def account(self) -> Json:
        """The daemon's account in truth."""
        found: Json = next(each for each in (await self.venue())["accounts"] if each["name"] == "demo")
        return found

    async def orders(self, **fields: Any) -> list[Json]:
        """The daemon's orders at the venue, oldest first, whose fields have these values."""
        return [
            order
            for order in (await self.account())["orders"]
            if order["client_order_id"] and all(order[name] == value for name, value in fields.items())
        ]

    async def show(self, market: str, touches: tuple[str, str], **sides: list[list[str]]) -> None:
        """Set a book from its touches; `bids` or `asks` replace a side."""
        async with self._moving:
            await self._set_book(market, {**ladder(*touches, market), **sides})

    async def _set_book(self, market: str, book: dict[str, Any]) -> None:
        self._shown[market] = book
        await self.control("book", market=market, **book)

    async def calm(self) -> None:
        """No edge anywhere."""
        for market, touches in CALM.items():
            await self.show(market, touches)

    async def rich(self) -> None:
        """An edge of one percent: buy for dollars, sell for euros."""
        await self.show(EUR, RICH_EUR)

    async def crowd_takes(self, order: Json, size: str) -> None:
        """Somebody buys this much of a resting sale of ours, which from now on stands alone at its price."""
        market, price = order["market"], order["price"]
        away = (D(price) * D("1.01")).quantize(D("0.01"))
        async with self._moving:
            await self._set_book(market, ladder(self._shown[market]["bids"][0][0], str(away), market))
            await self.control("trade", account="crowd", market=market, side="buy", amount=size, price=price)

    async def beat(self) -> None:
        """Send the books again and again: venues do, and used-up depth comes back."""
        while True:
            for market in CALM.keys() - self.silent:
                async with self._moving:
                    await self._set_book(market, self._shown[market])
            await asyncio.sleep(BEAT_S)

    # --- the daemon ----------------------------------------------------------------------------------------

    @cached_property
    def settings(self) -> Settings:
        """The daemon's settings."""
        venue = {"rest_url": self.at.rest, "ws_url": self.at.websocket}
        chosen = {**self._sections, "sandbox": {**self._sections["sandbox"], **venue}}
        keys = {"key_id": DEMO_KEY, "secret": DEMO_SECRET}
        page = {"port": 0}
        return Settings.model_validate(
            {"mode": "sandbox", "state_dir": self.directory, "keys": keys, "dashboard": page, **chosen}
        )

    async def start(self, harm: Harm | None = None, record: Path | None = None) -> None:
        """Start a daemon process; returns once it has taken its journal, or died. Few start at the same time."""
        self.exit_code = None
        self.directory.mkdir(exist_ok=True)
        starts = len(self.journal.all("started"))
        async with _starting():
            self._process = process = child.start(self.settings, self.directory, harm, record)
            await self.until(
                lambda: process.exitcode is not None or len(self.journal.all("started")) > starts, "the start"
            )

    async def another(self) -> int:
        """The exit code of a second daemon on the same settings."""
        out = self.directory / "another"
        out.mkdir()
        process = child.start(self.settings, out)
        await self.until(lambda: process.exitcode is not None, "the second daemon to leave")
        code = process.exitcode
        assert code is not None
        process.close()
        return code

    def signal(self, number: int) -> None:
        """Send the daemon a signal."""
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, number)

    async def gone(self) -> int:
        """Wait for the process; its exit code, negative for a signal."""
        process = self._process
        assert process is not None
        await self.until(lambda: process.exitcode is not None, "the process to end")
        self.exit_code = process.exitcode
        assert self.exit_code is not None
        process.close()
        self._process = None
        return self.exit_code

    async def stop(self) -> int:
        """SIGTERM, and the exit code that follows."""
        self.signal(signal.SIGTERM)
        return await self.gone()

    async def tell(self, verb: str, **more: Any) -> Json:
        """A verb over the daemon's control socket, as the command line sends it."""
        request = {"verb": verb, "who": "ann", "reason": "rehearsal", **more}
        return await asyncio.to_thread(ask, self.settings.control_socket, request)

    async def until(self, ready: Callable[[], Any], what: str, within_s: float = PATIENCE_S) -> Any:
        """Look until something, or what it awaits, is true; returns it.

        Raises AssertionError, with what is known, when it never is.
        """
        deadline = asyncio.get_running_loop().time() + within_s
        while True:
            found = ready()
            if isinstance(found, Awaitable):
                found = await found
            if found:
                return found
            if asyncio.get_running_loop().time() > deadline:
                raise AssertionError(f"waited in vain for {what}\n{self.said()}")
            await asyncio.sleep(LOOK_S)

    def said(self) -> str:
        """The end of what the daemon wrote, for a failure's message."""
        heard = self.directory / "stderr.txt"
        tail = heard.read_text()[-2000:] if heard.exists() else ""
        lines = [str({k: v for k, v in line.items() if k != "utc_us"})[:300] for line in self.journal.read()[-25:]]
        return "\n".join([*lines, tail])

    # --- shorthands ----------------------------------------------------------------------------------------

    async def armed(self) -> None:
        """Until start-up has recovered and nothing but the edge is missing."""

        async def ready() -> bool:
            try:
                told = await self.tell("status")
            except Failure:  # not listening yet
                return False
            return bool(told["armed"]) and {each["name"] for each in told["blockers"]} <= {"below_threshold"}

        await self.until(ready, "the daemon to be ready")

    async def closed(self, hedges: int) -> None:
        """Until this many hedges are closed."""
        await self.until(lambda: len(self.journal.all("hedge_closed")) >= hedges, f"{hedges} closed hedges")

    async def quiet(self, hedges: int) -> None:
        """Until this many hedges are closed and settled and the ledger equals the venue."""
        await self.until(
            lambda: len(self.journal.all("hedge_closed")) >= hedges and self.journal.quiet(), f"{hedges} settled hedges"
        )

    async def converted(self, conversions: int) -> None:
        """Until this many conversions are closed and the ledger equals the venue."""
        await self.until(
            lambda: len(self.journal.all("conversion_closed")) >= conversions and self.journal.quiet(),
            f"{conversions} closed conversions",
        )

    async def resting(self) -> Json:
        """Until the sell leg rests and the buy leg is filled; the sell order."""

        async def found() -> Json | None:
            orders = await self.orders(side="sell", status="Open")
            return orders[0] if orders and self.journal.all("fill_booked") else None

        order: Json = await self.until(found, "a resting sell leg")
        return order

    async def verdict(self, *, halted: bool = False, decimals: int | None = None) -> None:
        """Everything the judge has to say, as one assertion."""
        written = [path for path in self.directory.rglob("*") if path.is_file() and path.suffix != ".sock"]
        case = Case(self.journal, await self.account(), self.exit_code, tuple(written), DEMO_SECRET, decimals, halted)
        found = problems(case)
        assert not found, "\n".join([*found, self.said()])

    def ended(self) -> str:
        """How it ended, in one line for a table."""
        closed = [f"{line['outcome']} ({line['cause']})" for line in self.journal.all("hedge_closed")]
        opened = self.journal.all("hedge_opened")
        plans = [line["action"] + (" forced" if line["forced"] else "") for line in self.journal.all("exit_planned")]
        words = [
            f"hedge {', '.join(dict.fromkeys(closed)) or 'left open'}" if opened else "no hedge",
            f"plan {', '.join(plans)}" if plans else "",
            f"mode {self.journal.mode()}",
            f"position {self.journal.position():f}",
            f"exit code {self.exit_code}",
            *self.notes,
        ]
        return "; ".join(word for word in words if word)

    def end(self) -> None:
        """Leave no process behind."""
        if self._process is not None and self._process.exitcode is None:
            self._process.kill()
            self._process.join()


@asynccontextmanager
async def staged(
    directory: Path,
    sections: Sections = QUICK,
    *,
    over: Sections | None = None,
    **options: Any,
) -> AsyncIterator[Stage]:
    """An exchange with calm books, ready for a daemon; `options` are `ExchangeOptions`."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    chosen = merged(sections, over or {})
    wanted = ExchangeOptions(
        **{
            "still": True,
            "accounts": (replace(DEMO_ACCOUNT, rates=RATES), CROWD),
            "speed": float(chosen["sandbox"].get("speed", 1)),
            **options,
        }
    )
    serving = asyncio.create_task(serve(wanted, ready=ready.set_result, stop=stop))
    await asyncio.wait({serving, ready}, return_when=asyncio.FIRST_COMPLETED)
    async with aiohttp.ClientSession() as http:
        stage = Stage(ready.result(), http, directory, chosen)
        beating = None
        try:
            if wanted.still:
                await stage.calm()
                beating = asyncio.create_task(stage.beat())
            yield stage
        finally:
            stage.end()
            if beating is not None:
                beating.cancel()
                await asyncio.wait([beating])
            stop.set()
            await serving
