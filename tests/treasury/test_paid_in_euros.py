"""A settlement of profit that is in euros: bought on usdteur, withdrawn, and told in euros."""

from __future__ import annotations

from dataclasses import replace

import pytest

from arbbot.domain.book import Book
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.funding import RequestStatus
from arbbot.domain.market import Instrument, Side
from arbbot.treasury.policy import Asked
from arbbot.treasury.records import StatementWritten
from tests.treasury.test_settler import refusal
from tests.treasury.world import FACTS, POLICY, D, World

EUROS = replace(POLICY, pays="eur", max_price=D("0.95"))
MARKET = replace(
    FACTS,
    instrument=Instrument("usdteur", "usdt", "eur", 5, 5, D(10)),
    book=Book("usdteur", 1, [["0.90900", "5000"]], [["0.90910", "5000"], ["0.90930", "90000"]]),
)


def world(profit: str = "250") -> World:
    """The daemon names so many euros that may leave."""
    return World(policy=EUROS, facts=MARKET, profit=D(profit), price=D("0.90910"))


@pytest.mark.parametrize("trouble", ["", "lost_after"])
def test_euros_are_converted_and_withdrawn_and_a_statement_written(trouble: str) -> None:
    """The daemon is asked about euros, the order is one of usdteur within them; also with replies lost."""
    one = world()
    one.order_trouble = one.request_trouble = trouble
    assert one.code() is ExitCode.OK
    one.end(RequestStatus.FINISHED)
    one.order_trouble = one.request_trouble = ""
    one.later(60)
    assert one.code() is ExitCode.OK
    (placed,), (sent,) = one.placed, one.sent
    assert (placed.terms.market, placed.terms.side, placed.terms.price) == ("usdteur", Side.BUY, D("0.90910"))
    assert placed.terms.size == D("274.85")  # 250 / 0.9091 / 1.0005, whole cents
    assert one.spent <= 250
    assert (sent.asked.currency, sent.asked.size) == ("usdt", D("269.85"))
    assert {each["pays"] for each in one.asked_daemon if each["verb"] == "settlement"} == {"eur"}
    (announced,) = [each for each in one.asked_daemon if each.get("what") == "order"]
    assert (announced["base"], announced["counter"]) == ("usdt", "eur")
    (told,) = [each for each in one.journal if isinstance(each, StatementWritten)]
    assert (told.bought, told.withdrawn, told.at_hand) == (D("274.85"), D("274.85"), D(0))
    assert told.spent == D("274.85") * D("0.90910")
    assert dict(told.principal) == {"eur": D(9000)}


def test_its_bounds_are_in_euros_too() -> None:
    """The threshold and the price: a market of dollars' figures is not believed."""
    assert "49.00 eur may leave" in world("49").settle().text
    dear = world()
    dear.facts = replace(MARKET, book=Book("usdteur", 1, [["0.9998", "5000"]], [["1.0001", "5000"]]))
    assert dear.code(Asked()) is ExitCode.SETTLEMENT_REFUSED
    assert refusal(dear).cause == "price"
    assert dear.placed == []
