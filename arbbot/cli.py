"""The command line: one verb, one call. It reads settings, starts things, or speaks to the daemon over its socket.

Everything heavy is imported by the verb that needs it, so that help is quick. The daemon runs in this process too:
typer is loaded while it trades, and does nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

import typer

from arbbot.cli_breakeven import breakeven
from arbbot.cli_datadog import datadog
from arbbot.cli_doors import ask_daemon, door, load_settings, tell_daemon
from arbbot.cli_exchange import exchange
from arbbot.cli_keys import adopt, rotate_keys
from arbbot.cli_panic import panic
from arbbot.cli_radar import radar
from arbbot.cli_ramp import ramp
from arbbot.cli_rehearse import rehearse
from arbbot.cli_report import report
from arbbot.cli_settle import settle
from arbbot.cli_spikes import spikes
from arbbot.cli_treasury import treasury
from arbbot.cli_types import (
    AsJson,
    JournalFile,
    ModeOption,
    Reason,
    SettingsFile,
    Socket,
    duration,
    positive,
)
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

EXIT_CODE_MEANINGS = {
    ExitCode.OK: "done; a daemon that ends so is flat, with nothing in doubt",
    ExitCode.FAULT: "a fault of the program or its machine; starting again recovers",
    ExitCode.USAGE: "the command line was not understood",
    ExitCode.SETTINGS: "a setting is wrong, unknown or contradicts another",
    ExitCode.SECRET: "a key is missing, unreadable, readable by others, or may withdraw and must not",
    ExitCode.JOURNAL: "the journal is in use, belongs to another account, or is damaged",
    ExitCode.LIVE_SWITCH: "live mode without its second switch",
    ExitCode.VENUE: "the venue or the account could not be read, or it does not have these markets",
    ExitCode.DAEMON: "no daemon answers, or it refused",
    ExitCode.FEED_DEAD: "the feed died; what was open was resolved",
    ExitCode.AUTH: "the venue refuses the key, or the clock; do not start again",
    ExitCode.NOT_FLAT: "stopped with something open or in doubt: look at the venue now",
    ExitCode.CHECK_FAILED: "a check failed, or the daemon is not fit to trade",
    ExitCode.SETTLEMENT_REFUSED: "a settlement was refused, and nothing has left",
    ExitCode.SETTLEMENT_OPEN: "a settlement is in doubt, does not end, or is beside a wrong journal: look at the venue",
}

_ABOUT = """Buy where it is cheaper, sell where it is dearer, at the same time, and account for every cent.

\b
First steps, without account or money:
  arbbot run --demo --for 30s     rehearse on the built-in exchange and print a report
  arbbot settings                 every setting in force, and where it comes from
  arbbot run --mode paper         live books, simulated fills, no key; records them
  arbbot radar DIR                which edges a recording held at each fee tier: how often, how long, how large
  arbbot breakeven                what a hedge costs at each fee tier, and how often that was there to be earned
  arbbot rehearse                 a day of faults, spikes and deaths in 24 minutes; live mode wants a passed one
\b
While a daemon runs:
  arbbot status                   am I flat, what is in doubt, does the ledger equal the venue
  arbbot why                      why are we not trading
  arbbot page                     the same and more in a browser
  arbbot halt --reason TEXT       cancel our orders, resolve what is one-sided, latch
  arbbot rotate-keys --reason TEXT  another trading key, without disturbing a hedge in flight
  arbbot panic --reason TEXT      without a daemon: cancel every order of the account, verify, latch
\b
Afterwards:
  arbbot report                   what we really made
  arbbot explain HEDGE_ID         everything that led to a hedge, and came of it
\b
Money:
  arbbot settle                   profit turned into USDT and withdrawn to a listed address; off as it comes
  arbbot treasury advice          which balance runs out first, and what to move
"""
_EPILOG = "\b\nExit codes:\n" + "\n".join(f"{code.value:4}  {text}" for code, text in EXIT_CODE_MEANINGS.items())

REBASE_LOOKS, REBASE_LOOK_S = 32, 0.25
"""A quiet account is read within two seconds, and again `account.lag_s` later, which usually is five."""

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help=_ABOUT,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)


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
        typer.Option(
            "--for", parser=duration, metavar="TIME", help="Stop by itself after 30s, 5m, 24h ... of market time."
        ),
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
    if demo and mode not in (None, ModeOption.SANDBOX):
        raise typer.BadParameter("--demo rehearses in sandbox mode and no other")
    loaded = load_settings(settings, ModeOption.SANDBOX if demo else mode)
    from arbbot import bootstrap

    return bootstrap.run(loaded, for_s=for_s, record=record, demo=demo)


app.command()(exchange)
app.command()(rehearse)


@app.command()
def check(
    mode: Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")] = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Before the first order: settings, key rights, clock, fees and break-even, balances on both legs, decimals."""
    loaded = load_settings(settings, mode)
    from arbbot import bootstrap

    return bootstrap.check(loaded, as_json)


@app.command("settings")
def settings_(as_json: AsJson = False, settings: SettingsFile = None) -> None:
    """Every setting in force and where it comes from; keys are masked."""
    from arbbot import screen
    from arbbot.settings import in_force

    screen.show(in_force(settings), as_json, "settings")


# --- ask the daemon -----------------------------------------------------------------------------------------------


@app.command()
def status(
    watch: Annotated[bool, typer.Option("--watch", help="Once a second until Ctrl-C, on one screen.")] = False,
    as_json: AsJson = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """Am I flat? Exposure, open and doubtful orders, balances against the ledger, books, last hedges."""
    if watch:
        from arbbot.status_watch import watch as watch_status

        try:
            watch_status(lambda: ask_daemon(settings, socket, "status"), as_json)
        except KeyboardInterrupt:
            return
    from arbbot import screen

    screen.show(ask_daemon(settings, socket, "status"), as_json, "status")


@app.command()
def why(as_json: AsJson = False, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Why are we not trading? The refusals of this moment in plain words, both edges, and what was counted."""
    from arbbot import screen

    screen.show(ask_daemon(settings, socket, "why"), as_json, "why")


@app.command()
def health(as_json: AsJson = False, socket: Socket = None, settings: SettingsFile = None) -> int:
    """Exit 0 when the daemon is fit to trade, for watchdogs; a pause is a person's choice and counts as fit."""
    from arbbot import screen
    from arbbot.control_client import ask

    path, hint = door(settings, socket)
    answer = ask(path, {"verb": "health"}, hint=hint)
    screen.show(answer, as_json)
    return ExitCode.OK if answer.get("healthy") is True else ExitCode.CHECK_FAILED


@app.command()
def page(socket: Socket = None, settings: SettingsFile = None) -> None:
    """Where the operator's page is: its address with the token, for a browser of this machine."""
    typer.echo(ask_daemon(settings, socket, "page")["address"])


# --- command the daemon -------------------------------------------------------------------------------------------


@app.command()
def pause(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """No new hedges; what is open runs to its end."""
    tell_daemon(settings, socket, "pause", reason)


@app.command()
def resume(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Trade again after a pause, a reduction or a halt; acknowledges deposits and other people's rows."""
    tell_daemon(settings, socket, "resume", reason)


@app.command()
def halt(
    reason: Reason,
    panic: Annotated[bool, typer.Option("--panic", help="Cancel and latch only; resolve nothing.")] = False,
    socket: Socket = None,
    settings: SettingsFile = None,
) -> None:
    """Cancel our resting orders, resolve what is one-sided, and stay halted until a person resumes."""
    tell_daemon(settings, socket, "halt", reason, panic=panic)


app.command()(panic)


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
    tell_daemon(settings, socket, "resolve", reason, client_order_id=client_order_id, **{"as": as_})


@app.command()
def rebase(reason: Reason, socket: Socket = None, settings: SettingsFile = None) -> None:
    """Accept the venue's balances as a new opening of the ledger, as soon as the account is quiet."""
    from arbbot.control_client import ask

    tell_daemon(settings, socket, "rebase", reason)
    path, _ = door(settings, socket)
    for _ in range(REBASE_LOOKS):
        time.sleep(REBASE_LOOK_S)
        if not ask(path, {"verb": "status"})["rebase_waiting"]:
            typer.echo("rebase: done, the venue's balances are the new opening")
            return
    typer.echo(
        "rebase: waits until no order or hedge is open and no transaction new for account.lag_s; "
        "`arbbot status` tells while it waits"
    )


app.command()(adopt)
app.command("rotate-keys")(rotate_keys)
app.add_typer(ramp, name="ramp")
app.add_typer(datadog, name="datadog")
app.add_typer(treasury, name="treasury")
app.command()(settle)


# --- look back ----------------------------------------------------------------------------------------------------


app.command()(report)


@app.command()
def explain(
    hedge_id: Annotated[
        str, typer.Argument(metavar="ID", help="Of a hedge or conversion, as `arbbot status` or a log line names it.")
    ],
    journal: JournalFile = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Everything that led to a hedge or conversion and came of it, with timings."""
    loaded = load_settings(settings)
    from arbbot import bootstrap

    return bootstrap.explain(hedge_id, journal, loaded, as_json)


@app.command()
def replay(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="As written by `arbbot run --record DIR`.")],
    as_json: AsJson = False,
) -> int:
    """Put a recording through the engine again: the same decisions, proven by an equal hash."""
    from arbbot import bootstrap

    return bootstrap.replay(directory, as_json)


app.command()(breakeven)
app.command()(radar)
app.command()(spikes)


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
    loaded = load_settings(settings)
    from arbbot import bootstrap

    rates = tuple(taker) if taker else (Decimal("0.40"), Decimal("0.03"))
    return bootstrap.backtest(period, loaded, taker_percent=rates, seed=seed, as_json=as_json)
