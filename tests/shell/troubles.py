"""Everything that may go wrong around a daemon, each a short function of the world; a seed picks among them.

Each says what kind of it has struck: that counts, and is held against the lists of `expected`. One that lies in wait
counts itself when it strikes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal as D
from random import Random

from tests.e2e.stage import CALM
from tests.shell.wire import End, Wire
from tests.shell.world import World

PLAIN = ""
Trouble = Callable[[World, Random], str | None]
"""The kind that struck, `PLAIN` where there is one only; None: nothing was struck, or nothing yet."""
OVERSIZE = 17 << 20
"""One more than a reply may have."""
CLOSE_CODES = (1000, 1001, 1006, 1009, 1011, 1012, 4300)

# --- the exchange's own switches -----------------------------------------------------------------------------------

ORDERS = ("buy", "sell")
PRIVATE = (*ORDERS, "cancel_order", "order_status", "user_transactions", "account_balances", "open_orders", "fees")
REST_ANYWHERE = (
    "refuse", "request_lost", "reply_lost", "delay_before,delay_s={s}", "delay_after,delay_s={s}", "http_500",
    "http_502", "http_503", "http_504", "http_502,accepted=1", "http_504,accepted=1", "html_200", "html_200,accepted=1",
    "block_403", "empty_200", "empty_200,accepted=1", "maintenance", "rate_limited", "rate_limited,status=429",
    "truncated", "mis_signed", "unsigned", "other_reply",
)  # fmt: skip
OF_ORDERS = (
    "reject", "insufficient", "halted", "timed_out", "not_found,delay_s={s}", "partial_cancel,share=0.{s}",
    "reply_lost", "request_lost", "timed_out",
)  # fmt: skip
OF_CANCELS = ("fill_after_cancel,delay_s=1", "reply_lost", "request_lost", "delay_after,delay_s={s}")
OF_ROWS = ("rows_late,delay_s=3", "rows_duplicated", "rows_shuffled", "rows_retyped", "stale_reply")
OF_FRAMES = (
    "fin", "rst", "stall,delay_s={l}", "stall_frames,delay_s={l}", "stall_channel,delay_s={l}", "request_reconnect",
    "crossed", "empty", "zero", "absurd", "duplicate", "older", "reordered", "garbage", "nan", "huge_number",
    "wrong_types", "binary", "deep", "huge", "burst,size=2000", *(f"close,code={code}" for code in CLOSE_CODES),
)  # fmt: skip


def _text(kind: str, pattern: str, times: str, random: Random) -> str:
    """As the exchange wants a fault written."""
    name, _, extras = kind.partition(",")
    extras = extras.format(s=random.randint(1, 9), l=random.choice((5, 15, 40)))
    return f"{name}:{pattern}:{times}" + (f",{extras}" if extras else "")


def _times(random: Random) -> str:
    return random.choice(("1", "1", "1", "2", "3", "0.3"))


def _fault(world: World, text: str) -> str:
    """Switched on; how often it strikes then is counted by the exchange, by the fault's own name."""
    world.fault(text)
    return PLAIN


def rest_fault(world: World, random: Random) -> str | None:
    """Any call may go wrong on its way or in its answer."""
    pattern = random.choice((*PRIVATE, *PRIVATE, "websockets_token", "order_book", "ticker", "markets", "*"))
    return _fault(world, _text(random.choice(REST_ANYWHERE), pattern, _times(random), random))


def order_fault(world: World, random: Random) -> str | None:
    """An order meets its own fate."""
    text = _text(random.choice(OF_ORDERS), random.choice(ORDERS), random.choice(("1", "1", "2")), random)
    return _fault(world, text)


def cancel_fault(world: World, random: Random) -> str | None:
    """So does a cancel."""
    return _fault(world, _text(random.choice(OF_CANCELS), "cancel_order", "1", random))


def row_fault(world: World, random: Random) -> str | None:
    """The account's rows come late or in a mess."""
    return _fault(world, _text(random.choice(OF_ROWS), "user_transactions", _times(random), random))


def frame_fault(world: World, random: Random) -> str | None:
    """A frame is bad, or the connection under it."""
    channel = random.choice(("order_book_*", "order_book_*", "private-*", "*"))
    return _fault(world, _text(random.choice(OF_FRAMES), channel, _times(random), random))


def subscription_fault(world: World, random: Random) -> str | None:
    """A subscription is refused or not answered, and the connection that would have asked is gone."""
    kind = random.choice(("refuse_subscription", "ignore_subscription"))
    _fault(world, _text(kind, "*", "1", random))
    struck = bool(_streams(world))
    world.pull("drop_connections", code=1001)
    return PLAIN if struck else None


def auth_fault(world: World, random: Random) -> str | None:
    """The venue refuses the key, once."""
    return _fault(world, _text(random.choice(("auth_403", "ip_403")), random.choice(PRIVATE), "1", random))


# --- the road --------------------------------------------------------------------------------------------------------


def _some(world: World, random: Random) -> list[Wire]:
    """Connections that a trouble strikes: one, or all of a kind."""
    ends = world.loop.network.of(random.choice((world.rest_port, world.stream_port)))
    return ends if random.random() < 0.5 or not ends else [random.choice(ends)]


def _streams(world: World) -> list[Wire]:
    return world.loop.network.of(world.stream_port)


def cut(world: World, random: Random) -> str | None:
    """Connections end on the way."""
    reset = random.random() < 0.5
    ends = _some(world, random)
    for end in ends:
        end.cut(reset=reset)
    return ("by RST" if reset else "by FIN") if ends else None


WAYS = {(True, False): "to us", (False, True): "to the venue", (True, True): "both ways"}


def silence(world: World, random: Random) -> str | None:
    """Nothing arrives for a while, one way or both, and nobody says so."""
    until_s = world.loop.time() + random.choice((2.0, 8.0, 25.0, 70.0, 200.0))
    ways = random.choice(tuple(WAYS))
    ends = _some(world, random)
    for end in ends:
        for side, strikes in zip((end, end.peer), ways, strict=True):
            if strikes:
                side.stalled_until_s = until_s
    return WAYS[ways] if ends else None


def half_a_reply(world: World, random: Random) -> str | None:
    """The next bytes are cut in half, and that is all."""
    reset = random.random() < 0.5

    def spoilt(_: Wire, sent: bytes) -> list[bytes | End]:
        count(world, half_a_reply, PLAIN)
        return [sent[: len(sent) // 2], End(reset=reset)]

    for end in _some(world, random):
        end.spoil = spoilt
    return None


STRANGE = ("garbage", "twice", "oversize", "preface", "early_end")


def strange_bytes(world: World, random: Random) -> str | None:
    """The next reply is no HTTP, or comes twice, or is endless."""
    kind = random.choice(STRANGE)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % OVERSIZE
    spoilt: dict[str, Callable[[bytes], list[bytes | End]]] = {
        "garbage": lambda sent: [b"\x00\xffno protocol at all\r\n\r\n" + sent[40:]],
        "twice": lambda sent: [sent, sent],
        "oversize": lambda _: [head, *(b" " * (1 << 20) for _ in range(17))],
        "preface": lambda sent: [b"HTTP/1.1 100 Continue\r\n\r\n", sent],
        "early_end": lambda _: [b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n", End()],
    }

    def comes(_: Wire, sent: bytes) -> list[bytes | End]:
        count(world, strange_bytes, kind)
        return spoilt[kind](sent)

    for end in world.loop.network.of(world.rest_port)[:1]:
        end.spoil = comes
    return None


def trickle(world: World, random: Random) -> str | None:
    """Bytes come in drops."""
    ends = _some(world, random)
    for end in ends:
        end.trickles = True

    def over() -> None:
        for end in ends:
            end.trickles = False

    world.later(random.uniform(2.0, 10.0), over)
    return PLAIN if ends else None


def slow_road(world: World, random: Random) -> str | None:
    """Everything takes longer for a while."""
    world.loop.network.latency_s = random.choice((0.02, 0.2, 0.9))
    world.later(random.uniform(3.0, 20.0), lambda: setattr(world.loop.network, "latency_s", 0.001))
    return PLAIN


DOORS = ("refused", "unreachable", "resolver")


def closed_door(world: World, random: Random) -> str | None:
    """New connections are refused, or never made, or no name is found; those that stand may go too."""
    network, port = world.loop.network, random.choice((world.rest_port, world.stream_port))
    kind, for_s = random.choice(DOORS), random.choice((2.0, 6.0, 20.0, 90.0))
    if kind == "resolver":
        network.resolver_down = True
        world.later(for_s, lambda: setattr(network, "resolver_down", False))
    else:
        ports = network.refused if kind == "refused" else network.unreachable
        ports.add(port)
        world.later(for_s, lambda: ports.discard(port))
    if random.random() < 0.6:
        for end in network.of(port):
            end.cut(reset=True)
    return kind


# --- the venue -------------------------------------------------------------------------------------------------------


WHOLE_STREAM = ("close", "reset", "ask", "mute", "only heartbeats")


def whole_stream(world: World, random: Random) -> str | None:
    """The venue ends all streams, asks to reconnect, or goes silent."""
    kind, there = random.choice(WHOLE_STREAM), _streams(world)
    match kind:
        case "close":
            world.pull("drop_connections", code=random.choice(CLOSE_CODES[:2] + CLOSE_CODES[3:]))
        case "reset":
            world.pull("drop_connections", reset=True)
        case "ask":
            world.pull("request_reconnect")
        case "mute":
            world.pull("stall", kind="all", seconds=random.choice((3, 12, 40)))
        case _:
            world.pull("stall", kind="frames", seconds=random.choice((3, 12, 40)))
    return kind if there else None


TERMS = ("fees", "minimum", "halt", "announce")


def changed_terms(world: World, random: Random) -> str | None:
    """Fees, minimum, or whether a market trades at all."""
    market, kind = random.choice(tuple(CALM)), random.choice(TERMS)
    struck = True
    match kind:
        case "fees":
            world.pull("fees", account="demo", maker="0.1", taker=random.choice(("0.03", "0.2", "0.4")))
        case "minimum":
            world.pull("minimum", market=market, value=random.choice(("10", "25", "5000")))
            world.later(15.0, lambda: world.pull("minimum", market=market, value="10"))
        case "halt":
            struck = world.levers._venue.listing(market).enabled
            world.pull("market_status", market=market, enabled=False)
            world.later(random.uniform(2.0, 30.0), lambda: world.pull("market_status", market=market, enabled=True))
        case _:
            struck = bool(_streams(world))
            world.pull("announce", text="Trading on BTC/EUR is halted for maintenance")
    return kind if struck else None


CROWDED_S, LOOKS_S = 30.0, 0.3


def crowd(world: World, random: Random) -> str | None:
    """Somebody trades where we rest, as soon as we do."""
    until_s = world.loop.time() + CROWDED_S

    def looks() -> None:
        if _met(world, random):
            count(world, crowd, PLAIN)
        elif world.loop.time() < until_s and not world.run.over:
            world.later(LOOKS_S, looks)

    looks()
    return None


def _met(world: World, random: Random) -> bool:
    """Whether anything of ours rested; part of it is taken, or all."""
    met = False
    for order in world.account()["orders"]:
        if order["status"] == "Open" and order["client_order_id"]:
            side = "sell" if order["side"] == "buy" else "buy"
            amount = (D(order["remaining"]) * random.choice((D("0.3"), D(1)))).quantize(D("0.00000001"))
            if amount:
                world.take(order["market"], side, amount, D(order["price"]))
                met = True
    return met


# --- the process -----------------------------------------------------------------------------------------------------


FREEZES_S = (0.3, 5.0, 30.0, 120.0)
SLEEPS_S = (0.5, 5.0, 30.0, 120.0, 600.0)
CLOCKS_S = (-3600, 3600, -3600, 3600, -2, 2, 0)
COMMITS_S = (0.3, 1.5, 5.0)


def freeze(world: World, random: Random) -> str | None:
    """The daemon's process does not get to run."""
    for_s = random.choice(FREEZES_S)
    world.run.life.freeze(for_s)
    return f"{for_s:g} s"


def suspend(world: World, random: Random) -> str | None:
    """Time is gone: the machine was suspended, or a step took very long."""
    for_s = random.choice(SLEEPS_S)
    world.loop.now_ns += int(for_s * 1e9)
    return f"{for_s:g} s"


def wall_clock(world: World, random: Random) -> str | None:
    """The wall clock is set, an hour off, or right again."""
    off_s, before_ns = random.choice(CLOCKS_S), world.run.life.skew_ns
    world.skew_ns = off_s * 1_000_000_000
    world.run.life.skew_ns = world.skew_ns
    world.clock_was_set = True
    return f"{off_s:+} s" if world.skew_ns != before_ns else None


def slow_commit(world: World, random: Random) -> str | None:
    """The disk takes its time over the next commit."""
    for_s = random.choice(COMMITS_S)

    def before(_run: object, _journal: object) -> None:
        world.run.before_commit = None
        world.loop.now_ns += int(for_s * 1e9)
        count(world, slow_commit, f"{for_s:g} s")

    if world.run.before_commit is None:
        world.run.before_commit = before
    return None


def deaf_audience(world: World, random: Random) -> str | None:
    """Nobody reads the terminal any more."""
    heard = not world.run.life.terminal_gone
    world.run.life.terminal_gone = True
    return PLAIN if heard else None


TROUBLES: Mapping[Trouble, int] = {
    rest_fault: 10, order_fault: 10, cancel_fault: 4, row_fault: 4, frame_fault: 10, subscription_fault: 2,
    auth_fault: 1, cut: 5, silence: 5, half_a_reply: 3, strange_bytes: 3, trickle: 2, slow_road: 3, closed_door: 3,
    whole_stream: 3, changed_terms: 2, crowd: 4, freeze: 3, suspend: 2, wall_clock: 1, slow_commit: 3,
    deaf_audience: 1,
}  # fmt: skip
"""With how often each is picked."""


def strike(world: World, random: Random) -> None:
    """One trouble by chance."""
    trouble = random.choices(list(TROUBLES), list(TROUBLES.values()))[0]
    world.note(f"trouble {trouble.__name__}")
    kind = trouble(world, random)
    if kind is not None:
        count(world, trouble, kind)


def count(world: World, trouble: Trouble, kind: str) -> None:
    """It has struck, by its name and by its kind."""
    world.struck[trouble.__name__] += 1
    if kind:
        world.struck[f"{trouble.__name__} {kind}"] += 1
