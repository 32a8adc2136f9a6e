"""`arbbot exchange`: the built-in exchange until it is told to stop."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import math
import os
import shlex
import signal
from decimal import Decimal

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.exchange.accounts import FeeRates, tier
from arbbot.exchange.faults import BadFault
from arbbot.exchange.options import DEMO_ACCOUNT, DEMO_KEY, DEMO_SECRET, DEMO_SUB_ACCOUNT, ExchangeOptions
from arbbot.exchange.rules import VenueRules, with_rules
from arbbot.exchange.serve import Addresses, serve
from arbbot.exchange.venue import FIRST_USER_ID
from arbbot.exchange_command import ExchangeCommand

COMPRESSED_TICK_S = 0.05
"""Wall time: at 60 market seconds a second a book changes every three of them, and cannot change more often."""


def exchange(command: ExchangeCommand) -> ExitCode:
    """Serve until SIGINT or SIGTERM (or, on a leash, until standard input closes). Raises Failure (USAGE)."""
    if command.tls is not None:
        try:
            command.tls.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Failure(ExitCode.USAGE, f"exchange: --tls {command.tls}: {error.strerror}") from error
    try:
        asyncio.run(_serve(command))
    except (BadFault, ValueError, OSError) as error:
        raise Failure(ExitCode.USAGE, f"exchange: {error}") from error
    return ExitCode.OK


async def _serve(command: ExchangeCommand) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    if command.leash:
        loop.add_reader(0, lambda: None if os.read(0, 4096) else _let_go(loop, stop))
    await serve(options(command), ready=lambda addresses: announce(command, addresses), stop=stop)


def _let_go(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    loop.remove_reader(0)
    stop.set()


def options(command: ExchangeCommand) -> ExchangeOptions:
    """What the command line asked for. Raises ValueError as the exchange does."""
    rates = None
    if command.maker_fee is not None and command.taker_fee is not None:
        rates = FeeRates(command.maker_fee, command.taker_fee)
    elif command.tier is not None:
        rates = tier(Decimal(command.tier))
    account = dataclasses.replace(DEMO_ACCOUNT, rates=rates)
    if command.balances:
        account = dataclasses.replace(account, balances=command.balances)
    return ExchangeOptions(
        host=command.host,
        port=command.port,
        ws_port=command.ws_port,
        tls_dir=command.tls,
        accounts=(account, DEMO_SUB_ACCOUNT),
        rules=with_rules(
            VenueRules(row_decimals=command.row_decimals, sign_errors=not command.unsigned_errors), command.rules
        ),
        scenario=None if command.history else command.scenario or "calm",
        history=command.history,
        speed=float(command.compression),
        seed=command.seed,
        faults=command.faults,
        per_second=math.ceil(400 * command.compression),
        per_ten_minutes=math.ceil(10_000 * command.compression),
        tick_s=0.1 if command.compression == 1 else COMPRESSED_TICK_S,
    )


def announce(command: ExchangeCommand, addresses: Addresses) -> None:
    """Where it is, for a program or a person."""
    if command.as_json:
        told = {"rest": addresses.rest, "websocket": addresses.websocket, "control": addresses.control}
        print(
            json.dumps({**told, "key": DEMO_KEY, "secret": DEMO_SECRET, "customer_id": str(FIRST_USER_ID)}), flush=True
        )
        return
    market = f"history {command.history}" if command.history else f"scenario {command.scenario or 'calm'}"
    print(
        f"built-in exchange: {market}, seed {command.seed}, {command.compression} market seconds a second\n"
        f"  REST {addresses.rest}  WebSocket {addresses.websocket}  control {addresses.control}\n"
        f"  key {DEMO_KEY}  secret {DEMO_SECRET}  (public, of the demonstration account)\n"
        f"  customer id {FIRST_USER_ID}  (for old clients, which sign with it)\n"
        f"for a daemon in another terminal:\n  {' '.join(variables(command, addresses))} arbbot run --mode sandbox",
        flush=True,
    )


def variables(command: ExchangeCommand, addresses: Addresses) -> list[str]:
    """What brings a daemon here, as variables of its environment."""
    told = {
        "SANDBOX__REST_URL": addresses.rest,
        "SANDBOX__WS_URL": addresses.websocket,
        "KEYS__KEY_ID": DEMO_KEY,
        "KEYS__SECRET": DEMO_SECRET,
    }
    if command.compression != 1:
        told["SANDBOX__SPEED"] = f"{command.compression:f}"
    if command.tls is not None:
        told["SANDBOX__CA_FILE"] = shlex.quote(str(command.tls / "ca.pem"))
    return [f"ARBBOT_{name}={value}" for name, value in told.items()]
