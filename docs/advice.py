"""What to do about a refusal, and after an exit code: a person's knowledge, held complete by a test."""

from __future__ import annotations

from arbbot.domain.exit_codes import ExitCode

_MARKET = "by itself, when the market changes"
_FEED = "by itself, with the next good book; if it lasts, look at the feed"
_PERSON = "`arbbot resume --reason TEXT`, once the cause is understood"
_SECONDS = "by itself, within seconds"

AFTER_REFUSAL: dict[str, str] = {
    "recovering": f"{_SECONDS}; if not, `arbbot status` names what could not be read",
    "stopping": "the process ends; nothing to do",
    "halted": _PERSON,
    "reducing": _PERSON,
    "paused": _PERSON,
    "hedge_open": f"{_SECONDS}, at the latest by `hedge.force_s`",
    "converting": _SECONDS,
    "leased": "by itself, when the settlement is done, at the latest after `account.lease_s`",
    "in_doubt": "by itself within `account.doubt_bound_s` and some; else `arbbot resolve`",
    "unhedged": "trade it away by hand or keep it, then `arbbot rebase --reason TEXT`",
    "anchoring": "by itself, `account.lag_s` after the account has gone quiet",
    "reconciling": f"{_SECONDS}; if not, see the balances in `arbbot status`",
    "clock_unseen": f"{_SECONDS}, with the first reply of the venue; if not, a proxy takes its `Date` away",
    "clock_stepped": "by itself, when the venue's clock was seen again; mend the machine's time service",
    "cooldown": "by itself, after `hedge.cooldown_s`, `hedge.reject_cooldown_s` or `fx.retry_s`",
    "no_fees": "by itself, when the venue answers; if not, the key may lack the right to read",
    "market_halted": "when the venue opens the market; rules that changed want a restart",
    "feed_down": "by itself, when connected; after five attempts in vain the daemon leaves with code 20",
    "premium_unchecked": "by itself, with the next tickers (`feed.ticker_every_s`)",
    "premium_disagrees": "by itself, when tickers and books agree within `feed.premium_tolerance_percent`",
    "no_book": _FEED,
    "stale_book": f"{_FEED} (`feed.fresh_s`)",
    "crossed_book": _FEED,
    "bad_book": _FEED,
    "thin_book": f"{_MARKET} (`trade.min_depth_levels`)",
    "below_threshold": f"{_MARKET} (`trade.gross_threshold_percent`); most of the time this is the reason",
    "below_net_floor": f"{_MARKET}, or at a better fee tier (`trade.net_floor_percent`)",
    "slippage": f"{_MARKET} (`trade.max_slippage_percent`)",
    "collar": f"{_MARKET} (`trade.collar_percent`)",
    "sell_below_limit": f"{_MARKET} (`trade.limit_markup_percent`)",
    "fx_depth": _MARKET,
    "book_depth": _MARKET,
    "base_balance": "more of the base asset on the account",
    "quote_balance": "more of the currency that the hedge buys with, on the account",
    "capital": "more capital, or a larger `trade.weight_percent`",
    "target": "a larger `trade.target_size` or `trade.weight_percent`",
    "notional_cap": "a larger `trade.max_notional` or `fx.max_conversion`",
    "rate_unchecked": "by itself, when the venue answers (`spike.rate_every_s`)",
    "rate_disagrees": "by itself, when the two agree within `spike.rate_tolerance_percent`",
    "median_unknown": "by itself, after `spike.median_samples` samples: ten seconds from the start",
    "far_from_median": "by itself, when the signal goes, or the median has followed (`spike.median_window_s`)",
    "too_good": "by itself, when the edge is below `spike.max_gross_percent`; look at both books by hand",
    "books_skewed": _SECONDS + " (`spike.max_skew_s`)",
    "not_persisted": "by itself, after `spike.persist_changes` changes and `spike.persist_s`",
    "fx_collar": f"{_MARKET} (`fx.reach_percent`)",
    "fx_balance": "when the currency is no longer held by an order, or more of it is on the account",
    "fx_given_up": _PERSON,
    "limit_reached": f"{_PERSON}; `arbbot status` shows which limit, and what it measures",
    "no_marks": "by itself, with the next books of the domestic and the FX market",
    "no_balances": "by itself, when the venue answers",
    "notional_hour": "by itself, as the hour rolls on (`limits.notional_per_hour`)",
    "notional_day": "by itself, at midnight UTC (`limits.notional_per_day`)",
    "order_rate": "by itself, within a minute (`limits.orders_per_minute`)",
    "cancel_rate": "by itself, within a minute (`limits.cancels_per_minute`)",
    "duplicate": "by itself, with the next books, or after `limits.duplicate_s`",
}

AFTER_EXIT: dict[ExitCode, str] = {
    ExitCode.OK: "nothing",
    ExitCode.FAULT: "start again: it recovers; keep the traceback in the log for the maintainers",
    ExitCode.USAGE: "`arbbot VERB --help`",
    ExitCode.SETTINGS: "mend the setting that the line names",
    ExitCode.SECRET: "mend the key, its rights or its file (`chmod 600`)",
    ExitCode.JOURNAL: "in use: stop the other process; another account: `arbbot adopt`; "
    "damaged: [restore](../how-to/restore.md)",
    ExitCode.LIVE_SWITCH: '`live.i_understand_real_money = "yes"` and a passed `arbbot rehearse`, or an override',
    ExitCode.VENUE: "start again; if it lasts, look at the network and the venue's status page",
    ExitCode.DAEMON: "is it running, with these settings? `--socket FILE` names another",
    ExitCode.FEED_DEAD: "start again; the line says what ended the feed",
    ExitCode.AUTH: "mend the key or the clock, start, `arbbot check`, then `arbbot resume`",
    ExitCode.NOT_FLAT: "look at the venue first: [stopped_not_flat](../runbook/stopped_not_flat.md)",
    ExitCode.CHECK_FAILED: "the lines that begin with FAIL, or the problems named, say what to mend",
    ExitCode.SETTLEMENT_REFUSED: "its last line says what forbade it; nothing has left, and the next run tries anew",
    ExitCode.SETTLEMENT_OPEN: "[settlement_stuck](../runbook/settlement_stuck.md): nothing is sent again meanwhile",
}
