"""S14 to S17: what is written is what is remembered, no secret gets out, paper and sandbox stay what they are."""

from __future__ import annotations

from tests.mutants.grounds import ON_DISK, SHELL, one_scene, one_test
from tests.mutants.mutant import Edit, mutant

MUTANTS = (
    mutant(
        "S14", "a-kind-not-written", "words on cancels are remembered but not written down",
        ("domain/records.py", "    return record.durable\n",
         '    return record.durable and record.kind != "cancel_answered"\n'),
    ),
    mutant(
        "S14", "a-kind-not-replayed", "a replay skips one kind of record",
        ("journal/sqlite.py", '"SELECT seq, utc_us, kind, body FROM record ORDER BY seq"',
         '"SELECT seq, utc_us, kind, body FROM record WHERE kind != \'cancel_answered\' ORDER BY seq"'),
        hunted=ON_DISK,
    ),
    mutant(
        "S14", "changed-beside-the-journal", "the state is changed without a record",
        ("engine/hedge.py", "        self._this_process.discard(hedge_id)\n",
         "        self._this_process.discard(hedge_id)\n        core.state.empty_hedges_in_row = 0\n"),
    ),
    mutant(
        "S14", "digits-lost-in-the-journal", "the journal keeps money as floats",
        ("journal/codec.py", "    return _written(record.kind)(record).decode()\n",
         "    import re\n"
         "    body = _written(record.kind)(record).decode()\n"
         '    return re.sub(r\'"(-?\\d+\\.\\d{4})\\d+"\', r\'"\\1"\', body)\n'),
    ),
    mutant(
        "S15", "redactor-off", "a secret in a log line is printed",
        ("telemetry/redact.py", "                text = text.replace(secret, BLOT)\n", "                pass\n"),
        hunted=one_test("tests/telemetry/test_logging.py"),
    ),
    mutant(
        "S15", "secret-in-repr", "the key pair shows its secret when it is printed",
        ("bitstamp/auth.py", "    secret: str = field(repr=False)\n", "    secret: str\n"),
        hunted=one_test("tests/bitstamp/test_auth.py"),
    ),
    mutant(
        "S15", "secret-in-the-journal", "the reason of a doubt holds the headers of the request",
        ("bitstamp/rest.py", "            return NoReply(True, named(error))\n",
         "            return NoReply(True, f'{named(error)} {self._secret}')\n"),
        Edit("bitstamp/rest.py", "        self._legs: Legs | None = None\n",
             "        self._legs: Legs | None = None\n        self._secret = credentials and credentials.secret\n"),
        hunted=SHELL,
    ),
    mutant(
        "S16", "paper-asks-the-account", "paper mode puts private questions to the live venue",
        ("exchange/paper.py", "PUBLIC = frozenset({Topic.BOOK,", "PUBLIC = frozenset({Topic.BALANCES, Topic.BOOK,"),
        hunted=one_test("tests/paper/test_paper.py"),
    ),
    mutant(
        "S16", "sandbox-may-be-live", "the sandbox mode accepts the live host",
        ("settings/checks.py", "_refuse_if(named != host and not local,",
         "_refuse_if(named not in (host, LIVE_REST_HOST, LIVE_WS_HOST) and not local,"),
        hunted=one_test("tests/settings/test_bad_settings.py"),
    ),
    mutant(
        "S17", "no-lock", "two processes may write one journal",
        ("lock.py", "        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "        pass\n"),
        hunted=one_scene("two instances"),
    ),
)  # fmt: skip
