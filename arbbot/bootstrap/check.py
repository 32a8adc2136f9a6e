"""`arbbot check`: everything that can be known before the first order, asked of the venue itself."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from urllib.parse import urlsplit

from arbbot import screen
from arbbot.bitstamp.rest import BitstampGateway
from arbbot.bitstamp.rights import account_of
from arbbot.bootstrap.journals import remembered
from arbbot.bootstrap.key_rights import may_trade, role_words, withdrawal_words
from arbbot.bootstrap.longrun.gate import leave
from arbbot.bootstrap.opening import verdict
from arbbot.bootstrap.paper import paper_balances, paper_fees
from arbbot.bootstrap.summary import plain
from arbbot.bootstrap.weight import in_effect, too_small
from arbbot.bootstrap.wiring import Taps, fetch_route, follow_compressed, gateway
from arbbot.domain.commands import Ask, Topic
from arbbot.domain.events import BalancesFetched, BookFetched, FeesFetched
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import FeeRate, Route
from arbbot.domain.money import ZERO
from arbbot.domain.order import Balance
from arbbot.engine.state import State
from arbbot.ports import Gateway
from arbbot.runtime.clock import SystemClock
from arbbot.settings import KeyRole, Keys, RunMode, Settings, SettingsError, find_keys, lies_in_vault, read_keys, rules
from arbbot.settings.checks import is_loopback

CLOCK_OFFSET_MAX_MS = 5_000
"""The venue refuses requests 150 s off; far less is already a machine to mend."""
VAULT_ALONE = "WARNING: lies in Vault: while Vault is sealed or silent, a panic has to do without it; files would not"
COMPRESSED = "an exchange started with --compression N wants sandbox.speed = N"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and how it went; `passed` None for mere information."""

    name: str
    passed: bool | None
    text: str


def check(settings: Settings, as_json: bool) -> ExitCode:
    """Run the preflight and print it; CHECK_FAILED when something would keep the daemon from trading."""
    keys = read_keys(settings)
    findings = [Finding("settings", True, f"mode {settings.mode}, {settings.venue.rest_url}")]
    findings.extend(gate_findings(settings))
    state, damaged = _remembered(settings)
    findings.extend(damaged)
    findings.extend(asyncio.run(_ask(settings, keys, state)))
    failed = any(finding.passed is False for finding in findings)
    if as_json:
        shown = [{"check": each.name, "passed": each.passed, "text": each.text} for each in findings]
        screen.show_json({"ok": not failed, "checks": shown})
    else:
        words = {True: "ok  ", False: "FAIL", None: "    "}
        print(*(f"{words[each.passed]} {each.name:10} {each.text}" for each in findings), sep="\n")
    return ExitCode.CHECK_FAILED if failed else ExitCode.OK


def gate_findings(settings: Settings) -> list[Finding]:
    """Whether live mode would start: a rehearsal on record, or a person's reason."""
    if settings.mode is not RunMode.LIVE:
        return []
    told = leave(settings)
    return [Finding("rehearsal", told.granted, told.words)]


def _remembered(settings: Settings) -> tuple[State | None, list[Finding]]:
    """What the journal remembers, or the finding that it cannot be read: then nothing is said of what rests on it."""
    try:
        return remembered(settings), []
    except Failure as failure:
        return None, [Finding("journal", False, failure.reason)]


async def _ask(settings: Settings, keys: Keys | None, state: State | None) -> list[Finding]:
    clock = SystemClock(float(settings.speed))
    async with gateway(settings, keys, clock, lambda _event, _at: None, Taps()) as source:
        try:
            if settings.speed != 1:
                await follow_compressed(settings, clock)
            route = await fetch_route(settings, source)
        except Failure as failure:
            return [Finding("venue", False, failure.reason)]
        findings = [
            Finding(
                "decimals",
                True,
                ", ".join(
                    f"{each.symbol} price {each.counter_decimals} amount {each.base_decimals} "
                    f"minimum {plain(each.minimum_order_value)} {each.counter}"
                    for each in route.instruments
                ),
            ),
            _clock_finding(settings, source.venue_offset_ms),
        ]
        asks, books = await _books(source, route)
        findings += books
        if keys is None:
            findings.append(Finding("key", None, f"mode {settings.mode} needs none"))
            findings += _fee_findings(settings, route, paper_fees(settings, route))
            if state is not None:
                findings += _held_findings(_paper_held(settings, route, state), asks, route, settings, state)
            return findings
        answer = await source.perform(Ask(0, Topic.FEES))
        fees = dict(answer.rates) if isinstance(answer, FeesFetched) else None
        refused = f"the venue refused it: {getattr(answer, 'reason', 'no answer')}"
        findings.append(Finding("key", fees is not None, refused if fees is None else "reads the account"))
        findings.append(Finding("key", *await may_trade(source, route.domestic.symbol)))
        findings.append(Finding("key", *await withdrawal_words(settings, source, route.base)))
        findings += await _other_keys(settings, source, clock, route.base)
        findings += _fee_findings(settings, route, fees)
        return [*findings, *await _balance_findings(source, asks, route, settings, state)]


def _fee_findings(settings: Settings, route: Route, fees: dict[str, FeeRate] | None) -> list[Finding]:
    return [Finding("fees", None, line) for line in verdict(route, fees, rules(settings).trade)]


def _paper_held(settings: Settings, route: Route, state: State) -> dict[str, Balance]:
    """Paper's account: what its journal says is owned, or the settings' opening."""
    owned = paper_balances(settings, route, state)
    return {currency: Balance(currency, total, total, ZERO) for currency, total in owned.items()}


async def _other_keys(settings: Settings, trading: BitstampGateway, clock: SystemClock, base: str) -> list[Finding]:
    """Of each other role that has a key of its own: whose account it is, and whether it may do what it is for."""
    account = await account_of(trading)
    findings = []
    for role in KeyRole:
        try:
            keys = None if role is KeyRole.TRADING else find_keys(settings, role)
        except SettingsError as error:
            if role is not KeyRole.TREASURY:
                raise
            # whoever runs the daemon is not to have it: a policy of Vault refuses it, and that is well
            findings.append(Finding(role.value, None, f"not to be had here: {'; '.join(error.problems)}"))
            continue
        if keys is not None:
            if role is KeyRole.PANIC and lies_in_vault(settings, role):
                findings.append(Finding(role.value, None, VAULT_ALONE))
            async with gateway(settings, keys, clock, lambda _event, _at: None, Taps()) as source:
                told = await role_words(role, source, account, base, settles=settings.settlement.enabled)
                findings += [Finding(role.value, *found) for found in told]
    return findings


def _clock_finding(settings: Settings, offset_ms: int | None) -> Finding:
    if settings.speed != 1:
        return Finding("clock", True, f"taken from the venue, {settings.speed} market seconds a second")
    if offset_ms is None:
        return Finding("clock", None, "the venue sent no date")
    passed, text = abs(offset_ms) <= CLOCK_OFFSET_MAX_MS, f"venue minus ours {offset_ms} ms, good to a second"
    local = is_loopback(urlsplit(settings.venue.rest_url).hostname or "")
    return Finding("clock", passed, text if passed or not local else f"{text}; {COMPRESSED}")


async def _books(source: Gateway, route: Route) -> tuple[dict[str, Decimal], list[Finding]]:
    """Asks by market, and what is to be said of the books."""
    asks, findings = {}, []
    for symbol in route.symbols:
        answer = await source.perform(Ask(0, Topic.BOOK, market=symbol))
        if isinstance(answer, BookFetched):
            book = answer.book
            text = f"{symbol} {book.bid} / {book.ask}, {len(book.bids)} and {len(book.asks)} levels"
            findings.append(Finding("book", book.tradable, text))
            if book.ask is not None:
                asks[symbol] = book.ask
        else:
            findings.append(Finding("book", False, f"{symbol}: {getattr(answer, 'reason', 'no answer')}"))
    return asks, findings


async def _balance_findings(
    source: Gateway, asks: Mapping[str, Decimal], route: Route, settings: Settings, state: State | None
) -> list[Finding]:
    """Both legs need money and both need base to sell: a hedge buys in one market and sells in the other."""
    answer = await source.perform(Ask(0, Topic.BALANCES))
    if not isinstance(answer, BalancesFetched):
        return [Finding("balances", False, getattr(answer, "reason", "no answer"))]
    return _held_findings({balance.currency: balance for balance in answer.balances}, asks, route, settings, state)


def _held_findings(
    held: Mapping[str, Balance], asks: Mapping[str, Decimal], route: Route, settings: Settings, state: State | None
) -> list[Finding]:
    findings = [_balance_finding(held, currency, route) for currency in route.currencies]
    if state is None:
        return findings
    base = held.get(route.base)
    told = rules(settings)
    weight = in_effect(state, told)
    target = told.trade.target_size * weight
    if base is not None and ZERO < base.available < target:
        text = f"{plain(base.available)} {route.base} is less than one weighted target of {plain(target)}"
        findings.append(Finding("balances", None, text))
    totals = {currency: balance.total for currency, balance in held.items()}
    small = too_small(totals, asks, route, told, weight)
    findings += [Finding("weight", None if len(small) == 1 else False, line) for line in small]
    return findings


def _balance_finding(held: Mapping[str, Balance], currency: str, route: Route) -> Finding:
    balance = held.get(currency)
    available = ZERO if balance is None else balance.available
    use = "to sell in either market" if currency == route.base else "to buy with"
    return Finding("balances", available > 0, f"{plain(available)} {currency} available {use}")
