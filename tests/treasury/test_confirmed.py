"""What a person says yes to is the most that is done, however long they take and whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.book import Book
from arbbot.domain.exit_codes import ExitCode
from tests.treasury.test_settler import refusal
from tests.treasury.world import FACTS, POLICY, D, World

ASKED = replace(POLICY, confirm=True)


def at(price: str) -> Book:
    """A deep book around a price."""
    return Book("usdtusd", 2, [["0.9", "5000"]], [[price, "90000"]])


def test_what_was_at_hand_and_is_gone_is_not_bought_instead() -> None:
    """400 were at hand when the yes was given, and 100 to be bought: those are bought, at the price of then."""
    world = World(policy=ASKED, profit=D(3_000), bought=D(400))

    def gone(request: Mapping[str, Any]) -> None:
        if request["verb"] == "lease":
            world.bought = D(0)

    world.daemon_trouble = gone
    assert world.code() is ExitCode.OK
    (text,) = world.asked_person
    assert text.startswith("buy 100.00 usdt ")
    assert [placed.terms.size for placed in world.placed] == [D(100)]


def test_more_for_the_same_money_is_another_plan() -> None:
    """What was at hand is gone and the price has fallen: the size that was confirmed is the most."""
    world = World(policy=ASKED, profit=D(3_000), bought=D(400))

    def gone(request: Mapping[str, Any]) -> None:
        if request["verb"] == "lease":
            world.bought, world.facts = D(0), replace(FACTS, book=at("0.97"))

    world.daemon_trouble = gone
    assert world.code() is ExitCode.SETTLEMENT_REFUSED
    assert refusal(world).cause == "changed"
    assert world.placed == []
    assert world.sent == []


@settings(max_examples=60, deadline=None)
@given(
    st.decimals("0.95", "1.02", places=4), st.decimals("0.95", "1.02", places=4), st.integers(0, 900),
    st.integers(0, 600),
)  # fmt: skip
def test_no_conversion_is_larger_or_dearer_than_what_was_confirmed(
    first: D, later: D, profit: int, at_hand: int
) -> None:
    """The book moves between the yes and the lease, to any price the policy bears."""
    world = World(
        policy=ASKED, profit=D(profit), bought=D(at_hand), facts=replace(FACTS, book=at(f"{first}"))
    )  # fmt: skip

    def moved(request: Mapping[str, Any]) -> None:
        if request["verb"] == "lease":
            world.facts = replace(FACTS, book=at(f"{later}"))

    world.daemon_trouble = moved
    world.code()
    for placed in world.placed:
        (text,) = world.asked_person
        words = text.split()
        size, cost = D(words[1]), D(words[6])
        terms = placed.terms
        assert terms.price is not None
        assert terms.size <= size
        assert (terms.size * terms.price * D("1.0005")).quantize(D("0.01")) <= cost
    for sent in world.sent:
        words = world.asked_person[0].split()
        assert sent.asked.size <= D(words[words.index("withdraw") + 1])
