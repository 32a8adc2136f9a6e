"""The judge of these tests finds what it is there to find."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.judge import Case, Journal, Json, problems

BUY: Json = {"client_order_id": "k-1", "market": "btcusd", "side": "buy", "kind": "market", "size": "1", "price": None}
SELL: Json = {"client_order_id": "k-2", "market": "btceur", "side": "sell", "kind": "limit", "size": "1", "price": "90"}


def honest() -> Case:
    """One hedge of one bitcoin, told alike by journal and venue."""
    lines: list[Json] = [
        {"kind": "anchor_set", "holdings": [{"currency": c, "total": "1000"} for c in ("btc", "usd", "eur")]},
        {"kind": "order_intended", "terms": BUY, "utc_us": 10},
        {"kind": "order_intended", "terms": SELL, "utc_us": 10},
        *_filled("k-1", 7, BUY, {"btc": "1", "usd": "-100"}, "usd"),
        *_filled("k-2", 8, SELL, {"btc": "-1", "eur": "90"}, "eur"),
    ]
    orders = [
        _order(BUY, "MARKET", 11, 7, {"btc": "1", "usd": "-100"}),
        _order(SELL, "GTD", 12, 8, {"btc": "-1", "eur": "90"}),
    ]
    totals = {"btc": "1000", "usd": "899.9", "eur": "1089.9"}
    balances = {c: {"total": total, "available": total, "reserved": "0"} for c, total in totals.items()}
    rows = [{"id": 7, "type": 2}, {"id": 8, "type": 2}]
    journal = Journal(Path("nowhere"), [{"seq": seq, **line} for seq, line in enumerate(lines, 1)])
    return Case(journal, {"orders": orders, "rows": rows, "balances": balances}, 0, (), "verysecret")


def _filled(name: str, row_id: int, terms: Json, amounts: dict[str, str], counter: str) -> list[Json]:
    row = {
        "transaction_id": row_id,
        "order_id": 10 * row_id,
        "amounts": list(amounts.items()),
        "fee": "0.1",
        "fee_currency": counter,
    }
    entries = [{"currency": c, "delta": delta} for c, amount in amounts.items() for delta in (amount, str(-D(amount)))]
    return [
        {
            "kind": "fill_booked",
            "client_order_id": name,
            "fill": {"trade_id": row_id, "side": terms["side"], "market": terms["market"], "size": "1"},
        },
        {"kind": "order_moved", "client_order_id": name, "state": "filled", "utc_us": 200_000_000},
        {"kind": "row_booked", "client_order_id": name, "row": row, "entries": entries},
    ]


def _order(terms: Json, kind: str, created_us: int, row_id: int, amounts: dict[str, str]) -> Json:
    fills = [{"id": row_id, "order_id": 10 * row_id, "amounts": amounts}]
    told = {"kind": kind, "created": terms["size"], "created_us": created_us, "status": "Finished", "fills": fills}
    return {**terms, **told, "price": terms["price"] or "0"}


D = Decimal


@dataclass(frozen=True)
class Lie:
    """A change to an honest case, and the promise it breaks."""

    change: Callable[[Any], Any]
    broken: str


def _lines(case: Case, kind: str) -> list[Json]:
    return [line for line in case.journal.lines if line["kind"] == kind]


EARLY: Json = {"kind": "order_moved", "client_order_id": "k-1", "state": "absent", "utc_us": 149_000_000, "seq": 99}
DEFIANT: list[Json] = [
    {"kind": "mode_changed", "mode": "paused", "seq": 98},
    {"kind": "hedge_opened", "hedge_id": "h2", "seq": 99},
]
PAUSED_CONVERSION: list[Json] = [DEFIANT[0], {"kind": "conversion_opened", "conversion_id": "c1", "seq": 99}]
FX: Json = {"client_order_id": "k-3", "market": "eurusd", "kind": "ioc", "size": "89.9", "price": "1.1"}


def _convert(**changes: str) -> list[Json]:
    """The journal of a conversion that the venue never saw; honest as far as it goes."""
    terms = {**FX, "purpose": "convert", "side": "sell", **changes}
    return [
        {"kind": "order_intended", "terms": terms, "utc_us": 20, "seq": 98},
        {"kind": "order_moved", "client_order_id": "k-3", "state": "rejected", "utc_us": 21, "seq": 99},
    ]


LIES = {
    "an order without an intent": Lie(lambda case: case.journal.lines.remove(_lines(case, "order_intended")[0]), "S1"),
    "another size": Lie(lambda case: case.account["orders"][0].update(created="2"), "S1"),
    "another price": Lie(lambda case: case.account["orders"][1].update(price="91"), "S1"),
    "another side": Lie(lambda case: case.account["orders"][1].update(side="buy"), "S1"),
    "sent before the intent": Lie(lambda case: case.account["orders"][0].update(created_us=9), "S1"),
    "sent twice": Lie(lambda case: case.account["orders"].append(case.account["orders"][0]), "S2"),
    "a row twice": Lie(lambda case: case.journal.lines.append(_lines(case, "row_booked")[0]), "S3"),
    "a fill forgotten": Lie(lambda case: case.journal.lines.remove(_lines(case, "fill_booked")[0]), "S3"),
    "a row forgotten": Lie(lambda case: case.journal.lines.remove(_lines(case, "row_booked")[0]), "S3"),
    "the other row of a self-trade": Lie(lambda case: _lines(case, "row_booked")[0]["row"].update(order_id=71), "S3"),
    "a fill of another order": Lie(lambda case: _lines(case, "fill_booked")[0].update(client_order_id="k-2"), "S3"),
    "a fill made up": Lie(lambda case: case.account["orders"][0].update(fills=[]), "S3"),
    "a fee forgotten": Lie(lambda case: _lines(case, "row_booked")[0]["row"].update(fee="0"), "S4"),
    "money gone": Lie(lambda case: case.account["balances"]["usd"].update(total="899.89"), "S4"),
    "a crooked booking": Lie(lambda case: _lines(case, "row_booked")[0]["entries"].pop(), "S4"),
    "an order forgotten": Lie(lambda case: _lines(case, "order_moved")[0].update(state="live"), "L2"),
    "called absent": Lie(lambda case: _lines(case, "order_moved")[0].update(state="absent"), "the venue took it"),
    "called absent too early": Lie(lambda case: case.journal.lines.append(EARLY), "could still have come to life"),
    "a hedge while paused": Lie(lambda case: case.journal.lines.extend(DEFIANT), "S8"),
    "a conversion beyond the drift": Lie(lambda case: case.journal.lines.extend(_convert(size="89.91")), "not lessen"),
    "a conversion away from zero": Lie(lambda case: case.journal.lines.extend(_convert(side="buy")), "not lessen"),
    "a conversion that can rest": Lie(lambda case: case.journal.lines.extend(_convert(kind="limit")), "not lessen"),
    "a conversion while paused": Lie(lambda case: case.journal.lines.extend(PAUSED_CONVERSION), "S8"),
    "left resting": Lie(lambda case: case.account["orders"][1].update(status="Open"), "L3"),
    "a withdrawal": Lie(lambda case: case.account["rows"].append({"id": 9, "type": 1}), "withdrawn"),
}


def test_an_honest_case_passes() -> None:
    """Nothing is found where everything agrees."""
    assert problems(honest()) == []


def test_an_honest_self_trade_passes() -> None:
    """A person's own order sold to ours: its row has the id of ours, and is another."""
    case = honest()
    (line,) = _filled("k-1", 7, BUY, {"btc": "-1", "usd": "100"}, "usd")[2:]
    line["row"]["order_id"] = 71
    case.journal.lines.append({**line, "client_order_id": None, "seq": 99})
    for currency, total in (("btc", "999"), ("usd", "999.8")):
        case.account["balances"][currency].update(total=total, available=total)
    assert problems(case) == []


def test_an_honest_conversion_passes() -> None:
    """A limited, immediate sale of no more than hedges left is nothing to complain of."""
    case = honest()
    case.journal.lines.extend(_convert())
    assert problems(case) == []


@pytest.mark.parametrize("lie", LIES)
def test_every_lie_is_found(lie: str) -> None:
    """Each broken promise is named."""
    case = replace(honest(), account=deepcopy(honest().account))
    LIES[lie].change(case)
    assert any(LIES[lie].broken in found for found in problems(case)), problems(case)


def test_a_leg_left_open_is_found() -> None:
    """One-sided with exit code 0, or without an alert."""
    case = honest()
    case.account["orders"].pop()
    assert any(found.startswith("L1") for found in problems(case))


def test_a_secret_is_found(tmp_path: Path) -> None:
    """Wherever it was written."""
    log = tmp_path / "log"
    log.write_text("key verysecret")
    assert problems(replace(honest(), written=(log,))) == ["S15: log holds the secret"]
