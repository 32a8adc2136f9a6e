"""What can be done to a daemon through its venue: one entry a trouble, written as the exchange's switches are.

Delays are market seconds here; `at_speed` turns those that the exchange counts by the wall.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WALL_DELAYS = frozenset({"delay_before", "delay_after", "stall", "stall_frames", "stall_channel"})
"""Faults whose `delay_s` the exchange waits by the wall clock; it keeps the others' in market time."""
ROUTE = ("btcusd", "btceur", "eurusd")
"""The markets that the built-in exchange quotes, as troubles name them: domestic, foreign, FX."""
CLOSE_CODES = (1000, 1001, 1006, 1009, 1011, 1012, 4300)
Strike = tuple[str, str]
"""A fault by its name and what it is meant for."""
Body = Mapping[str, object]
Lever = tuple[str, Body]
"""An action of the control endpoint and its body."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing to go wrong: faults switched on together, levers pulled at the start and at the end."""

    family: str
    """rest, order, rows, frame, subscription, market or spike."""
    name: str
    """What is done, to what and how: it is counted by this, so no two of the catalogue share it."""
    faults: tuple[str, ...] = ()
    begin: tuple[Lever, ...] = ()
    end: tuple[Lever, ...] = ()

    @property
    def strikes(self) -> frozenset[Strike]:
        """What the exchange counts of it."""
        switches = (fault.partition(",")[0].split(":") for fault in self.faults)
        return frozenset((name, pattern) for name, pattern, *_ in switches)

    def struck(self, fired: Counter[Strike]) -> bool:
        """Whether each of its faults has; levers are pulled, whatever happens."""
        return all(fired[strike] for strike in self.strikes)


def _of(family: str, *faults: str) -> list[Trouble]:
    return [Trouble(family, _named(fault), (fault,)) for fault in faults]


def _named(fault: str) -> str:
    """`close order_book_btcusd code=1001`: all of it but how often."""
    switch, *options = fault.split(",")
    name, pattern, _ = switch.split(":")
    return " ".join((name, pattern, *options))


_ORDERS = _of(
    "order",
    "refuse:buy:1", "request_lost:sell:1", "reply_lost:buy:1", "reply_lost:sell:1", "delay_before:sell:1,delay_s=2",
    "delay_after:buy:1,delay_s=2", "http_500:buy:1", "http_502:sell:1,accepted=1", "http_503:buy:1,accepted=1",
    "http_504:sell:1", "html_200:buy:1", "block_403:sell:1", "empty_200:buy:1,accepted=1", "maintenance:sell:1",
    "rate_limited:buy:1", "reject:buy:1", "reject:sell:1", "insufficient:sell:1", "halted:buy:1", "timed_out:buy:1",
    "timed_out:sell:1", "truncated:sell:1", "mis_signed:buy:1", "unsigned:sell:1", "other_reply:buy:1",
    "stale_reply:sell:1", "not_found:sell:1,delay_s=5", "not_found:buy:1,delay_s=5", "partial_cancel:sell:1",
    "partial_cancel:buy:1,share=0.3",
)  # fmt: skip
_QUESTIONS = _of(
    "rest",
    "refuse:*:0.2", "http_502:*:0.2", "rate_limited:*:3,status=429", "delay_after:user_transactions:3,delay_s=8",
    "truncated:user_transactions:2", "mis_signed:account_balances:2",
    "other_reply:user_transactions:2", "stale_reply:order_status:2", "stale_reply:order_book:3",
    "html_200:order_book:3", "empty_200:ticker:2", "maintenance:fees:2",
    "auth_403:user_transactions:1", "ip_403:account_balances:1",
)  # fmt: skip
_PROVOKED = [  # what is asked at a new connection or in a doubt alone: waited for, a day may pass without it
    Trouble(
        "rest",
        "http_500 websockets_token",
        ("http_500:websockets_token:1",),
        (("drop_connections", MappingProxyType({})),),
    ),
    Trouble("rest", "unsigned order_status", ("unsigned:order_status:2", "request_lost:buy:1")),
]
_ROWS = _of(
    "rows",
    "rows_late:user_transactions:4,delay_s=10", "rows_duplicated:user_transactions:5",
    "rows_shuffled:user_transactions:5", "rows_retyped:user_transactions:5", "rows_unknown:user_transactions:1",
)  # fmt: skip
_FRAMES = _of(
    "frame",
    "fin:order_book_btcusd:1", "rst:order_book_btceur:1", "stall:order_book_btcusd:1,delay_s=40",
    "stall_frames:order_book_eurusd:1,delay_s=40", "stall_channel:order_book_btceur:1,delay_s=60",
    "request_reconnect:order_book_btcusd:1", "crossed:order_book_btceur:2", "empty:order_book_btcusd:2",
    "zero:order_book_btcusd:2", "absurd:order_book_btceur:1", "nan:order_book_btcusd:2",
    "huge_number:order_book_btceur:2", "wrong_types:order_book_eurusd:2", "duplicate:order_book_btcusd:5",
    "older:order_book_btceur:5", "reordered:order_book_btcusd:5", "garbage:order_book_btceur:3",
    "binary:order_book_btcusd:2", "deep:order_book_btcusd:1", "huge:order_book_eurusd:1",
    "burst:order_book_btcusd:1,size=2000",
)  # fmt: skip
_CLOSES = _of("frame", *(f"close:order_book_btcusd:1,code={code}" for code in CLOSE_CODES))
_SUBSCRIPTIONS = [
    Trouble("subscription", name, (f"{name}:order_book_btceur:1",), (("drop_connections", MappingProxyType({})),))
    for name in ("refuse_subscription", "ignore_subscription")
]
_TOGETHER = [
    Trouble("order", "reject both", ("reject:buy:1", "reject:sell:1")),
    Trouble("order", "both replies lost", ("reply_lost:buy:1", "reply_lost:sell:1")),
    Trouble("order", "fill_after_cancel", ("fill_after_cancel:cancel_order:1,delay_s=3", "wick:order_book_btceur:1")),
    Trouble("order", "cancel unanswered", ("reply_lost:cancel_order:1", "wick:order_book_btceur:1,share=-0.01")),
]


def _spike(market: str, share: str, seconds: int) -> Trouble:
    lever = ("spike", MappingProxyType({"market": market, "share": share, "seconds": seconds}))
    return Trouble("spike", f"spike {market} {float(share):+.1%}", begin=(lever,))


def _wick(market: str, share: str) -> Trouble:
    return Trouble("spike", f"wick {market} {float(share):+.1%}", (f"wick:order_book_{market}:1,share={share}",))


_SPIKES = [
    *(_spike(market, share, 3) for market in ("btceur", "btcusd") for share in ("0.012", "-0.012")),
    _spike("eurusd", "0.006", 3),
    *(_wick(market, share) for market in ("btceur", "btcusd") for share in ("0.01", "-0.01")),
    _wick("eurusd", "0.008"),
]
_MARKET = [
    Trouble(
        "market",
        "trading switched off",
        begin=(("market_status", MappingProxyType({"market": "btceur", "enabled": False})),),
        end=(("market_status", MappingProxyType({"market": "btceur", "enabled": True})),),
    ),
    Trouble("market", "every connection cut", begin=(("drop_connections", MappingProxyType({"reset": True})),)),
    Trouble("market", "reconnection asked for", begin=(("request_reconnect", MappingProxyType({})),)),
]
_FEES = [
    Trouble(
        "market",
        "fees raised",
        begin=(("fees", MappingProxyType({"maker": "0.01", "taker": "0.05"})),),
        end=(("fees", MappingProxyType({"maker": "0.00", "taker": "0.03"})),),
    )
]
CATALOGUE: tuple[Trouble, ...] = (
    *_ORDERS, *_QUESTIONS, *_PROVOKED, *_ROWS, *_FRAMES, *_CLOSES, *_SUBSCRIPTIONS, *_TOGETHER, *_SPIKES, *_MARKET,
    *_FEES,
)  # fmt: skip


def at_speed(fault: str, speed: float) -> str:
    """The fault as the exchange wants it at this speed. A delay it keeps by the wall is given in real seconds."""
    name = fault.partition(":")[0]
    head, separator, delay = fault.partition("delay_s=")
    if name not in WALL_DELAYS or not separator:
        return fault
    return f"{head}delay_s={float(delay) / speed:.4f}"
