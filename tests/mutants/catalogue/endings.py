"""L1 to L5, L7: once faults stop everything comes to an end, or a person is told the truth of what did not."""

from __future__ import annotations

from tests.mutants.grounds import (
    DARK,
    FALLS,
    FILLED_AFTER_ALL,
    HALTED,
    LOST,
    SHELL,
    UNDISTURBED,
    WRONG_WORDS,
    one_test,
)
from tests.mutants.mutant import Edit, mutant

MUTANTS = (
    mutant(
        "L1", "dust-is-anything", "whatever is left over is called dust",
        ("engine/core.py", "        return smallest\n", '        return smallest * 1_000_000\n'),
    ),
    mutant(
        "L1", "exit-never-forced", "a leg that has no exit within the small cap stays open",
        ("engine/hedge.py", "        forced = core.halting or self._age_ns(hedge) >= ns(rules.force_s)\n",
         "        forced = False\n"),
    ),
    mutant(
        "L1", "halted-leaves-legs", "halted, a leg is left open, and the halt is all that anybody hears of",
        ("engine/hedge.py", "            case ExitImbalance() if self._core.state.mode is Mode.PANIC:\n",
         "            case ExitImbalance() if self._core.state.mode in (Mode.HALTED, Mode.PANIC):\n"),
        hunted=HALTED,
    ),
    mutant(
        "L1", "left-open-in-silence", "a leg is left open and nobody is told",
        ("engine/hedge.py", '        core.alert(\n            Severity.CRITICAL, "leg_open",',
         '        (lambda *_: None)(\n            Severity.CRITICAL, "leg_open",'),
        Edit("engine/hedge.py", "        if halt:\n            core.restrict(",
             "        if False:\n            core.restrict("),
        hunted=FALLS,
    ),
    mutant(
        "L1", "doubts-are-told-when-old", "a leg that a doubt leaves open is told when the doubt is minutes old",
        ("engine/hedge.py", "            self._tell_of_doubt(hedge, orders)\n", "            pass\n"),
        hunted=LOST,
    ),
    mutant(
        "L1", "naked-with-zero", "what a late fill has left is not looked at when leaving",
        ("engine/leaving.py", " or abs(state.position) >= core.dust:\n", ":\n"),
        hunted=FILLED_AFTER_ALL,
    ),
    mutant(
        "L3", "strays-are-left", "an order that came alive after its plan was closed is cancelled once, and then left",
        ("engine/step.py", "        self.tracker.cancel_strays()\n", ""),
        hunted=WRONG_WORDS,
    ),
    mutant(
        "L1", "conversions-are-base", "what a conversion fills counts as base bought",
        ("engine/state.py", "        if order.terms.purpose is not Purpose.CONVERT:\n            self.position +=",
         "        if True:\n            self.position +="),
        hunted=UNDISTURBED,
    ),
    mutant(
        "L1", "one-sided-is-closed", "a hedge is closed although one leg filled more than the other",
        ("engine/one_leg.py", "    if imbalance != 0 and abs(imbalance) >= dust:\n", "    if False:\n"),
    ),
    mutant(
        "L2", "doubts-never-end", "an order in doubt is never looked for in earnest, and nobody is told",
        ("engine/tracker.py", "        if watch.round_asks or now_ns < watch.next_round_ns:\n            return\n",
         "        return\n"),
        Edit("engine/tracker.py", "        if watch.alerted or watch.since_ns is None:\n            return\n",
             "        return\n"),
        hunted=LOST,
    ),
    mutant(
        "L2", "status-never-asked", "an order is not asked about",
        ("engine/tracker.py", "            if now_ns >= watch.next_ask_ns and watch.status_ask is None:\n",
         "            if False:\n"),
        Edit("engine/tracker.py", "        if watch.alerted or watch.since_ns is None:\n            return\n",
             "        return\n"),
    ),
    mutant(
        "L3", "stop-leaves-at-once", "a stop exits with zero although an order rests",
        ("engine/step.py",
         "        settled = not state.live and state.open_hedge_id is None and state.rebase_asked is None\n",
         "        settled = True\n"),
        Edit("engine/step.py", "(settled and (state.agreed or not readable))", "settled"),
        Edit("engine/leaving.py", "if state.live or state.open_hedge_id is not None or abs(", "if abs("),
        Edit("engine/leaving.py", "if code is not ExitCode.OK or state.agreed:", "if state.anchor is not None:"),
        hunted=DARK,
    ),
    mutant(
        "L3", "unread-is-flat", "a stop before the account was ever read exits with zero",
        ("engine/leaving.py", "    if state.anchor is None:\n", "    if state.anchor is None:\n        return code\n"),
        hunted=one_test("tests/engine/test_stopping.py"),
    ),
    mutant(
        "L3", "wrong-secret-for-ever", "a refusal of the key that no signature proves is ignored at start too",
        ("engine/step.py", "event.auth_lost or (event.auth_claimed and not self._key_worked())", "event.auth_lost"),
        hunted=one_test("tests/engine/test_stopping.py"),
    ),
    mutant(
        "L3", "anybody-may-stop-us", "a refusal of the key that no signature proves ends a daemon that trades",
        ("engine/step.py", "(event.auth_claimed and not self._key_worked())", "event.auth_claimed"),
        hunted=one_test("tests/engine/test_stopping.py"),
    ),
    mutant(
        "L3", "left-orders-unnamed", "an exit says that something is left, but not what",
        ("engine/leaving.py", 'core.alert(Severity.CRITICAL, "stopped_not_flat", what_is_left(state, core.route.base))',
         'core.alert(Severity.CRITICAL, "stopped_not_flat", "something is left")'),
        hunted=DARK,
    ),
    mutant(
        "L3", "refused-for-ever", "a refused key with an order open ends with the code that is started again",
        ("engine/leaving.py", "code if code is ExitCode.AUTH else ExitCode.NOT_FLAT", "ExitCode.NOT_FLAT"),
        hunted=one_test("tests/engine/test_stopping.py"),
    ),
    mutant(
        "L3", "stop-never-ends", "the stop's grace has no end",
        ("engine/step.py", "        if not (grace_over or (settled and", "        if not ((settled and"),
        hunted=one_test("tests/engine/test_stopping.py"),
    ),
    mutant(
        "L4", "never-reconnects", "a lost feed stays lost",
        ("bitstamp/stream.py", "            if failures <= most:\n",
         "            if failures <= 0:\n"),
        Edit("bitstamp/stream.py", "            elif self._active is None:\n                sink(FeedDead(",
             "            elif False:\n                sink(FeedDead("),
        hunted=SHELL,
    ),
    mutant(
        "L4", "silence-not-noticed", "a connection that has fallen silent is kept for ever",
        ("bitstamp/stream.py", "                if session.last_frame_ns < sent_ns:\n", "                if False:\n"),
        hunted=SHELL,
    ),
    mutant(
        "L4", "reconnects-without-pause", "after a first failure the stream is tried again at once",
        ("bitstamp/stream.py", "        return self._backoff.delay_s(failures - 1, self._random)\n",
         "        return 0.02\n"),
        hunted=SHELL,
    ),
    mutant(
        "L4", "settled-is-asked-without-end", "a stream that has settled is replaced at once, without pause or end",
        ("bitstamp/stream.py", "alone = self._active if self._opening is None else None", "alone = self._active"),
        hunted=one_test("tests/bitstamp/test_stream.py"),
    ),
    mutant(
        "L4", "given-up-with-its-replacement", "a stream that could not be replaced is given up when it ends",
        ("bitstamp/stream.py", "            replacing = given_up or", "            replacing = False and"),
        hunted=one_test("tests/bitstamp/test_stream.py"),
    ),
    mutant(
        "L5", "watchdog-always-fed", "the watchdog is told that all is well whatever is stuck",
        ("runtime/daemon.py", "        still = self.standing_still(at)\n", "        still = None\n"),
        hunted=one_test("tests/runtime/test_watchdog.py"),
    ),
    mutant(
        "L5", "reconciler-may-sleep", "a reconciler that reads no more is taken for a living one",
        ("runtime/progress.py", "    if heard_ns < oldest_ns -", "    if heard_ns < -"),
        hunted=one_test("tests/runtime/test_watchdog.py"),
    ),
    mutant(
        "L5", "feed-may-sleep", "a feed that makes no step is taken for a living one",
        ("runtime/progress.py", "        if moved_ns is not None and moved_ns < oldest_ns:\n", "        if False:\n"),
        hunted=one_test("tests/runtime/test_watchdog.py"),
    ),
    mutant(
        "L5", "commits-not-proven", "a journal that cannot commit is found out by the next order's intent",
        ("runtime/daemon.py", "            self._journal.prove()\n", "            pass\n"),
        hunted=one_test("tests/runtime/test_watchdog.py"),
    ),
    mutant(
        "L5", "watchdog-never-fed", "a healthy daemon is shot by its supervisor",
        ("runtime/daemon.py", '            notify("WATCHDOG=1")\n', "            pass\n"),
        hunted=SHELL,
    ),
    mutant(
        "L7", "commands-never-forgotten", "the desk keeps every command it ever ran",
        ("runtime/desk.py", "self._in_flight.pop(task)\n", "self._in_flight[task]\n"),
        hunted=SHELL,
    ),
    mutant(
        "L7", "connections-never-closed", "the streams of old connections stay open",
        ("bitstamp/stream.py", "            old.task.cancel()\n", "            pass\n"),
        hunted=SHELL,
    ),
)  # fmt: skip
