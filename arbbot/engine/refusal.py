"""Every reason not to trade, by name. A refusal is a value, counted; it is never an error."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Why a moment did not become a hedge, or a drift not a conversion."""

    RECOVERING = "recovering"
    STOPPING = "stopping"
    HALTED = "halted"
    REDUCING = "reducing"
    PAUSED = "paused"
    HEDGE_OPEN = "hedge_open"
    CONVERTING = "converting"
    LEASED = "leased"
    IN_DOUBT = "in_doubt"
    UNHEDGED = "unhedged"
    ANCHORING = "anchoring"
    RECONCILING = "reconciling"
    CLOCK_UNSEEN = "clock_unseen"
    CLOCK_STEPPED = "clock_stepped"
    COOLDOWN = "cooldown"
    NO_FEES = "no_fees"
    MARKET_HALTED = "market_halted"
    FEED_DOWN = "feed_down"
    PREMIUM_UNCHECKED = "premium_unchecked"
    PREMIUM_DISAGREES = "premium_disagrees"
    NO_BOOK = "no_book"
    STALE_BOOK = "stale_book"
    CROSSED_BOOK = "crossed_book"
    BAD_BOOK = "bad_book"
    THIN_BOOK = "thin_book"
    BELOW_THRESHOLD = "below_threshold"
    BELOW_NET_FLOOR = "below_net_floor"
    SLIPPAGE = "slippage"
    COLLAR = "collar"
    SELL_BELOW_LIMIT = "sell_below_limit"
    FX_DEPTH = "fx_depth"
    BOOK_DEPTH = "book_depth"
    BASE_BALANCE = "base_balance"
    QUOTE_BALANCE = "quote_balance"
    CAPITAL = "capital"
    TARGET = "target"
    NOTIONAL_CAP = "notional_cap"
    RATE_UNCHECKED = "rate_unchecked"
    RATE_DISAGREES = "rate_disagrees"
    MEDIAN_UNKNOWN = "median_unknown"
    FAR_FROM_MEDIAN = "far_from_median"
    TOO_GOOD = "too_good"
    BOOKS_SKEWED = "books_skewed"
    NOT_PERSISTED = "not_persisted"
    FX_COLLAR = "fx_collar"
    FX_BALANCE = "fx_balance"
    FX_GIVEN_UP = "fx_given_up"
    LIMIT_REACHED = "limit_reached"
    NO_MARKS = "no_marks"
    NO_BALANCES = "no_balances"
    NOTIONAL_HOUR = "notional_hour"
    NOTIONAL_DAY = "notional_day"
    ORDER_RATE = "order_rate"
    CANCEL_RATE = "cancel_rate"
    DUPLICATE = "duplicate"


EXPLANATIONS: dict[Refusal, str] = {
    Refusal.RECOVERING: "start-up is still reading the account; trading opens when the ledger equals the venue",
    Refusal.STOPPING: "the daemon is stopping",
    Refusal.HALTED: "trading is halted; a person must resume it, with a reason",
    Refusal.REDUCING: "no new hedges after repeated trouble or a tripped limit; a person must resume trading",
    Refusal.PAUSED: "trading is paused; a person must resume it",
    Refusal.HEDGE_OPEN: "one hedge at a time, and one is open",
    Refusal.CONVERTING: "foreign currency is being converted, and no hedge opens beside that",
    Refusal.LEASED: "the account is lent to a settlement, for `account.lease_s` at most",
    Refusal.IN_DOUBT: "an order is in doubt and counts as if it may fill",
    Refusal.UNHEDGED: "a base position is left over: trade it away at the venue or keep it, then `arbbot rebase`",
    Refusal.ANCHORING: "once the account is quiet for some seconds, the venue's balances become the ledger's opening",
    Refusal.RECONCILING: "the ledger has not yet been seen equal to the venue since the last fill",
    Refusal.CLOCK_UNSEEN: "no reply has told the venue's clock since the start: a `Date` header, within seconds",
    Refusal.CLOCK_STEPPED: "this machine's clock was stepped; the venue's must be seen anew first",
    Refusal.COOLDOWN: "waiting a little after the last hedge or conversion",
    Refusal.NO_FEES: "the account's live fees are not known",
    Refusal.MARKET_HALTED: "the venue has stopped trading in a market of the route",
    Refusal.FEED_DOWN: "the order-book feed is not connected and subscribed",
    Refusal.PREMIUM_UNCHECKED: "the REST tickers have not confirmed the books' premium yet",
    Refusal.PREMIUM_DISAGREES: "the tickers' premium and the books' premium differ too much",
    Refusal.NO_BOOK: "a market has sent no book since the feed was subscribed",
    Refusal.STALE_BOOK: "a book has not been confirmed recently",
    Refusal.CROSSED_BOOK: "a book is crossed or one of its sides is empty",
    Refusal.BAD_BOOK: "a book has rows out of order or not positive",
    Refusal.THIN_BOOK: "a base book shows fewer levels than required",
    Refusal.BELOW_THRESHOLD: "the gross edge is below the threshold",
    Refusal.BELOW_NET_FLOOR: "net of fees the edge does not exceed the floor",
    Refusal.SLIPPAGE: "even the smallest size would slip too far from the touch",
    Refusal.COLLAR: "the worst price swept would lie outside the collar",
    Refusal.SELL_BELOW_LIMIT: "the sell book does not reach the limit price",
    Refusal.FX_DEPTH: "the FX book is not deep enough for the notional",
    Refusal.BOOK_DEPTH: "a base book is not deep enough",
    Refusal.BASE_BALANCE: "not enough of the base asset to sell",
    Refusal.QUOTE_BALANCE: "not enough money in the market to buy in",
    Refusal.CAPITAL: "the weight of tradable capital allows no order of the venue's minimum",
    Refusal.TARGET: "the weighted target size is below the venue's minimum",
    Refusal.NOTIONAL_CAP: "the notional cap is below the venue's minimum",
    Refusal.RATE_UNCHECKED: "the venue's own conversion rate has not been compared with the FX book lately",
    Refusal.RATE_DISAGREES: "the FX book's middle lies too far from the venue's own conversion rate",
    Refusal.MEDIAN_UNKNOWN: "too few samples of the premium in the last minutes to tell a spike from a price",
    Refusal.FAR_FROM_MEDIAN: "the signal lies too far from the recent median of the premium: a spike, until it lasts",
    Refusal.TOO_GOOD: "the edge is too good to be true",
    Refusal.BOOKS_SKEWED: "a book is older than the change that made the edge, and not yet shown to be current",
    Refusal.NOT_PERSISTED: "the edge has not lasted long enough yet",
    Refusal.FX_COLLAR: "the FX book would be swept further from its touch than a conversion may",
    Refusal.FX_BALANCE: "not enough available of the currency that a conversion would pay with",
    Refusal.FX_GIVEN_UP: "too many conversions in a row did not fill; a person must resume trading",
    Refusal.LIMIT_REACHED: "a limit of losses, refused orders or one-sided exposure is reached",
    Refusal.NO_MARKS: "no recent prices to value the account at, so its loss of the day is not known",
    Refusal.NO_BALANCES: "the venue's balances are not known, so the account's loss of the day is not either",
    Refusal.NOTIONAL_HOUR: "the notional of the last hour leaves no room for another hedge",
    Refusal.NOTIONAL_DAY: "the notional of this UTC day leaves no room for another hedge",
    Refusal.ORDER_RATE: "too many orders within the last minute",
    Refusal.CANCEL_RATE: "too many cancels within the last minute",
    Refusal.DUPLICATE: "the same hedge on the same books, or again within moments",
}
