"""Whatever bytes come back, the money side answers with a value: no reply makes it raise, few of them end a doubt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arbbot.bitstamp import codec_funding, funding_outcome
from arbbot.bitstamp.reply import Reply, Seal
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.funding import FundingInDoubt, WithdrawalAccepted

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
KEYS = (
    "id", "withdrawal_id", "status", "error", "reason", "code", "response_code", "datetime", "type", "currency",
    "amount", "network", "address", "transaction_id", "fee", "networks", "decimals", "withdrawal_decimals", "deposits",
    "withdrawals", "memo_id", "destination_tag", "txid", "withdrawal", "deposit", "withdrawal_minimum_amount",
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from(KEYS), inner, max_size=6)),
    max_leaves=8,
)
replies = st.builds(
    Reply,
    st.sampled_from([200, 201, 204, 301, 400, 401, 403, 404, 429, 500, 502, 503]),
    st.one_of(st.binary(max_size=60), values.map(orjson.dumps)),
    st.just("application/json"),
    st.sampled_from(Seal),
)
READERS: list[Callable[[Any], Any]] = [
    codec_funding.withdrawal_id, codec_funding.withdrawal_requests, codec_funding.crypto_moves,
    codec_funding.deposit_address, codec_funding.withdrawal_fees, codec_funding.currencies, codec_funding.transferred,
]  # fmt: skip


@pytest.mark.parametrize("read", READERS)
@given(value=values)
def test_a_reader_reads_or_says_that_it_cannot(read: Callable[[Any], Any], value: Any) -> None:
    """Malformed, and never another error: a bad reply is no fault of the program."""
    try:
        read(value)
    except Malformed:
        return


@given(reply=replies)
@example(reply=Reply(200, b'{"id": 1e400}', "application/json", Seal.VALID))
@example(reply=Reply(200, b"[" * 3000, "application/json", Seal.VALID))
def test_every_reply_has_an_outcome(reply: Reply) -> None:
    """For each call; and what is not sealed by the venue accepts nothing."""
    for outcome in (funding_outcome.withdrawal(reply), funding_outcome.transfer(reply)):
        if isinstance(outcome, WithdrawalAccepted):
            assert reply.seal is Seal.VALID
            assert 200 <= reply.status < 300
        if reply.status >= 500 or reply.seal is Seal.WRONG:
            assert isinstance(outcome, FundingInDoubt)


@given(reply=replies)
def test_where_errors_must_be_signed_an_unsigned_one_is_doubt(reply: Reply) -> None:
    """Whoever cannot sign cannot end a doubt, neither way."""
    if reply.seal is not Seal.VALID:
        assert isinstance(funding_outcome.withdrawal(reply, require_signed_errors=True), FundingInDoubt)
