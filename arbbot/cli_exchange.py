"""`arbbot exchange` and its many options."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_types import balance, percent, positive


class Scenario(StrEnum):
    """--scenario."""

    CALM = "calm"
    MIXED = "mixed"
    DISLOCATED = "dislocated"
    EVENTFUL = "eventful"
    STRESS = "stress"


Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="REST port; 0 picks a free one.")]
WsPort = Annotated[
    int | None, typer.Option("--ws-port", min=0, max=65535, help="WebSocket port; else the REST port serves both.")
]
Market = Annotated[Scenario | None, typer.Option("--scenario", help="Seeded market; calm by default.")]
History = Annotated[
    str | None,
    typer.Option("--history", metavar="PERIOD", help="Follow recorded hourly closes: 2020, 2020-03, 2020-03-12."),
]
Compression = Annotated[
    Decimal | None, typer.Option("--compression", parser=positive, metavar="N", help="Market seconds per second.")
]
Seed = Annotated[int, typer.Option("--seed", help="The same seed gives the same market.")]
Tier = Annotated[
    int | None, typer.Option("--tier", min=0, metavar="VOLUME", help="Charge the fees of this 30-day volume in USD.")
]
MakerFee = Annotated[
    Decimal | None, typer.Option("--maker-fee", parser=percent, metavar="PERCENT", help="Charge this, not a tier.")
]
TakerFee = Annotated[
    Decimal | None, typer.Option("--taker-fee", parser=percent, metavar="PERCENT", help="Charge this, not a tier.")
]
Balances = Annotated[
    list[Any] | None,
    typer.Option("--balance", parser=balance, metavar="CURRENCY=AMOUNT", help="Opening balance; repeatable."),
]
Tls = Annotated[
    Path | None, typer.Option("--tls", metavar="DIR", help="Serve TLS; the authority to trust goes to DIR/ca.pem.")
]
Faults = Annotated[
    list[str] | None,
    typer.Option("--fault", metavar="SPEC", help="Go wrong on purpose; repeatable."),
]


def _list_faults(asked: bool) -> None:
    if asked:
        from arbbot.exchange.faults import FAULTS

        for name, kind in FAULTS.items():
            parameters = "".join(f",{key}={value}" for key, value in kind.defaults.items())
            typer.echo(f"{kind.stage.value:10}{name + parameters:32}{kind.meaning}")
        raise typer.Exit


ListFaults = Annotated[
    bool, typer.Option("--faults", callback=_list_faults, is_eager=True, help="List all faults there are, and exit.")
]
RowDecimals = Annotated[int, typer.Option("--row-decimals", min=2, max=8, help="Decimals that transaction rows show.")]
UnsignedErrors = Annotated[
    bool, typer.Option("--unsigned-errors", help="Leave error replies unsigned; the real venue may.")
]
Rules = Annotated[
    list[str] | None,
    typer.Option("--rule", metavar="NAME=VALUE", help="A variant of the venue, as in withdrawal_booking=reserved."),
]
AsJsonLine = Annotated[bool, typer.Option("--json", help="Tell the addresses as one line of JSON.")]
Leash = Annotated[bool, typer.Option("--leash", help="End when standard input does.")]


def exchange(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Port = 8787,
    ws_port: WsPort = None,
    scenario: Market = None,
    history: History = None,
    compression: Compression = None,
    seed: Seed = 1,
    tier: Tier = None,
    maker_fee: MakerFee = None,
    taker_fee: TakerFee = None,
    balances: Balances = None,
    tls: Tls = None,
    faults: Faults = None,
    list_faults: ListFaults = False,
    row_decimals: RowDecimals = 2,
    unsigned_errors: UnsignedErrors = False,
    rules: Rules = None,
    as_json: AsJsonLine = False,
    leash: Leash = False,
) -> int:
    """Serve the built-in, Bitstamp-compatible exchange on this machine until Ctrl-C.

    \b
    A fault is NAME[:PATTERN[:TIMES]][,PARAMETER=VALUE...], as in
      reply_lost:buy:1                     the reply to the next purchase
      stall:order_book_btcusd:1,delay_s=30
    PATTERN is a REST path below /api/v2/ or a WebSocket channel, with * and ?;
    TIMES is a count, or a probability below 1; nothing means always.
    GET /control lists what can be asked and disturbed. All of it: docs/reference/exchange.md
    """
    if scenario is not None and history is not None:
        raise typer.BadParameter("--scenario and --history exclude each other")
    if (maker_fee is None) != (taker_fee is None) or (tier is not None and taker_fee is not None):
        raise typer.BadParameter("give --maker-fee and --taker-fee together, or --tier, or none of them")
    from arbbot import bootstrap
    from arbbot.exchange_command import ExchangeCommand

    return bootstrap.exchange(
        ExchangeCommand(
            host=host,
            port=port,
            ws_port=ws_port,
            scenario=scenario and scenario.value,
            history=history,
            compression=compression or Decimal(1),
            seed=seed,
            tier=tier,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            balances=tuple(balances or ()),
            tls=tls,
            faults=tuple(faults or ()),
            row_decimals=row_decimals,
            unsigned_errors=unsigned_errors,
            rules=tuple(rules or ()),
            as_json=as_json,
            leash=leash,
        )
    )
