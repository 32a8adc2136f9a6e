"""The CPU paths that have a budget, each beside its yardstick. What `make test` gates, `make bench` prints."""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from orjson import loads

from arbbot.bench import markets
from arbbot.bench.bed import LATER_US, START, Bed, as_books, ready_session
from arbbot.bench.frames import Shape, Stamped
from arbbot.bench.markets import MIDS, SHAPES, VARIETY
from arbbot.bench.measure import Cost, compare
from arbbot.bitstamp.auth import FORM, Credentials, Signer, new_nonce
from arbbot.bitstamp.requests import build
from arbbot.bitstamp.session import Channels
from arbbot.domain.commands import PlaceOrder
from arbbot.domain.market import Side
from arbbot.domain.order import OrderKind, OrderTerms, Purpose

D = Decimal
A_ROUND = 32
"""Frames of one round: few enough to stay in the cache, where a frame from the socket is as well."""


@dataclass(frozen=True, slots=True)
class HotPath:
    """One path: `measure(rounds)` times it against its yardstick."""

    name: str
    yardstick: str
    budget: float | None
    """Largest ratio; None where it is only reported."""
    measure: Callable[[int], Cost]
    allowance: float = 1.5
    """What the tests grant a noisy machine, as a multiple of the budget."""


def no_candidate(rounds: int) -> Cost:
    """A frame of a market without an edge: read, checked, compared with both thresholds, dropped."""
    bed = Bed(markets.books(SHAPES))
    source = markets.frames("btcusd", SHAPES["btcusd"], MIDS["btcusd"], LATER_US)
    return compare(lambda: source.take(A_ROUND), bed.decide, loads, rounds)


def walked(rounds: int) -> Cost:
    """A frame whose touch clears the threshold: the smallest order is walked through twenty levels of each of the
    three books, and declined. The other two were walked before, as they are while a candidate stands.
    """
    shapes = markets.shared_out(markets.smallest_order(), reach=4000)
    bed = Bed(markets.books(shapes))
    source = markets.frames("btceur", shapes["btceur"], MIDS["btceur"] * markets.BARELY, LATER_US)
    return compare(lambda: source.take(A_ROUND), bed.decide, loads, rounds)


def opened(rounds: int) -> Cost:
    """A frame that makes a hedge of the target size, which reaches twenty levels of three books that nobody has
    walked yet: sized, both orders minted, approved and recorded. Each time by a new engine, so nothing is warm.
    """
    shapes = markets.shared_out(markets.target_order(), reach=40)
    shown = markets.books(shapes)
    source = markets.frames("btceur", shapes["btceur"], MIDS["btceur"] * markets.RICH, LATER_US)

    def supply() -> list[tuple[Bed, bytes]]:
        return [(Bed(shown), source.next()) for _ in range(4)]

    return compare(supply, lambda pair: pair[0].decide(pair[1]), lambda pair: loads(pair[1]), rounds)


def diffed(rounds: int) -> Cost:
    """A diff frame of eight levels into a full book of 6,000 kept sorted, and on to an event with its top.

    Reading each level strictly and handing a whole book on costs more than its budget, which counts neither. Every
    price has been seen before, as it has in life where a level is changed or removed; eight never seen cost nearly
    twice as much.
    """
    symbol, shape = "btcusd", SHAPES["btcusd"]
    changes = [shape.changes(MIDS[symbol], seed) for seed in range(VARIETY)]
    source = Stamped(f"diff_order_book_{symbol}", changes, LATER_US)
    session = ready_session(Channels((symbol,), diffs=True))
    session.receive(Stamped(f"diff_order_book_{symbol}", changes, START.utc_us - 10).next(), START)
    full = Shape(shape.tick, shape.amounts, shape.reach, levels=3000)
    session.splice(as_books({symbol: full.sides(MIDS[symbol], 1)})[symbol])
    assert not session.unspliced
    return compare(lambda: source.take(4 * A_ROUND), lambda raw: session.receive(raw, START), loads, rounds)


def signed(rounds: int) -> Cost:
    """One limit order to the signed request, beside the least that any client must do: f-strings, uuid4, hmac."""
    key, secret, host = "k" * 32, "s" * 32, "www.bitstamp.net"
    signer = Signer(Credentials(key, secret), host)
    stamp_ms = START.utc_us // 1000

    def ours(number: int) -> object:
        terms = OrderTerms(
            f"bench-{number:06d}", "bench-h1", Purpose.LEG, "btceur", Side.SELL, OrderKind.LIMIT,
            D("0.05000000"), D("54709.10"), stamp_ms + 15_000,
        )  # fmt: skip
        request = build(PlaceOrder(terms), {})
        return signer.sign(request.method, request.path, request.query, request.body, new_nonce(), stamp_ms)

    def plain(number: int) -> object:
        body = (
            f"amount={D('0.05000000')}&price={D('54709.10')}&gtd_order=True&expire_time={stamp_ms + 15_000}"
            f"&client_order_id=bench-{number:06d}"
        )
        nonce = str(uuid.uuid4())
        text = f"BITSTAMP {key}POST{host}/api/v2/sell/btceur/{FORM}{nonce}{stamp_ms}v2{body}"
        return {
            "X-Auth": f"BITSTAMP {key}",
            "X-Auth-Signature": hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest(),
            "X-Auth-Nonce": nonce,
            "X-Auth-Timestamp": str(stamp_ms),
            "X-Auth-Version": "v2",
            "Content-Type": FORM,
        }

    return compare(lambda: range(100), ours, plain, rounds)


HOT_PATHS = (
    HotPath("frame to decision, no candidate", "loads of the frame", 1.25, no_candidate),
    HotPath("frame to decision, 20 levels walked", "loads of the frame", 2.2, walked),
    HotPath("frame to both orders, 3 x 20 levels, cold", "loads of the frame", None, opened),
    HotPath("diff frame into the sorted book", "loads of the frame", 7.0, diffed),
    HotPath("build and sign one order", "hmac and f-strings", 1.5, signed),
)
