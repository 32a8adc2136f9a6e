"""A daemon whose every listener is dead, deaf or stuck trades all the same, and counts what it could not tell."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from arbbot.bootstrap.exchange_child import environment, exchange_child, program
from arbbot.control_client import ask
from arbbot.exchange.options import DEMO_KEY, DEMO_SECRET
from tests.telemetry.test_scrape import free_port

F_SETPIPE_SZ = 1031
SMALL_PIPE_BYTES = 4096


def variables(addresses: dict[str, str], folder: Path, webhook: int, prometheus: str) -> dict[str, str]:
    """Settings under which it trades within seconds, and everything that it tells goes nowhere."""
    return {
        "ARBBOT_MODE": "sandbox",
        "ARBBOT_STATE_DIR": str(folder),
        "ARBBOT_SANDBOX": json.dumps({"rest_url": addresses["rest"], "ws_url": addresses["websocket"]}),
        "ARBBOT_KEYS__KEY_ID": DEMO_KEY,
        "ARBBOT_KEYS__SECRET": DEMO_SECRET,
        "ARBBOT_TRADE__WEIGHT_PERCENT": "100",
        "ARBBOT_LIMITS": json.dumps({"notional_per_hour": 10**9, "notional_per_day": 10**9, "max_hedges": 256}),
        "ARBBOT_SPIKE__MEDIAN_SAMPLES": "4",
        "ARBBOT_ACCOUNT__LAG_S": "0.5",
        "ARBBOT_DASHBOARD__ENABLED": "false",
        "ARBBOT_TELEMETRY__STATSD": f"127.0.0.1:{free_port()}",
        "ARBBOT_TELEMETRY__PROMETHEUS": prometheus,
        "ARBBOT_ALERTS__URL": f"http://127.0.0.1:{webhook}/",
    }


async def totals(address: str) -> dict[str, float]:
    """What a scraper reads of counts, by name and own tag."""
    async with aiohttp.ClientSession() as session, session.get(f"http://{address}/metrics") as reply:
        text = await reply.text()
    return {
        " ".join([sample.name, *(sample.labels.get(tag, "") for tag in ("what", "outcome") if tag in sample.labels)]):
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


async def test_it_trades_with_every_listener_dead_deaf_or_stuck(tmp_path: Path) -> None:
    """No agent, a webhook that takes connections and never answers, a full pipe for log and standard error that nobody
    empties: hedges are made and reconciled, each loss is counted by its name, and the stop is flat and in time.
    """
    reader, writer = os.pipe()
    os.write(writer, bytes(fcntl.fcntl(writer, F_SETPIPE_SZ, SMALL_PIPE_BYTES)))
    scrape = f"127.0.0.1:{free_port()}"
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        async with exchange_child("--scenario", "dislocated", "--maker-fee", "0", "--taker-fee", "0.03") as addresses:
            told = variables(addresses, tmp_path, deaf.getsockname()[1], scrape)
            daemon = await asyncio.create_subprocess_exec(
                *program("run"),
                cwd=tmp_path,
                env={**environment(), **told},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writer,
                stderr=writer,
            )
            os.close(writer)
            try:
                counts = await _until_all_is_lost(scrape)
                health, status = (ask(tmp_path / "control.sock", {"verb": verb}) for verb in ("health", "status"))
                daemon.terminate()
                async with asyncio.timeout(40):
                    await daemon.wait()
            finally:
                if daemon.returncode is None:
                    daemon.kill()
                os.close(reader)
    assert counts["arbbot_hedges_closed_total completed"] >= 1
    assert counts["arbbot_telemetry_dropped_total records"] == 0
    assert counts["arbbot_alerts_posts_total delivered"] == 0
    assert health["healthy"], health
    assert health["alerts"]["trouble"].startswith("failed: "), "who asks is told that nobody hears"
    assert health["alerts"] == status["alerts"] | {"waiting": health["alerts"]["waiting"]}
    assert health["alerts"]["waiting"] >= 1, "kept for a receiver that comes back"
    assert daemon.returncode == 0


async def _until_all_is_lost(scrape: str) -> dict[str, float]:
    """Wait until a hedge is done, and something was lost on each way."""
    wanted = (
        "arbbot_hedges_closed_total completed",
        "arbbot_telemetry_dropped_total packets",
        "arbbot_alerts_posts_total failed",
    )
    async with asyncio.timeout(50):
        while True:
            await asyncio.sleep(0.2)
            try:
                counts = await totals(scrape)
            except aiohttp.ClientError:
                continue
            if all(counts.get(name) for name in wanted) and counts.get("arbbot_rows_total"):
                return counts
