"""Money that leaves: what proves that it did not, and what is never asked for twice."""

from __future__ import annotations

from tests.mutants.grounds import one_test
from tests.mutants.mutant import Edit, mutant

OUTCOMES = one_test("tests/bitstamp/test_funding_outcome.py")
CODEC = one_test("tests/bitstamp/test_funding_codec.py")
GATEWAY = one_test("tests/bitstamp/test_funding_gateway.py")
TRANSFERS = one_test("tests/bootstrap/test_treasury_transfer.py")
FILE = "bitstamp/funding_outcome.py"

MUTANTS = (
    mutant(
        "S11", "lost-withdrawal-is-a-refusal", "no answer to a withdrawal is taken for a no",
        (FILE, "            return FundingInDoubt(answer.reason)\n",
         '            return FundingRefused("text", answer.reason)\n'),
        hunted=OUTCOMES,
    ),
    mutant(
        "S11", "unreadable-withdrawal-is-a-refusal", "a page, a cut or unsigned reply is taken for a no",
        (FILE, '        return FundingInDoubt(f"HTTP {answer.status}: {fault}")\n',
         '        return FundingRefused("text", str(fault))\n'),
        hunted=OUTCOMES,
    ),
    mutant(
        "S11", "unknown-words-refuse-a-withdrawal", "an error nobody has listed is taken for a no",
        (FILE, "    return bool(error.texts) and all(REFUSING_TEXTS.fullmatch(text) for text in error.texts)\n",
         "    return True\n"),
        hunted=OUTCOMES,
    ),
    mutant(
        "S11", "one-listed-word-refuses-a-withdrawal", "one known text among unknown ones is taken for a no",
        (FILE, "and all(REFUSING_TEXTS", "and any(REFUSING_TEXTS"),
        hunted=OUTCOMES,
    ),
    mutant(
        "S11", "used-nonce-refuses-a-withdrawal", "a nonce seen before is taken for a no",
        (FILE, "    if error.code == NONCE_CODE:\n        return False\n", ""),
        hunted=OUTCOMES,
    ),
    mutant(
        "S11", "server-error-refuses-a-withdrawal", "a known text under a server's error is taken for a no",
        (FILE, "    if answer.status < 500 and _refuses(word):\n", "    if _refuses(word):\n"),
        hunted=OUTCOMES,
    ),
    mutant(
        "S2", "withdrawal-asked-again", "a withdrawal whose answer told nothing is sent a second time",
        Edit("bitstamp/funding.py", "            return await self._source.fetch(build())\n",
             "            answer = await self._source.fetch(build())\n"
             "            if isinstance(answer, NoReply) and answer.sent:\n"
             "                answer = await self._source.fetch(build())\n"
             "            return answer\n"),
        hunted=GATEWAY,
    ),
    mutant(
        "S1", "extras-decide", "a field from the settings may replace size or address of a withdrawal",
        ("bitstamp/funding_requests.py",
         "    strange = {name for name, _ in asked.extras} - EXTRA_FIELDS\n",
         "    strange = frozenset[str]()\n"),
        hunted=CODEC,
    ),
    mutant(
        "S1", "transfer-sent-unwritten", "a transfer is sent before it is written down",
        Edit("bootstrap/treasury_transfer.py",
             "        written = log.intend(asked, wanted.comes_in, cursor, wanted.who, wanted.reason, now_us)\n"
             "        outcome = await venue.funding.transfer(asked)\n",
             "        outcome = await venue.funding.transfer(asked)\n"
             "        if isinstance(outcome, FundingInDoubt):\n"
             "            raise Failure(ExitCode.VENUE, outcome.reason)\n"
             "        written = log.intend(asked, wanted.comes_in, cursor, wanted.who, wanted.reason, now_us)\n"),
        hunted=TRANSFERS,
    ),
    mutant(
        "S2", "transfer-in-doubt-forgotten", "another transfer is sent while one is in doubt",
        ("bootstrap/treasury_transfer.py", "        if doubtful is not None and (await", "        if False and (await"),
        hunted=TRANSFERS,
    ),
    mutant(
        "S12", "transfer-absent-at-once", "a transfer without a row is called absent while the venue may still take it",
        ("bootstrap/transfer_doubt.py", "            if silence.lasts(at):\n", "            if not found:\n"),
        hunted=TRANSFERS,
    ),
    mutant(
        "S3", "any-row-is-the-transfer", "a row of before, or of somebody else, ends a transfer's doubt",
        ("bootstrap/transfer_log.py",
         "        if row.kind != ROW_TYPE or row.transaction_id <= self.cursor or shown is None:\n",
         "        if shown is None:\n"),
        hunted=TRANSFERS,
    ),
)  # fmt: skip
