"""The command line: one verb, one call. It reads settings, starts things, or speaks to the daemon over its socket.

Everything heavy is imported by the verb that needs it, so that help is quick and trading never loads this.
"""

from __future__ import annotations

import getpass
import os
import sys
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_types import AsJson, JournalFile, Reason, SettingsFile, Socket, balance, duration, percent, positive
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

EXIT_CODE_MEANINGS = {
    ExitCode.OK: "done; a daemon that ends so is flat, with nothing in doubt",
    ExitCode.FAULT: "a fault of the program or its machine; starting again recovers",
    ExitCode.USAGE: "the command line was not understood",
    ExitCode.SETTINGS: "a setting is wrong, unknown or contradicts another",
    ExitCode.SECRET: "a key is missing, unreadable, or readable by others",
    ExitCode.JOURNAL: "the journal is in use, belongs to another account, or is damaged",
    ExitCode.LIVE_SWITCH: "live mode without its second switch",
    ExitCode.VENUE: "the venue could not be reached, or does not have these markets",
    ExitCode.DAEMON: "no daemon answers, or it refused",
    ExitCode.FEED_DEAD: "the feed died; what was open was resolved",
    ExitCode.AUTH: "the venue refuses the key; do not start again",
    ExitCode.NOT_FLAT: "stopped with something open or in doubt: look at the venue now",
    ExitCode.CHECK_FAILED: "a check failed, or the daemon is not fit to trade",
}

_ABOUT = """Buy where it is cheaper, sell where it is dearer, at the same time, and account for every cent.

\b
First steps, without account or money:
  arbbot run --demo --for 30s     rehearse on the built-in exchange and print a report
  arbbot settings                 every setting in force, and where it comes from
  arbbot run --mode paper         live books, simulated fills, no key
\b
While a daemon runs:
  arbbot status                   am I flat, what is in doubt, does the ledger equal the venue
  arbbot why                      why are we not trading
  arbbot halt --reason TEXT       cancel our orders, resolve what is one-sided, latch
\b
Afterwards:
  arbbot report                   what we really made
  arbbot explain HEDGE_ID         everything that led to a hedge, and came of it
"""
_EPILOG = "\b\nExit codes:\n" + "\n".join(f"{code.value:4}  {text}" for code, text in EXIT_CODE_MEANINGS.items())

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=_ABOUT,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class ModeOption(StrEnum):
    """--mode."""

    PAPER = "paper"
    SANDBOX = "sandbox"
    LIVE = "live"


class ScenarioOption(StrEnum):
    """--scenario."""

    CALM = "calm"
    MIXED = "mixed"
    DISLOCATED = "dislocated"
    STRESS = "stress"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return its exit code. Everything that can be the operator's mistake is one line on stderr."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = app(args=words or ["--help"], prog_name="arbbot", standalone_mode=False)
    except Failure as failure:
        for line in failure.reason.splitlines():
            sys.stderr.write(f"arbbot: {line}\n")
        return failure.code
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = "arbbot" if context is None else context.command_path
        sys.stderr.write(f"{command}: {' '.join(error.format_message().split())} (see {command} --help)\n")
        return ExitCode.USAGE
    return ExitCode.OK if code is None else int(code)


def _version(asked: bool) -> None:
    if asked:
        from arbbot import __version__

        typer.echo(f"arbbot {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


# --- start things -------------------------------------------------------------------------------------------------


@app.command()
def run(
    mode: Annotated[
        ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode; live needs its second switch.")
    ] = None,
    for_s: Annotated[
        Decimal | None,
        typer.Option("--for", parser=duration, metavar="TIME", help="Stop by itself after 30s, 5m, 24h ..."),
    ] = None,
    record: Annotated[
        Path | None, typer.Option("--record", metavar="DIR", help="Record all that comes in, for replay.")
    ] = None,
    demo: Annotated[
        bool, typer.Option("--demo", help="Rehearse on a built-in exchange started for this, then report.")
    ] = False,
    settings: SettingsFile = None,
) -> int:
    """Start the daemon: recover, reconcile, trade, and stop flat on SIGTERM or Ctrl-C."""
    from arbbot import bootstrap
    from arbbot.settings import load

    if demo and mode not in (None, ModeOption.SANDBOX):
        raise typer.BadParameter("--demo rehearses in sandbox mode and no other")
    return bootstrap.run(
        load(settings, "sandbox" if demo else mode and mode.value), for_s=for_s, record=record, demo=demo
    )


@app.command()
def exchange(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="REST port; 0 picks a free one.")] = 8787,
    ws_port: Annotated[
        int | None, typer.Option("--ws-port", min=0, max=65535, help="WebSocket port; else the REST port.")
    ] = None,
    scenario: Annotated[ScenarioOption | None, typer.Option(help="Seeded market; calm by default.")] = None,
    history: Annotated[
        str | None, typer.Option(metavar="PERIOD", help="Follow recorded hourly closes: 2020, 2020-03, 2020-03-12.")
    ] = None,
    compression: Annotated[
        Decimal, typer.Option(parser=positive, metavar="N", help="Market seconds per second.")
    ] = "1",  # type: ignore[assignment]  # typer passes a default through the parser
    seed: Annotated[int, typer.Option(help="The same seed gives the same market.")] = 1,
    tier: Annotated[
        int | None, typer.Option(min=0, metavar="VOLUME", help="Charge the fees of this 30-day volume in USD.")
    ] = None,
    maker_fee: Annotated[
        Decimal | None, typer.Option(parser=percent, metavar="PERCENT", help="Charge this instead of a tier.")
    ] = None,
    taker_fee: Annotated[
        Decimal | None, typer.Option(parser=percent, metavar="PERCENT", help="Charge this instead of a tier.")
    ] = None,
    balances: Annotated[
        list[Any] | None,
        typer.Option("--balance", parser=balance, metavar="CURRENCY=AMOUNT", help="Opening balance; repeatable."),
    ] = None,
    tls: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Serve TLS; the certificate authority is written to DIR/ca.pem.")
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="SPEC", help="Go wrong on purpose: reply_lost:buy:1; repeatable."),
    ] = None,
    row_decimals: Annotated[int, typer.Option(min=2, max=8, help="Decimals that transaction rows show.")] = 2,
    unsigned_errors: Annotated[
        bool, typer.Option("--unsigned-errors", help="Leave error replies unsigned; the real venue may.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Tell the addresses as one line of JSON.")] = False,
    leash: Annotated[bool, typer.Option("--leash", help="End when standard input does.")] = False,
) -> int:
    """Serve the built-in, Bitstamp-compatible exchange on this machine until Ctrl-C."""
    from arbbot import bootstrap
    from arbbot.exchange_command import ExchangeCommand

    if scenario is not None and history is not None:
        raise typer.BadParameter("--scenario and --history exclude each other")
    if (maker_fee is None) != (taker_fee is None) or (tier is not None and taker_fee is not None):
        raise typer.BadParameter("give --maker-fee and --taker-fee together, or --tier, or none of them")
    return bootstrap.exchange(
        ExchangeCommand(
            host=host,
            port=port,
            ws_port=ws_port,
            scenario=scenario and scenario.value,
            history=history,
            compression=compression,
            seed=seed,
            tier=tier,
            maker_fee=maker_fee,
            taker_fee=taker_fee,
            balances=tuple(balances or ()),
            tls=tls,
            faults=tuple(fault or ()),
            row_decimals=row_decimals,
            unsigned_errors=unsigned_errors,
            as_json=as_json,
            leash=leash,
        )
    )


@app.command()
def check(
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Before the first order: settings, key rights, clock, fees and break-even, balances on both legs, decimals."""
    from arbbot import bootstrap
    from arbbot.settings import load

    return bootstrap.check(load(settings, mode and mode.value), as_json)


@app.command("settings")
def settings_(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Every setting in force and where it comes from; keys are masked."""
    from arbbot import screen
    from arbbot.settings import in_force

    screen.show(in_force(settings), as_json, "settings")


# --- ask the daemon -----------------------------------------------------------------------------------------------


def _ask(settings: Path | None, socket: Path | None, verb: str) -> dict[str, Any]:
    from arbbot.control_client import ask, newest
    from arbbot.settings import load

    return ask(socket or newest(load(settings).control_socket), {"verb": verb})


def _tell(settings: Path | None, socket: Path | None, verb: str, reason: str, **more: Any) -> None:
    from arbbot import screen
    from arbbot.control_client import ask
    from arbbot.settings import load

    request = {"verb": verb, "who": _who(), "reason": reason, **more}
    screen.show(ask(socket or load(settings).control_socket, request), as_json=False)


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user often has no name
        return f"uid {os.getuid()}"


@app.command()
def status(as_json: AsJson = False, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Am I flat? Exposure, open and doubtful orders, balances against the ledger, books, last hedges."""
    from arbbot import screen

    screen.show(_ask(settings, socket, "status"), as_json, "status")


@app.command()
def why(as_json: AsJson = False, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Why are we not trading? The refusals of this moment in plain words, both edges, and what was counted."""
    from arbbot import screen

    screen.show(_ask(settings, socket, "why"), as_json, "why")


@app.command()
def health(as_json: AsJson = False, socket: Socket = None, settings: SettingsFile = None) -> int:
    """Exit 0 when the daemon is fit to trade, for watchdogs; a pause is a person's choice and counts as fit."""
    from arbbot import screen

    answer = _ask(settings, socket, "health")
    screen.show(answer, as_json)
    return ExitCode.OK if answer.get("healthy") is True else ExitCode.CHECK_FAILED


# --- command the daemon -------------------------------------------------------------------------------------------


@app.command()
def pause(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """No new hedges; what is open runs to its end."""
    _tell(settings, socket, "pause", reason)


@app.command()
def resume(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Trade again after a pause, a reduction or a halt; acknowledges deposits and other people's rows."""
    _tell(settings, socket, "resume", reason)


@app.command()
def halt(
    reason: Reason,
    panic: Annotated[bool, typer.Option("--panic", help="Cancel and latch only; resolve nothing.")] = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """Cancel our resting orders, resolve what is one-sided, and stay halted until a person resumes."""
    _tell(settings, socket, "halt", reason, panic=panic)


@app.command()
def resolve(
    client_order_id: Annotated[str, typer.Argument(metavar="ORDER", help="Our id, as `arbbot status` shows it.")],
    as_: Annotated[
        str, typer.Option("--as", metavar="absent|VENUE_ID", help="It never existed, or is this order of the venue.")
    ],
    reason: Reason,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """Decide a doubt that the venue's answers could not: look at the venue's own pages first."""
    _tell(settings, socket, "resolve", reason, client_order_id=client_order_id, **{"as": as_})


@app.command()
def rebase(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Accept the venue's balances as a new opening of the ledger."""
    _tell(settings, socket, "rebase", reason)


# --- look back ----------------------------------------------------------------------------------------------------


@app.command()
def report(journal: JournalFile = None, as_json: AsJson = False, settings: SettingsFile = None) -> int:
    """What we really made: hedges, ledger against the venue, P&L line by line, fees, edge expected and realised."""
    from arbbot import bootstrap
    from arbbot.settings import load

    return bootstrap.report(journal, load(settings), as_json)


@app.command()
def explain(
    hedge_id: Annotated[str, typer.Argument(metavar="HEDGE_ID", help="As `arbbot status` or a log line names it.")],
    journal: JournalFile = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Everything that led to a hedge and came of it, with timings."""
    from arbbot import bootstrap
    from arbbot.settings import load

    return bootstrap.explain(hedge_id, journal, load(settings), as_json)


@app.command()
def replay(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="As written by `arbbot run --record DIR`.")],
    as_json: AsJson = False,
) -> int:
    """Put a recording through the engine again: the same decisions, proven by an equal hash."""
    from arbbot import bootstrap

    return bootstrap.replay(directory, as_json)


@app.command()
def backtest(
    period: Annotated[str, typer.Argument(metavar="PERIOD", help="Recorded hours: 2020, 2020-03 or 2020-03-12.")],
    taker: Annotated[
        list[Any] | None,
        typer.Option("--taker", parser=positive, metavar="PERCENT", help="Taker fee; repeatable. Else 0.40 and 0.03."),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same path between the closes.")] = 1,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Follow recorded hourly closes in virtual time; what happens between them is synthetic, and is said to be."""
    from arbbot import bootstrap
    from arbbot.settings import load

    rates = tuple(taker) if taker else (Decimal("0.40"), Decimal("0.03"))
    return bootstrap.backtest(period, load(settings), taker_percent=rates, seed=seed, as_json=as_json)
