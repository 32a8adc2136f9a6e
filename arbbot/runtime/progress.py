"""What counts as progress: only while all of it goes on is a supervisor told that the daemon lives.

- The loop moves while its ticker runs, which is what feeds the watchdog: whatever holds the loop, nobody feeds it then.
- What is behind the daemon's door moves until something broke there, the journal included.
- Questions move while each is answered, or given up, within all timeouts together.
- The reconciler moves while its readings of the account are answered, or fail: not when the next one never comes.
- A feed moves by any frame, a heartbeat's answer too, and by any attempt to connect, failed or not.
- The journal moves while commits return; where there is nothing to write, something is written to see that they do.

What the venue does is not judged here. A feed that is down and tries again moves, and so does a reconciler whose
questions fail: no restart heals an outage, it only takes longer to be back. The feed has its own end for that, and
`arbbot health` and the alerts tell of it at once.
"""

from __future__ import annotations

from collections.abc import Iterable

from arbbot.domain.events import Moment
from arbbot.engine.core import SECOND_NS, ns
from arbbot.engine.step import Engine

STUCK_NS = 120 * SECOND_NS
"""Longer than any single step may take: in real time a question is given up after `QUESTION_S`, however many its pages,
and no timeout of a connection is longer.
"""


def standing_still(engine: Engine, feeds_moved_ns: Iterable[int | None], started: Moment, at: Moment) -> str | None:
    """What does not move, in words; None while everything does. A feed that is dead is left out by the caller."""
    core, oldest_ns = engine.core, at.mono_ns - STUCK_NS
    for pending in core.asks.values():
        if pending.asked_ns < oldest_ns:
            return f"a question for {pending.question.topic.value} has been open for {_seconds(pending.asked_ns, at)} s"
    account = core.rules.account
    heard_ns = max(engine.books.heard_ns, started.mono_ns)
    if heard_ns < oldest_ns - ns(account.poll_s + account.lag_s):
        return f"the reconciler has not read the account for {_seconds(heard_ns, at)} s"
    for moved_ns in feeds_moved_ns:
        if moved_ns is not None and moved_ns < oldest_ns:
            return f"a feed has neither read nor tried to connect for {_seconds(moved_ns, at)} s"
    return None


def _seconds(since_ns: int, at: Moment) -> int:
    return (at.mono_ns - since_ns) // SECOND_NS
