"""The daemon as a process of its own: `arbbot run` with the operator's rules, killed and started as often as wanted."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot.bootstrap.exchange_child import environment, program
from arbbot.control_client import ask
from arbbot.domain.failure import Failure
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from arbbot.settings import AlertSettings, RunMode, Settings

ASK_TIMEOUT_S = 3.0
SHORTEST_TIMEOUTS_S = {
    "connect_timeout_s": Decimal("0.5"),
    "order_timeout_s": Decimal("0.5"),
    "ask_timeout_s": Decimal(2),
}
"""Real seconds. A machine's own hiccups, and its making of a page of a thousand order events, stay below them; divided
by the speed, a timeout of the settings would not."""
LOG_LINE_BYTES_MAX = 1 << 20
PAGE_KIB = os.sysconf("SC_PAGE_SIZE") // 1024


def added_wait_s(settings: Settings, speed: Decimal) -> Decimal:
    """Market seconds by which a question may wait for its answer longer at this speed than the settings say."""
    asked_s = settings.rest.ask_timeout_s
    return _timeout_s(settings, "ask_timeout_s", SHORTEST_TIMEOUTS_S["ask_timeout_s"], speed) * speed - asked_s


def _timeout_s(settings: Settings, name: str, shortest_s: Decimal, speed: Decimal) -> Decimal:
    """In real seconds."""
    asked_s: Decimal = getattr(settings.rest, name)
    return max(asked_s / speed, min(shortest_s, asked_s))


def child_settings(settings: Settings, addresses: dict[str, str], directory: Path, speed: Decimal) -> Settings:
    """The operator's rules against this exchange: its addresses, an own state directory, timeouts that fit the speed.
    Page, `/metrics` and alerts are off: what happens there is made up.

    REST timeouts are real seconds, so at a speed they are divided by it, but only so far.
    """
    place = {"rest_url": addresses["rest"], "ws_url": addresses["websocket"], "ca_file": None, "speed": speed}
    patience = {name: _timeout_s(settings, name, shortest_s, speed) for name, shortest_s in SHORTEST_TIMEOUTS_S.items()}
    return settings.model_copy(
        update={
            "mode": RunMode.SANDBOX,
            "state_dir": directory.absolute(),
            "sandbox": settings.sandbox.model_copy(update=place),
            "rest": settings.rest.model_copy(update=patience),
            "dashboard": settings.dashboard.model_copy(update={"enabled": False}),
            "telemetry": settings.telemetry.model_copy(update={"prometheus": None}),
            "alerts": AlertSettings(),
        }
    )


def as_variables(settings: Settings) -> dict[str, str]:
    """Settings as the environment spells them: one variable a section, in JSON. Keys are the demonstration's."""
    told: dict[str, Any] = settings.model_dump(mode="json", exclude={"keys", "live", "paper", "alerts"})
    variables = {
        f"ARBBOT_{name.upper()}": value if isinstance(value, str) else json.dumps(value) for name, value in told.items()
    }
    return {**variables, "ARBBOT_KEYS__KEY_ID": DEMO_KEY, "ARBBOT_KEYS__SECRET": DEMO_SECRET}


class DaemonChild:
    """One process at a time, always on the same journal. Reads its log as it comes, and keeps warnings only."""

    def __init__(self, settings: Settings, directory: Path) -> None:
        self._settings = settings
        self._directory = directory
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self.starts = 0
        self.signals: Counter[str] = Counter()
        """Of what is no durable record: how often each kind of log line came; feed changes by what changed."""

    @property
    def pid(self) -> int | None:
        """The process, while there is one."""
        return None if self._process is None else self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended, negative for a signal; None while it runs."""
        return None if self._process is None else self._process.returncode

    async def start(self) -> None:
        """Start it on the journal as it lies. Raises RuntimeError beside a living one."""
        if self._process is not None and self._process.returncode is None:
            raise RuntimeError("the daemon runs already")
        await self._drained()
        self.starts += 1
        with self._open("daemon.txt") as said:
            self._process = await asyncio.create_subprocess_exec(
                *program("run"),
                cwd=self._directory,
                env={**environment(), **as_variables(self._settings)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=said,
                start_new_session=True,
                limit=LOG_LINE_BYTES_MAX,
            )
        self._reader = asyncio.create_task(self._listen(self._process), name="the daemon's log")

    def signal(self, number: int) -> None:
        """Send it a signal; a dead one takes no notice."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    async def gone(self, timeout_s: float) -> bool:
        """Wait for its end; False when it outlives the wait."""
        if self._process is None:
            return True
        try:
            async with asyncio.timeout(timeout_s):
                await self._process.wait()
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Leave no process behind: an orderly stop first, SIGKILL when that takes too long."""
        self.signal(signal.SIGTERM)
        if not await self.gone(15.0):
            self.signal(signal.SIGKILL)
            await self.gone(5.0)
        await self._drained()

    async def ask(self, verb: str, **more: object) -> dict[str, Any] | None:
        """A verb over its control socket; None when it does not answer or refuses."""
        request = {"verb": verb, **more}
        try:
            return await asyncio.to_thread(ask, self._settings.control_socket, request, ASK_TIMEOUT_S)
        except Failure:
            return None

    def rss_kib(self) -> int | None:
        """Resident memory; None where the system does not tell it under /proc."""
        try:
            return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_KIB
        except (OSError, IndexError):
            return None

    def _open(self, name: str) -> Any:
        return os.fdopen(os.open(self._directory / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        with self._open("warnings.jsonl") as kept:
            async for raw in process.stdout:
                try:
                    line = json.loads(raw)
                except ValueError:
                    continue
                kind = str(line.get("kind", "unknown"))
                self.signals[kind] += 1
                if kind == "feed_changed":
                    self.signals[_of_feed(line["record"])] += 1
                if line.get("status") in ("error", "critical") or kind in ("feed_changed", "mode_changed"):
                    kept.write(raw)
                    kept.flush()

    async def _drained(self) -> None:
        if self._reader is not None:
            await asyncio.wait([self._reader])
            self._reader.result()


def said_last(directory: Path, lines: int = 5) -> str:
    """The end of what the daemon said to the terminal, for a failure's message."""
    path = directory / "daemon.txt"
    text = path.read_text(errors="replace")[-4000:] if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])


def _of_feed(record: Mapping[str, Any]) -> str:
    """A feed's change in two words: why, where it went silent, else what."""
    stalled = str(record["reason"]).startswith("stalled")
    return "feed stalled" if stalled else f"feed {record['state']}"
