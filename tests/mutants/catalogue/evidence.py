"""S11, S12: only what proves something changes an order's state; silence is doubt."""

from __future__ import annotations

from tests.mutants.grounds import (
    DOUBTS,
    FILLED_AFTER_ALL,
    LATE_ORDERS,
    MIS_SIGNED_NO,
    SERVER_ERRORS,
    UNDISTURBED,
    UNSIGNED,
    UNSIGNED_NO,
    WRONG_WORDS,
    one_test,
)
from tests.mutants.mutant import Edit, mutant

UNANSWERED = '    return OrderUnanswered(own, f"HTTP {answer.status}: {error}", named, error.is_auth)\n'
REFUSED = '    return OrderRefused(own, "text", str(error), error.is_auth)\n'

MUTANTS = (
    mutant(
        "S11", "5xx-is-a-refusal", "an error inside the venue is taken for a no",
        ("bitstamp/outcome.py", UNANSWERED, REFUSED),
        Edit("bitstamp/reply.py", "    if not isinstance(parsed, dict):\n        return None if",
             "    if not isinstance(parsed, dict) and reply.status < 500:\n        return None if"),
        hunted=SERVER_ERRORS,
    ),
    mutant(
        "S11", "html-is-a-refusal", "a page instead of JSON is taken for a no",
        ("bitstamp/outcome.py",
         '    except Malformed as fault:\n        return OrderUnanswered(own, unreadable(answer.status, fault))\n',
         '    except Malformed as fault:\n        return OrderRefused(own, "text", str(fault))\n'),
    ),
    mutant(
        "S11", "silence-is-a-refusal", "no answer is taken for a no",
        ("bitstamp/outcome.py", "        if answer.sent:\n            return OrderUnanswered(own, answer.reason)\n",
         '        if answer.sent:\n            return OrderRefused(own, "text", answer.reason)\n'),
    ),
    mutant(
        "S11", "unsigned-success-believed", "an acknowledgement without a signature is believed",
        ("bitstamp/outcome.py",
         '    if reply.seal is not Seal.VALID:\n        raise Malformed("success without a signature")\n', ""),
        hunted=UNSIGNED,
    ),
    mutant(
        "S11", "mis-signed-refusal-believed", "a refusal that somebody else has signed is believed",
        ("bitstamp/outcome.py", '    if reply.seal is Seal.WRONG:\n        raise Malformed("wrong signature")\n', ""),
        hunted=MIS_SIGNED_NO,
    ),
    mutant(
        "S11", "unsigned-refusal-believed", "an unsigned refusal is believed although the settings forbid it",
        ("bitstamp/outcome.py", "    return require_signed_errors and reply.seal is not Seal.VALID\n",
         "    return False\n"),
        hunted=UNSIGNED_NO,
    ),
    mutant(
        "S11", "another-orders-reply-believed", "a reply about another order is taken for this one's",
        ("bitstamp/outcome.py",
         '    if word.client_order_id not in (None, terms.client_order_id):\n'
         '        raise Malformed("reply is about another client order id")\n    return OrderAcked(',
         "    return OrderAcked("),
        Edit("bitstamp/outcome.py",
             "    if word.market not in (None, terms.market):\n"
             '        raise Malformed(f"reply is about market {word.market}")\n    if word.side', "    if word.side"),
        Edit("bitstamp/outcome.py",
             "    if word.side not in (None, terms.side):\n"
             '        raise Malformed(f"reply is about a {word.side} order")\n', ""),
        hunted=one_test("tests/bitstamp/test_outcome.py"),
    ),
    mutant(
        "S12", "timed-out-inside-is-a-refusal", "500.016, which names a living order, is taken for a no",
        ("bitstamp/outcome.py", "    if answer.status < 500 and _refuses(error, REFUSING_CODES, REFUSING_TEXTS):\n",
         "    if error.code == TIMED_OUT_CODE or _refuses(error, REFUSING_CODES, REFUSING_TEXTS):\n"),
        hunted=DOUBTS,
    ),
    mutant(
        "S12", "absent-at-once", "an order that was not found is called absent before the venue can no longer take it",
        ("engine/tracker.py",
         "        if watch.since_ns is None or self._core.at.mono_ns - watch.since_ns <= bound_ns:\n"
         "            return False\n",
         "        return True\n"),
        Edit("engine/watch.py", 'ROUND_EVERY_S = Decimal(15)\n', 'ROUND_EVERY_S = Decimal("0.1")\n'),
        hunted=LATE_ORDERS,
    ),
    mutant(
        "S12", "not-found-is-absent", "the first not-found ends a doubt",
        ("engine/tracker.py", "            self._round_answer(order, watch, event.ask_id)\n            return\n",
         "            if not order.state.terminal:\n"
         '                self._finish(order, OrderState.ABSENT, "not found")\n            return\n'),
        hunted=DOUBTS,
    ),
    mutant(
        "S12", "refused-word-is-evidence", "an order that a person calls absent in vain is absent all the same",
        ("engine/tracker.py", '            return f"{name} {known}: it cannot be absent"\n',
         '            self._finish(order, OrderState.ABSENT, known)\n'),
        hunted=WRONG_WORDS,
    ),
    mutant(
        "S12", "late-not-told", "a fill after an order's end is booked as if nothing were odd",
        ("engine/tracker.py", "        late = order.state.terminal\n", "        late = False\n"),
        hunted=FILLED_AFTER_ALL,
    ),
    mutant(
        "S12", "contradictions-do-not-halt", "what comes alive or fills after its end is told, and trading goes on",
        ("engine/tracker.py",
         '        self._core.restrict(Mode.HALTED, f"{order.terms.client_order_id}: {text}")\n', ""),
        hunted=FILLED_AFTER_ALL,
    ),
    mutant(
        "S12", "contradictions-untold", "it halts, and nobody hears what has come alive or filled",
        ("engine/tracker.py",
         '        self._tell("order_contradiction", f"{order.terms.client_order_id}: {text}")\n', ""),
        hunted=FILLED_AFTER_ALL,
    ),
    mutant(
        "S3", "absent-rows-are-foreign", "the row of an order that was called absent is booked as somebody else's",
        ("engine/attribution.py", "DENIED_TRIES if self._may_be_denied(waiting.row) else NOT_FOUND_TRIES\n",
         "NOT_FOUND_TRIES\n"),
        hunted=one_test("tests/engine/test_left_by_doubt.py"),
    ),
    mutant(
        "S12", "full-is-not-the-end", "an order that has filled in full is thought to live",
        ("engine/tracker.py", "        if order.filled == order.terms.size and not order.state.terminal:\n",
         "        if False:\n"),
        Edit("engine/tracker.py", "        if state is None or order.state.terminal:\n            return\n",
             "        if state is None or order.state.terminal or state is OrderState.FILLED:\n            return\n"),
        hunted=UNDISTURBED,
    ),
)  # fmt: skip
