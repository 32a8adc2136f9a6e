"""`arbbot treasury` and its verbs: the money side, with a key of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from arbbot.cli_types import AsJson, ModeOption, SettingsFile, currency_code

if TYPE_CHECKING:
    from pathlib import Path

    from arbbot.settings import Settings

treasury = typer.Typer(add_completion=False, rich_markup_mode=None, no_args_is_help=True)
Mode = Annotated[ModeOption | None, typer.Option("--mode", help="Instead of the settings' mode.")]
Currency = Annotated[str, typer.Argument(metavar="CURRENCY", parser=currency_code, help="As usdt or btc.")]


@treasury.callback()
def _about() -> None:
    """Deposits, withdrawals, transfers, and which balance runs out first: with the treasury key alone."""


def _load(path: Path | None, mode: ModeOption | None) -> Settings:
    from arbbot.settings import load

    return load(path, None if mode is None else mode.value, live_switch=False)


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
