"""What must hold at every end of a process and at the very end, beyond what the journal's judge holds."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

from arbbot.exchange.options import DEMO_SECRET
from tests.e2e.judge import ENDED, Case, Json, of_the_last
from tests.e2e.judge import problems as judged
from tests.shell.nature import Request, Witness
from tests.shell.world import World

STOPS_S = 240.0
"""A daemon that is told to stop is over within this, whatever happens: its longest graces and timeouts together."""
DUST = Decimal("0.0005")
NOT_FLAT = 22
FIT_S = 200.0
"""L4: a stall that nobody told of is over within this, and everything is read anew."""
TASKS_MAX = 40
LATCHED = ("halted", "panic", "reducing")
PINGED_S = 15.0
"""L5: so often at least a healthy daemon tells its service manager that it is well."""
WINDOWS = ((1.0, 400), (600.0, 10_000))
"""Seconds, and what the venue allows within them."""
DIALS = ((2.99, 3), (6.99, 4), (14.99, 5), (59.99, 6))
"""L4: seconds, and how often at most a process may try to reach the stream within them. It is documented to try again
after a second, or at once where it was asked to, then after twice as long each time, of which chance takes up to half:
0 + 1 + 2 + 4 + 8 s at least; five times in a row, and not again before a minute of frames.
"""
LEFT = re.compile(r"exposure \[(\S+), (\S+)\]")


def requests() -> list[Request]:
    """What daemons have asked of the venue."""
    return Witness.seen


def settled(world: World) -> bool:
    """Whether nothing is left to find out."""
    return world.records.quiet() or world.records.mode() in LATCHED


async def alive(world: World) -> None:
    """L4, L5 and L7: with the faults off, the daemon is fit again in time, or says in its mode why a person must look;
    and its service manager hears of it.
    """
    problems: list[str] = []
    for _ in range(int(FIT_S)):
        if world.run.over:
            return
        try:
            problems = (await world.ask("health"))["result"]["problems"]
        except ConnectionRefusedError:
            problems = ["nobody listens"]
        if not problems or world.records.mode() in LATCHED:
            break
        await asyncio.sleep(1.0)
    else:
        world.surprises.append(f"L4: {FIT_S} s after the faults have stopped, it says {problems}")
    await asyncio.sleep(PINGED_S)
    life = world.run.life
    if world.run.over:
        return
    if not life.pinged_s or life.pinged_s[-1] < world.loop.time() - PINGED_S:
        world.surprises.append(f"L5: {life.name} has not told for {PINGED_S} s that it is well")
    running = life.unfinished()
    if len(running) > TASKS_MAX:
        world.surprises.append(f"L7: {len(running)} tasks in a quiet daemon")


def at_an_end(world: World) -> None:
    """An end is orderly and flat, or its exit code and its words name what is left; nothing of it goes on."""
    run = world.run
    if run.killed or run.judged:
        return
    run.judged = True
    said = run.said()
    world.note(f"said: {said[-300:]!r}")
    if "a fault of the program" in said:
        world.surprises.append(f"{run.life.name}: {said[said.index('a fault of the program') :][:600]}")
    if "Traceback" in said or "has ended, trading goes on" in said:
        world.surprises.append(f"{run.life.name} broke: {said[-600:]}")
    left = run.life.unfinished()
    open_ends = [end.port for end in world.loop.network.ends if end.life is run.life]
    if left or open_ends:
        world.surprises.append(f"{run.life.name} left tasks {left} and connections to {open_ends}")
    _told(world, said)


def _told(world: World, said: str) -> None:
    """L1 and L3 at this very moment, by the venue's truth; a fill against its own word counts once it is booked."""
    run, journal = world.run, world.records
    present = of_the_last(journal.read()) if run.commits else []
    told = " ".join((said, *(line["text"] for line in present if line["kind"] == "alert_raised")))
    net, resting = Decimal(0), []
    for order in world.account()["orders"]:
        if not order["client_order_id"]:
            continue
        sign = 1 if order["side"] == "buy" else -1
        net += sign * (Decimal(order["created"]) - Decimal(order["remaining"])) * (order["market"] != "eurusd")
        if order["status"] == "Open":
            resting.append(order["client_order_id"])
    booked = {(line["fill"]["trade_id"], line["client_order_id"]) for line in journal.all("fill_booked")}
    net -= world.broken_words.unheard(booked)
    open_states = [name for name, state in journal.states().items() if state not in ENDED]
    if run.code == 0 and (abs(net) > DUST or resting or open_states):
        world.surprises.append(f"L1: exit code 0 with net {net}, resting {resting}, open in the journal {open_states}")
    for name in resting:
        if name not in told and not run.life.terminal_gone:
            world.surprises.append(f"L3: {run.life.name} left {name} resting, code {run.code}, and did not say so")
    wrong = left_wrong(net, told)
    if wrong and run.code != 0 and run.commits and not run.life.terminal_gone:
        world.surprises.append(f"L1: {run.life.name} left with code {run.code} {wrong}: {said[-200:]}")


def left_wrong(net: Decimal, told: str) -> str:
    """What is wrong with the words about what is left one-sided; empty when nothing is, or they name it."""
    spans = [(Decimal(low), Decimal(high)) for low, high in LEFT.findall(told)]
    if abs(net) <= DUST or any(low <= net <= high for low, high in spans):
        return ""
    return f"net {net}, told as {', '.join(f'[{low}, {high}]' for low, high in spans) or 'nothing'}"


def latched_in_silence(lines: Sequence[Json]) -> str:
    """The mode in which a person must look and of which no alert came with it or since; empty when there is none."""
    modes = [number for number, line in enumerate(lines) if line["kind"] == "mode_changed"]
    if not modes or lines[modes[-1]]["mode"] not in LATCHED:
        return ""
    mode = str(lines[modes[-1]]["mode"])
    since = lines[modes[-1] :]
    return "" if any(line["kind"] == "alert_raised" and line["name"] == f"mode_{mode}" for line in since) else mode


def ending(world: World) -> str:
    """How the last daemon ended: flat, or why a person must look."""
    latched = [line for line in world.records.all("mode_changed") if line["mode"] in LATCHED]
    if world.records.mode() not in LATCHED:
        return "flat" if world.run.code == 0 else f"exit code {world.run.code}"
    return f"exit code {world.run.code}, {latched[-1]['mode']}: {latched[-1]['reason']}"


def problems(world: World, forgiven: tuple[str, ...] = ()) -> list[str]:
    """Everything that was broken in this world, in words, but what begins with a word that is forgiven."""
    for number, run in enumerate(world.runs):
        (world.directory / f"said{number}.txt").write_text(run.said())
    written = tuple(path for path in world.directory.rglob("*") if path.is_file() and path.suffix != ".sock")
    halted = world.records.mode() in LATCHED
    case = Case(
        world.records,
        world.account(),
        world.run.code,
        written,
        DEMO_SECRET,
        world.levers._venue.rules.balance_decimals,
        halted,
        clock_was_set=world.clock_was_set,
    )
    found = [*world.surprises, *judged(case), *nonces(), *rate(), *dials(world)]
    if not settled(world):
        found.append("L2: not everything became known although the faults have stopped")
    silent = latched_in_silence(world.records.read())
    if silent:
        found.append(f"L1: it is {silent}, and no alert says so")
    if world.run.code != 0 and not (world.run.code == NOT_FLAT and halted and world.broken_words):
        found.append(f"L1: the last daemon, without faults, left with {world.run.code}: {world.run.said()[-400:]}")
    return [problem for problem in found if not problem.startswith(forgiven)] if forgiven else found


def nonces() -> list[str]:
    """S10."""
    seen = Counter(request.nonce for request in requests() if request.nonce)
    return [f"S10: the nonce {nonce} came {times} times" for nonce, times in seen.items() if times > 1]


def rate() -> list[str]:
    """S9: never more in any second, nor in any ten minutes, than the venue allows."""
    return crowded([request.at_s for request in requests()])


def crowded(at_s: Sequence[float]) -> list[str]:
    """Windows in which more requests left than may."""
    return [
        f"S9: more than {most} requests within {window_s:g} s of {at}" for window_s, most, at in _over(WINDOWS, at_s)
    ]


def dials(world: World) -> list[str]:
    """L4: the stream is reached for with pauses, and not without end."""
    dialled = world.loop.network.dialled
    return [
        f"L4: {run.life.name} {words}" for run in world.runs for words in hasty(dialled[run.life, world.stream_port])
    ]


def hasty(at_s: Sequence[float]) -> list[str]:
    """Windows in which the stream was tried more often than may be."""
    return [f"tried the stream {most + 1} times within {span_s:g} s of {at}" for span_s, most, at in _over(DIALS, at_s)]


def _over(windows: Sequence[tuple[float, int]], at_s: Sequence[float]) -> list[tuple[float, int, float]]:
    """Of each window that holds more than it may: its seconds, the most, and where the first such begins."""
    found = []
    for window_s, most in windows:
        over = [first for first, last in zip(at_s, at_s[most:], strict=False) if last - first < window_s]
        if over:
            found.append((window_s, most, over[0]))
    return found
