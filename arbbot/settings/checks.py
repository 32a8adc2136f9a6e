"""What settings must hold together. Each check raises Contradiction, naming the key to change."""

from __future__ import annotations

from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from arbbot.engine.rules import ThresholdMode
from arbbot.ports import QUESTION_S
from arbbot.settings.errors import Contradiction, Contradictions
from arbbot.settings.errors import refuse_if as _refuse_if
from arbbot.settings.key_model import MODE_MARK, ROLE_MARK
from arbbot.settings.options import JournalSync, RunMode
from arbbot.settings.risk_checks import LOOKS_S, check_drill, check_limits, check_ramp, check_spike
from arbbot.settings.settlement import check_settlement
from arbbot.telemetry.address import parse_agent, parse_place
from arbbot.telemetry.alert_names import ALERT_NAMES

if TYPE_CHECKING:
    from arbbot.settings.model import Settings, Venue

LIVE_REST_HOST = "www.bitstamp.net"
LIVE_WS_HOST = "ws.bitstamp.net"
SANDBOX_REST_HOST = "sandbox.bitstamp.net"
SANDBOX_WS_HOST = "ws.sandbox.bitstamp.net"
LIMITS_MAX = 8
FRESH_LEAST_S, WAIT_LEAST_S = Decimal("0.1"), Decimal("0.05")
"""Of this machine's time: two ticks of a compressed exchange, of which one may be missed; an order's way and back."""


def cross_check(settings: Settings) -> None:
    """Everything, in the order an operator would read it. Raises Contradictions: the first of each part."""
    found: list[Contradiction] = []
    for check in (
        _route,
        _trade,
        _hedge,
        _fx,
        _feed,
        check_spike,
        _account,
        check_limits,
        check_ramp,
        check_drill,
        _rest,
        _venues,
        _keys,
        check_settlement,
        _vault,
        _dashboard,
        _rest_of_it,
        _telemetry,
        _alerts,
    ):
        try:
            check(settings)
        except Contradiction as contradiction:
            found.append(contradiction)
    if found:
        raise Contradictions(found)


def _route(settings: Settings) -> None:
    route = settings.route
    symbols = (route.domestic, route.foreign, route.fx)
    _refuse_if(
        len(set(symbols)) < 3,
        ("route.foreign", "route.fx", "route.domestic"),
        f"three different markets, not {', '.join(symbols)}",
    )


def _trade(settings: Settings) -> None:
    trade = settings.trade
    fixed = trade.threshold_mode is ThresholdMode.FIXED
    _refuse_if(
        fixed and trade.net_floor_percent >= trade.gross_threshold_percent,
        ("trade.net_floor_percent", "trade.gross_threshold_percent"),
        f"net floor {trade.net_floor_percent} % must be below the gross threshold {trade.gross_threshold_percent} %",
    )
    _refuse_if(
        not fixed and trade.net_floor_percent > trade.cost_margin_percent,
        ("trade.net_floor_percent", "trade.cost_margin_percent"),
        f"net floor {trade.net_floor_percent} % exceeds cost_margin_percent {trade.cost_margin_percent} %: "
        "the threshold would promise what the floor then declines",
    )
    _refuse_if(
        trade.collar_percent < trade.max_slippage_percent,
        ("trade.collar_percent", "trade.max_slippage_percent"),
        f"collar {trade.collar_percent} % must not be below max_slippage_percent {trade.max_slippage_percent} %",
    )


def _hedge(settings: Settings) -> None:
    hedge, trade = settings.hedge, settings.trade
    _refuse_if(
        hedge.force_s <= hedge.wait_s,
        ("hedge.force_s", "hedge.wait_s"),
        f"the exit is forced after waiting: {hedge.force_s} s must be more than wait_s {hedge.wait_s} s",
    )
    _refuse_if(
        hedge.forced_exit_loss_percent < hedge.exit_loss_percent,
        ("hedge.forced_exit_loss_percent", "hedge.exit_loss_percent"),
        f"a forced exit may lose no less ({hedge.forced_exit_loss_percent} %) than one by choice "
        f"(exit_loss_percent {hedge.exit_loss_percent} %)",
    )
    order = trade.target_size * trade.weight_percent / 100
    _refuse_if(
        hedge.dust_cap >= order,
        ("hedge.dust_cap", "trade.target_size", "trade.weight_percent"),
        f"dust of {hedge.dust_cap} must be less than one hedge, target_size x weight = {order.normalize():f}",
    )


def _fx(settings: Settings) -> None:
    fx = settings.fx
    _refuse_if(
        fx.slack_percent > fx.reach_percent,
        ("fx.slack_percent", "fx.reach_percent"),
        f"a limit's slack of {fx.slack_percent} % must not be more than reach_percent {fx.reach_percent} %",
    )


def _feed(settings: Settings) -> None:
    feed = settings.feed
    _refuse_if(
        feed.ticker_max_age_s <= feed.ticker_every_s,
        ("feed.ticker_max_age_s", "feed.ticker_every_s"),
        f"{feed.ticker_max_age_s} s must be more than ticker_every_s {feed.ticker_every_s} s, or no ticker ever counts",
    )


def _account(settings: Settings) -> None:
    account, hedge = settings.account, settings.hedge
    _refuse_if(
        account.overlap_s <= account.lag_s,
        ("account.overlap_s", "account.lag_s"),
        f"{account.overlap_s} s must be more than lag_s {account.lag_s} s, or late rows are missed",
    )
    _refuse_if(
        account.doubt_bound_s < 150,
        ("account.doubt_bound_s",),
        f"the venue accepts requests for 150 s; {account.doubt_bound_s} s would call a living order absent",
    )
    _refuse_if(
        account.doubt_alert_s <= LOOKS_S,
        ("account.doubt_alert_s",),
        f"{account.doubt_alert_s} s must be more than the {LOOKS_S} s that two looks for a lost order take, or a "
        "person is called before the answer",
    )
    _refuse_if(
        account.stop_grace_s <= hedge.force_s,
        ("account.stop_grace_s", "hedge.force_s"),
        f"{account.stop_grace_s} s must be more than hedge.force_s {hedge.force_s} s, or a stop cannot end a hedge",
    )


def _rest(settings: Settings) -> None:
    rest = settings.rest
    _refuse_if(not 1 <= len(rest.limits) <= LIMITS_MAX, ("rest.limits",), f"want 1 to {LIMITS_MAX} windows")
    _refuse_if(
        rest.connect_timeout_s > rest.order_timeout_s,
        ("rest.connect_timeout_s", "rest.order_timeout_s"),
        f"{rest.connect_timeout_s} s must not be more than order_timeout_s {rest.order_timeout_s} s",
    )
    _refuse_if(
        rest.ask_timeout_s > QUESTION_S,
        ("rest.ask_timeout_s",),
        f"a question is given up after {QUESTION_S} s, not {rest.ask_timeout_s} s",
    )


def _venues(settings: Settings) -> None:
    _venue("paper", settings.paper, LIVE_REST_HOST, LIVE_WS_HOST, loopback=True)
    _venue("sandbox", settings.sandbox, SANDBOX_REST_HOST, SANDBOX_WS_HOST, loopback=True)
    _venue("live", settings.live, LIVE_REST_HOST, LIVE_WS_HOST, loopback=False)
    urls = (settings.sandbox.rest_url, settings.sandbox.ws_url)
    _refuse_if(
        settings.sandbox.speed != 1 and not all(is_loopback(urlsplit(url).hostname or "") for url in urls),
        ("sandbox.speed",),
        "only an exchange on this machine can run faster than the world",
    )
    _compressed(settings)
    ca_file = settings.venue.ca_file
    if ca_file is not None:
        _trusted(f"{settings.mode}.ca_file", ca_file)


def _compressed(settings: Settings) -> None:
    """What lasts so short a time of this machine that neither frames nor replies can keep up."""
    speed = settings.sandbox.speed if settings.mode is RunMode.SANDBOX else Decimal(1)
    for key, market_s, least_s in (
        ("feed.fresh_s", settings.feed.fresh_s, FRESH_LEAST_S),
        ("hedge.wait_s", settings.hedge.wait_s, WAIT_LEAST_S),
    ):
        _refuse_if(
            speed > 1 and market_s < speed * least_s,
            ("sandbox.speed", key),
            f"at {speed} market seconds a second {key} of {market_s} s is less than {least_s} s of this machine, and "
            f"nothing arrives that fast: at most {market_s / least_s:f} here, or a longer {key}",
        )


def _trusted(key: str, ca_file: Path) -> None:
    """Whether a CA file can be trusted as the adapters will: certificates in PEM, all of them readable."""
    _refuse_if(not ca_file.is_file(), (key,), f"no such file: {ca_file}")
    import ssl  # here, for the few who name a file: every verb would wait for it

    try:
        ssl.create_default_context(cafile=ca_file)
    except OSError as error:  # SSLError is one
        reason = "no certificate in PEM form" if isinstance(error, ssl.SSLError) else error.strerror
        raise Contradiction((key,), f"{ca_file}: {reason}") from error


def _venue(mode: str, venue: Venue, rest_host: str, ws_host: str, *, loopback: bool) -> None:
    _url(f"{mode}.rest_url", venue.rest_url, ("https", "http"), rest_host, loopback)
    _url(f"{mode}.ws_url", venue.ws_url, ("wss", "ws"), ws_host, loopback)


def _url(key: str, url: str, schemes: tuple[str, str], host: str, loopback: bool) -> None:
    """Scheme, host and port; encrypted unless it stays on this machine; only the hosts that the mode may name."""
    try:
        parts = urlsplit(url)
        bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
        named, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise Contradiction((key,), "not an address") from error
    _refuse_if(parts.scheme not in schemes or not bare, (key,), f"want {schemes[0]}://host[:port] and nothing more")
    local = loopback and is_loopback(named)
    allowed = f"{host} or an address of this machine" if loopback else host
    _refuse_if(named != host and not local, (key,), f"this mode may only name {allowed}, not {named!r}")
    _refuse_if(parts.scheme == schemes[1] and not local, (key,), f"only {schemes[0]}:// leaves this machine")


def is_loopback(host: str) -> bool:
    """True for `localhost` and literal loopback addresses; names are never looked up."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _keys(settings: Settings) -> None:
    keys = settings.keys
    pairs = (("keys", keys), ("keys.read_only", keys.read_only), ("keys.treasury", keys.treasury))
    for section, pair in (*pairs, ("keys.panic", keys.panic)):
        for given, file, name in ((pair.key_id, pair.key_file, "key_id"), (pair.secret, pair.secret_file, "secret")):
            place = f"{section}.{'key_file' if name == 'key_id' else 'secret_file'}"
            _refuse_if(given is not None and file is not None, (place,), f"{name} is given too")


def _vault(settings: Settings) -> None:
    vault = settings.keys.vault
    for given, file, name in (
        (vault.token, vault.token_file, "token"),
        (vault.secret_id, vault.secret_id_file, "secret_id"),
        (vault.role_id, vault.token or vault.token_file, "token"),
    ):
        place = "role_id" if given is vault.role_id else f"{name}_file"
        _refuse_if(given is not None and file is not None, (f"keys.vault.{place}",), f"{name} is given too")
    bare = vault.path.replace(MODE_MARK, "").replace(ROLE_MARK, "")
    _refuse_if(
        ROLE_MARK not in vault.path or "{" in bare or "}" in bare,
        ("keys.vault.path",),
        "wants {role} in it, for no two roles share a key, and takes {mode} and no other word in braces",
    )
    if vault.address is not None:
        _vault_address(vault.address)
        if vault.ca_file is not None:
            _trusted("keys.vault.ca_file", vault.ca_file)


def _vault_address(address: str) -> None:
    """Scheme, host and port: encrypted unless it stays on this machine."""
    key = "keys.vault.address"
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise Contradiction((key,), "not an address") from error
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or "@" in parts.netloc)
    _refuse_if(parts.scheme not in ("https", "http") or not host or not bare, (key,), "want https://host[:port]")
    _refuse_if(parts.scheme == "http" and not is_loopback(host), (key,), "only https:// leaves this machine")


def _dashboard(settings: Settings) -> None:
    try:
        ip_address(settings.dashboard.host)
    except ValueError:
        raise Contradiction(("dashboard.host",), "wants an address such as 127.0.0.1, not a name") from None


def _rest_of_it(settings: Settings) -> None:
    _refuse_if(
        settings.mode is RunMode.LIVE and settings.journal.sync is JournalSync.NORMAL,
        ("journal.sync",),
        "live mode needs full: an order must be remembered after a power cut",
    )
    _refuse_if(
        settings.paper.maker_fee_percent > settings.paper.taker_fee_percent,
        ("paper.maker_fee_percent", "paper.taker_fee_percent"),
        f"the maker fee of {settings.paper.maker_fee_percent} % must not be above the taker fee of "
        f"{settings.paper.taker_fee_percent} %",
    )


def _telemetry(settings: Settings) -> None:
    telemetry = settings.telemetry
    for key, address, parse in (
        ("telemetry.statsd", telemetry.statsd, parse_agent),
        ("telemetry.prometheus", telemetry.prometheus, parse_place),
    ):
        if address is not None:
            try:
                parse(address)
            except ValueError as error:
                raise Contradiction((key,), str(error)) from error


def _alerts(settings: Settings) -> None:
    alerts = settings.alerts
    _refuse_if(alerts.url is not None and alerts.url_file is not None, ("alerts.url_file",), "url is given too")
    for key, names in (("alerts.also", alerts.also), ("alerts.never", alerts.never)):
        unknown = ", ".join(sorted(set(names) - ALERT_NAMES))
        _refuse_if(bool(unknown), (key,), f"no such alert: {unknown}; there are {', '.join(sorted(ALERT_NAMES))}")
