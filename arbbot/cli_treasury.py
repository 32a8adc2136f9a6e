"""`arbbot treasury` and its verbs: the money side, with a key of its own."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arbbot.cli_types import (
    AsJson,
    JournalFile,
    ModeOption,
    Reason,
    SettingsFile,
    Socket,
    currency_code,
    duration,
    operator,
    positive,
)

if TYPE_CHECKING:
    from pathlib import Path

    from arbbot.settings import Settings

treasury = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Mode = Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", parser=currency_code, help="As usdt or btc.")]


@treasury.callback()
def _about() -> None:
    """Deposits, withdrawals, transfers, and which balance runs out first: with the treasury key alone."""


def _load(path: Path | None, mode: ModeOption | None, *, live_switch: bool = False) -> Settings:
    from arbbot.settings import load

    return load(path, None if mode is None else mode.value, live_switch=live_switch)  # looking asks for nothing


@treasury.command()
def address(
    currency: Currency,
    network: Annotated[
        str | None, typer.Option("--network", metavar="NAME", help="Needed where there are several.")
    ] = None,
    mode: Mode = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Where to send a currency to, from outside: the account's own address on one network."""
    loaded = _load(settings, mode)
    from arbbot import bootstrap

    return bootstrap.deposit_address(loaded, currency, network, as_json)


@treasury.command()
def withdrawals(mode: Mode = None, as_json: AsJson = False, settings: SettingsFile = None) -> int:
    """The account's withdrawal requests by the venue's word, newest first, whoever asked for them."""
    loaded = _load(settings, mode)
    from arbbot import bootstrap

    return bootstrap.withdrawals(loaded, as_json)


@treasury.command()
def deposits(mode: Mode = None, as_json: AsJson = False, settings: SettingsFile = None) -> int:
    """Crypto deposits by the venue's word, newest first, and what those wait for that are not credited."""
    loaded = _load(settings, mode)
    from arbbot import bootstrap

    return bootstrap.deposits(loaded, as_json)


@treasury.command()
def transfer(
    size: Annotated[Any, typer.Argument(metavar="SIZE", parser=positive, help="In units of the currency.")],
    currency: Currency,
    reason: Reason,
    to: Annotated[
        str | None, typer.Option("--to", metavar="SUB", help="From the main account to this sub-account.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", metavar="SUB", help="From it to the main account.")] = None,
    to_main: Annotated[
        bool, typer.Option("--to-main", help="With a sub-account's own key: to its main account.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    mode: Mode = None,
    as_json: AsJson = False,
    settings: SettingsFile = None,
) -> int:
    """Move money between the main account and a sub-account: once, and never while anything is open or in doubt.

    It is written down before it is sent. Where the answer is lost, the account's rows tell what it meant; until they
    do, exit 22 and no other transfer. The daemon finds the row, takes it for a person's doing and pauses.
    """
    if (to is not None) + (from_ is not None) + to_main != 1:
        raise typer.BadParameter("say one of --to SUB, --from SUB and --to-main")
    loaded = _load(settings, mode, live_switch=True)
    from arbbot import bootstrap
    from arbbot.domain.funding import Transfer

    asked = Transfer(currency, size, to is None, to or from_)
    wanted = bootstrap.Wanted(asked, operator(), reason)
    return bootstrap.transfer(loaded, wanted, lambda question: yes or _agreed(question), as_json)


def _agreed(question: str) -> bool:
    """A person's word; whoever cannot be asked has not agreed."""
    return sys.stdin.isatty() and typer.confirm(question, err=True)


@treasury.command()
def transfers(mode: Mode = None, as_json: AsJson = False, settings: SettingsFile = None) -> int:
    """Every transfer that was asked for from here; one in doubt is looked for at the venue first."""
    loaded = _load(settings, mode)
    from arbbot import bootstrap

    return bootstrap.transfers(loaded, as_json)


@treasury.command()
def advice(
    over_s: Annotated[
        Any, typer.Option("--over", parser=duration, metavar="TIME", help="How far back: 6h, 7d ...; else a day.")
    ] = "1d",
    as_json: AsJson = False,
    socket: Socket = None,
    journal: JournalFile = None,
    settings: SettingsFile = None,
) -> int:
    """Which balance runs out first if hedges go on as they did of late, and what to convert or send in. Needs no key.

    By the running daemon's figures, or without one by those of the last journal. Conversions of its own are counted in;
    beyond `fx.band` it makes them by itself, unless trade.fx_policy is never.
    """
    loaded = _load(settings, None)
    from arbbot import bootstrap

    return bootstrap.advice(loaded, over_s, socket, journal, as_json)
