from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arbbot.domain.book import Book, BookError, Ladder, Row, Sweep
from arbbot.domain.market import Side

amounts = st.decimals(min_value=Decimal("0.00000001"), max_value=50, places=8)
prices = st.decimals(min_value=Decimal("0.01"), max_value=200_000, places=2)


@st.composite
def rows(draw: st.DrawFn, *, ascending: bool) -> list[Row]:
    """One side of a book, best first."""
    levels = sorted(draw(st.sets(prices, max_size=12)), reverse=not ascending)
    return [[str(price), str(draw(amounts))] for price in levels]


def naive(side: Sequence[Row], size: Decimal) -> tuple[Fraction, Fraction] | None:
    """Counter total and worst price of a size, walked with fractions, or None."""
    left, total, worst = Fraction(size), Fraction(0), Fraction(0)
    for price, amount in ((Fraction(row[0]), Fraction(row[1])) for row in side):
        if left <= 0:
            break
        taken = min(left, amount)
        left, total, worst = left - taken, total + taken * price, price
    return None if left > 0 else (total, worst)


def seen(sweep: Sweep | None) -> tuple[Fraction, Fraction] | None:
    """A sweep as the naive walk tells it."""
    return None if sweep is None else (Fraction(sweep.total), Fraction(sweep.worst))


@given(st.booleans().flatmap(lambda up: st.tuples(st.just(up), rows(ascending=up))), st.lists(amounts, min_size=1))
@settings(max_examples=150)
def test_a_sweep_is_the_naive_walk(side: tuple[bool, list[Row]], sizes: list[Decimal]) -> None:
    """Any book and any sizes, asked in any order on one lazily converted ladder, give the walk's exact answer."""
    ascending, levels = side
    ladder = Ladder(levels, ascending=ascending)
    for size in sizes:
        assert seen(ladder.sweep(size)) == naive(levels, size)
        assert seen(ladder.sweep(size)) == seen(Ladder(levels, ascending=ascending).sweep(size))


@given(rows(ascending=True), amounts)
@settings(max_examples=60)
def test_looking_deeper_first_changes_nothing(levels: list[Row], size: Decimal) -> None:
    """A ladder converted to its end answers as one that was not."""
    whole = Ladder(levels, ascending=True)
    assert Fraction(whole.depth) == sum((Fraction(row[1]) for row in levels), Fraction(0))
    assert seen(whole.sweep(size)) == seen(Ladder(levels, ascending=True).sweep(size))


def test_the_average_price_is_total_by_size() -> None:
    """VWAP of 1 at 100 and 1 at 102 is 101."""
    sweep = Ladder([["100", "1"], ["102", "3"]], ascending=True).sweep(Decimal(2))
    assert sweep == Sweep(Decimal(2), Decimal(202), Decimal(102))
    assert sweep is not None
    assert sweep.vwap == 101


BAD_ROWS: list[list[Row]] = [
    [["100", "0"]],
    [["100", "-1"]],
    [["0", "1"]],
    [["-5", "1"]],
    [["NaN", "1"]],
    [["100", "NaN"]],
    [["Infinity", "1"]],
    [["100", "Infinity"]],
    [["sNaN", "1"]],
    [["1e400", "1"]],
    [["100", "1e400"]],
    [["1e999999", "1e999999"]],
    [["1e-400", "1"]],
    [["100", "1e-400"]],
    [["ten", "1"]],
    [["1_00", "1"]],
    [["100 ", "1"]],
    [["100." + "1" * 60, "1"]],
    [["1e16", "10"]],
    [["100", "1e16"]],
    [["100"]],
    [[]],
    [["100", "1"], ["100", "1"]],
    [["100", "1"], ["99", "1"]],
]


@pytest.mark.parametrize("levels", BAD_ROWS)
def test_bad_rows_are_book_errors(levels: list[Row]) -> None:
    """Zero, negative, endless, absurd, short and unsorted rows raise BookError, and nothing else, when walked."""
    with pytest.raises(BookError):
        Ladder(levels, ascending=True).sweep(Decimal(5))


@pytest.mark.parametrize(
    ("levels", "ascending"),
    [
        ([["100", "1"], ["1e17", "1"], ["2e17", "9"]], True),
        ([["100", "1"], ["1e17", "1"], ["ten", "9"]], True),
        ([["100", "1"], ["-1", "1"], ["-2", "9"]], False),
        ([["100", "1"], ["0", "1"], ["ten", "9"]], False),
        ([["100", "1"], ["101", "Infinity"], ["102", "1"]], True),
    ],
)
def test_an_absurd_row_is_never_traded_on(levels: list[Row], ascending: bool) -> None:
    """A size that reaches it is refused however deep the side was looked at before; one that does not, is answered."""
    ladder = Ladder(levels, ascending=ascending)
    for size in (5, 2, 5, 2):
        with pytest.raises(BookError):
            ladder.sweep(Decimal(size))
        assert ladder.sweep(Decimal(1)) == Sweep(Decimal(1), Decimal(100), Decimal(100))


def test_an_answer_has_the_digits_of_its_question() -> None:
    """The same size written with more decimals is told as asked, also right after the other."""
    ladder = Ladder([["100", "1"]], ascending=True)
    for written in ("0.5", "0.50", "0.500", "0.5"):
        sweep = ladder.sweep(Decimal(written))
        assert sweep is not None
        assert str(sweep.size) == written


def test_rows_of_wrong_types_are_book_errors() -> None:
    """What is not text at all is no book either."""
    with pytest.raises(BookError):
        Ladder([[None, "1"]], ascending=True).sweep(Decimal(5))  # type: ignore[list-item]  # hostile input
    with pytest.raises(BookError):
        Book("btcusd", 1, [[None, "1"]], [])  # type: ignore[list-item]  # hostile input


def test_descending_sides_must_descend() -> None:
    """A bid above the one before it is out of order."""
    with pytest.raises(BookError):
        Ladder([["100", "1"], ["101", "1"]], ascending=False).sweep(Decimal(2))


def test_a_bad_row_behind_the_size_does_no_harm_until_walked() -> None:
    """Rows are judged when they are needed: the same size gives the same answer before and after the error."""
    ladder = Ladder([["100", "1"], ["99", "1"]], ascending=True)
    first = ladder.sweep(Decimal(1))
    with pytest.raises(BookError):
        ladder.sweep(Decimal(2))
    assert ladder.sweep(Decimal(1)) == first


@pytest.mark.parametrize("touch", ["NaN", "sNaN", "Infinity", "1e400", "ten", ""])
def test_a_touch_that_is_no_price_is_a_book_error(touch: str) -> None:
    """A book whose best price cannot be compared is refused when it is made, not when it is traded on."""
    with pytest.raises(BookError):
        Book("btcusd", 1, [[touch, "1"]], [["101", "1"]])
    with pytest.raises(BookError):
        Book("btcusd", 1, [["99", "1"]], [[touch, "1"]])
    with pytest.raises(BookError):
        Book("btcusd", 1, [[]], [])


@pytest.mark.parametrize(
    ("bids", "asks", "tradable"),
    [
        ([["99", "1"]], [["100", "1"]], True),
        ([["100", "1"]], [["100", "1"]], False),
        ([["101", "1"]], [["100", "1"]], False),
        ([["0", "1"]], [["100", "1"]], False),
        ([["-1", "1"]], [["100", "1"]], False),
        ([], [["100", "1"]], False),
        ([["99", "1"]], [], False),
    ],
)
def test_only_a_whole_uncrossed_positive_book_is_tradable(bids: list[Row], asks: list[Row], tradable: bool) -> None:
    """Crossed, locked, one-sided and non-positive books are not."""
    assert Book("btcusd", 1, bids, asks).tradable is tradable


def test_a_taker_meets_the_other_side() -> None:
    """A buyer sweeps asks, a seller bids; each ladder is made once."""
    book = Book("btcusd", 7, [["99", "1"]], [["100", "1"]])
    assert book.touch(Side.BUY) == 100
    assert book.touch(Side.SELL) == 99
    assert book.ladder(Side.BUY) is book.ladder(Side.BUY)
    assert book.ladder(Side.SELL) is book.ladder(Side.SELL)
    assert book.ladder(Side.SELL).depth == 1
    assert Ladder([], ascending=True).depth == 0


def test_books_are_compared_by_what_was_sent() -> None:
    """Equal rows and time are equal books; a book is no key and equals nothing else."""
    book = Book("btcusd", 7, [["99", "1"]], [["100", "1"]])
    book.ladder(Side.BUY).sweep(Decimal(1))
    assert book == Book("btcusd", 7, [["99", "1"]], [["100", "1"]])
    assert book != Book("btcusd", 8, [["99", "1"]], [["100", "1"]])
    assert book != "btcusd"
    with pytest.raises(TypeError):
        hash(book)
