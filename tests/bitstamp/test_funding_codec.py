"""Requests and replies of the money side: exact bodies, documented and captured payloads, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import orjson
import pytest

from arbbot.bitstamp import codec_funding, funding_requests
from arbbot.bitstamp.requests import CannotAsk
from arbbot.bitstamp.wire import Malformed
from arbbot.domain.funding import DepositAddress, RequestStatus, Transfer, Withdrawal
from tests.bitstamp.samples import of_kind

ADDRESS = "0x" + "a" * 40
USDT = Withdrawal("usdt", Decimal("100.5"), "ethereum", ADDRESS)


def test_a_withdrawal_is_written_plainly() -> None:
    """Decimals without exponent, the network always named, extra fields as the venue spells them."""
    request = funding_requests.withdraw(
        Withdrawal("btc", Decimal("1E-4"), "bitcoin", "bc1q", (("beneficiary_thirdparty", "False"), ("vasp_uuid", "é")))
    )
    assert (request.method, request.path, request.private) == ("POST", "/api/v2/btc_withdrawal/", True)
    assert request.body == b"amount=0.0001&address=bc1q&network=bitcoin&beneficiary_thirdparty=False&vasp_uuid=%C3%A9"


@pytest.mark.parametrize(
    "asked",
    [
        Withdrawal("../buy", Decimal(1), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal(0), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal("NaN"), "ethereum", ADDRESS),
        Withdrawal("usdt", Decimal(1), "", ADDRESS),
        Withdrawal("usdt", Decimal(1), "ethereum", ""),
        Withdrawal("usdt", Decimal(1), "ethereum", ADDRESS, (("amount", "1000"),)),
        Withdrawal("usdt", Decimal(1), "ethereum", ADDRESS, (("address", "0xb"),)),
    ],
)
def test_what_cannot_be_asked_is_found_before_it_is_sent(asked: Withdrawal) -> None:
    """No size, no network, no address, no currency code; and no extra field may replace the ones that decide."""
    with pytest.raises(CannotAsk):
        funding_requests.withdraw(asked)


def test_transfers_between_accounts() -> None:
    """The currency in capitals, as the documentation has it; what is missing is found before anything is sent."""
    there = funding_requests.transfer(Transfer("btc", Decimal("0.5"), False, "12"))
    assert (there.path, there.body) == ("/api/v2/transfer-from-main/", b"amount=0.5&currency=BTC&subAccount=12")
    back = funding_requests.transfer(Transfer("btc", Decimal("0.5"), True, None))
    assert (back.path, back.body) == ("/api/v2/transfer-to-main/", b"amount=0.5&currency=BTC")
    with pytest.raises(CannotAsk):
        funding_requests.transfer(Transfer("btc", Decimal("0.5"), False, None))
    with pytest.raises(CannotAsk):
        funding_requests.transfer(Transfer("btc", Decimal(0), True, None))


def test_the_list_is_asked_for_as_the_documentation_allows() -> None:
    """`limit` and `offset` together, as far back as the venue allows; or `id` alone."""
    assert funding_requests.withdrawal_requests().body == b"timedelta=50000000&limit=1000&offset=0"
    assert funding_requests.withdrawal_requests(17).body == b"id=17"


def test_captured_and_documented_requests_are_read() -> None:
    """A real row of 2018 and the documentation's example, in which the type contradicts the currency."""
    [old] = of_kind("rest.withdrawal_requests.row")
    [documented] = of_kind("doc_example.POST /api/v2/withdrawal-requests/")
    first, second = codec_funding.withdrawal_requests([old.payload, documented.payload])
    assert (first.request_id, first.currency, first.size) == (3386432, "xrp", Decimal("863.21332500"))
    assert (first.status, first.network) == (RequestStatus.FINISHED, None)
    assert (second.request_id, second.currency, second.utc_us) == (1, "btc", 1_643_645_252_000_000)
    assert second.transaction_id is not None


ROW = {"id": 5, "datetime": "2026-11-23 05:00:00", "type": 42, "currency": "USDT", "amount": "10", "status": 0}


def test_statuses_old_and_unknown() -> None:
    """Old replies write them as text; a number that nobody explains is no status, and the row is still read."""
    rows = codec_funding.withdrawal_requests([ROW | {"id": n, "status": status} for n, status in enumerate(
        ["0", 1, 2, "3", 4, 11, 8, "10"], 1)])  # fmt: skip
    assert [row.status for row in rows] == [
        RequestStatus.OPEN, RequestStatus.IN_PROCESS, RequestStatus.FINISHED, RequestStatus.CANCELED,
        RequestStatus.FAILED, RequestStatus.REVERSED, None, None,
    ]  # fmt: skip
    assert [row.status.is_returned for row in rows if row.status] == [False] * 3 + [True] * 3
    assert [row.status.is_pending for row in rows if row.status] == [True] * 2 + [False] * 4


def test_a_request_listed_twice_is_one() -> None:
    """A repeated row is the same request; two meanings under one id prove nothing."""
    assert len(codec_funding.withdrawal_requests([ROW, ROW])) == 1
    with pytest.raises(Malformed):
        codec_funding.withdrawal_requests([ROW, ROW | {"amount": "11"}])


@pytest.mark.parametrize(
    "odd",
    [{"id": None}, {"amount": "NaN"}, {"amount": "0"}, {"status": "open"}, {"datetime": 5}, {"currency": "../"}],
)
def test_a_row_that_cannot_be_vouched_for_fails_the_list(odd: dict[str, object]) -> None:
    """Half a list might hide the very request that is looked for."""
    with pytest.raises(Malformed):
        codec_funding.withdrawal_requests([ROW, ROW | {"id": 6} | odd])


def test_fees_currencies_and_moves_of_the_samples() -> None:
    """Captured fees by network, older ones without; networks with their minimums; deposits as numbers."""
    [captured] = of_kind("rest.fees_withdrawal")
    rows = codec_funding.withdrawal_fees(captured.payload)
    assert [(row.currency, row.network, row.fee) for row in rows] == [
        ("btc", "bitcoin", Decimal("0.00008000")), ("btc", "xrpl", Decimal("0E-8"))
    ]  # fmt: skip
    for old in of_kind("doc_example.POST /api/v2/fees/withdrawal"):
        assert codec_funding.withdrawal_fees(old.payload)[0].network is None
    [listed] = of_kind("rest.currencies")
    [bitcoin] = codec_funding.currencies(listed.payload)
    chain, ripple = bitcoin.network("bitcoin"), bitcoin.network("xrpl")
    assert chain is not None
    assert ripple is not None
    assert (chain.minimum, chain.withdrawal, ripple.minimum, ripple.withdrawal) == (
        Decimal("0.00006000"), True, None, False
    )  # fmt: skip
    assert bitcoin.network("tron") is None
    [plain] = of_kind("doc_example.GET /api/v2/currencies/")
    assert codec_funding.currencies(plain.payload)[0].networks == ()
    [moved] = of_kind("doc_example.POST /api/v2/crypto-transactions/")
    moves = codec_funding.crypto_moves(orjson.loads(orjson.dumps(moved.payload)))
    assert (moves.deposits[0].size, moves.deposits[0].utc_us) == (Decimal("0.00012"), 1_642_665_114_000_000)
    assert codec_funding.crypto_moves({}).withdrawals == ()


def test_a_withdrawal_fee_below_zero_is_no_fee() -> None:
    """A fee table that is absurd is not believed."""
    with pytest.raises(Malformed):
        codec_funding.withdrawal_fees([{"currency": "usdt", "fee": "-1"}])


def test_deposit_addresses_come_with_memo_or_tag() -> None:
    """As text or number; an address with blanks or control characters is none."""
    [sample] = of_kind("doc_example.POST /api/v2/{currency}_address/")
    told = codec_funding.deposit_address(sample.payload)
    assert told == DepositAddress(
        "0x6a56f5b80f04b4fd70d64d72e1396698635e5436", (("memo_id", "299576079"), ("destination_tag", "89473951"))
    )
    odds: list[object] = [
        {"address": "a b"}, {"address": "a\x1b[2J"}, {"address": ""}, {"address": "a", "memo_id": [1]}, []
    ]  # fmt: skip
    for odd in odds:
        with pytest.raises(Malformed):
            codec_funding.deposit_address(odd)
