"""The radar counts what an exact walk of the same books would net, and nothing else."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from decimal import Decimal
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
import zstandard

from arbbot.bootstrap.radar import FRESH_S, figures, kept, radar
from arbbot.bootstrap.radar.page import write_page
from arbbot.bootstrap.radar.tiers import BARS
from arbbot.domain.book import Book
from arbbot.domain.events import BookFetched, BookSeen, FeedDown, FeedUp, Moment
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.domain.market import Direction, Side
from arbbot.engine.spread import Triangle, Walk
from arbbot.research.radar import Radar, Run
from arbbot.research.replay import Watched
from tests.engine.rig import ROUTE

GOLDEN = Path(__file__).parents[1] / "golden" / "recording"
D = Decimal
USD, EUR, FX = ROUTE.symbols
DEEP_FX = Book(FX, 1, [["1.13000", "900000000"]], [["1.13002", "900000000"]])
HOSTILE = "</td><script>alert(1)</script>"


def at(seconds: str) -> Moment:
    """So many seconds after some noon."""
    return Moment(int(D(seconds) * 10**9), 1_790_000_000_000_000 + int(D(seconds) * 10**6))


def ladder(symbol: str, bid: str, ask: str, random: Random | None = None) -> Book:
    """A book of a few levels from these touches; of random steps and amounts where chance is given."""

    def rows(best: str, sign: int) -> list[list[str]]:
        price, levels = D(best), []
        for _ in range(6):
            amount = D(random.randint(1, 400)) / 1000 if random else D("0.5")
            levels.append([f"{price:f}", f"{amount:f}"])
            price += sign * (D(random.randint(1, 9000)) / 100 if random else D(20))
        return levels

    return Book(symbol, 1, rows(bid, -1), rows(ask, 1))


def seen(books: Sequence[Book], found: Radar, when: str) -> None:
    """Show these books to a radar at one moment."""
    for book in books:
        found.take(BookSeen(book, 1), at(when))


def no_edge() -> list[Book]:
    """Books at which nothing pays."""
    return [ladder(USD, "84990", "85010"), ladder(EUR, "75210", "75230"), DEEP_FX]


def edge(eur_bid: str = "76500") -> list[Book]:
    """Books at which buying for dollars and selling for euros pays at every tier."""
    return [ladder(USD, "84990", "85010"), ladder(EUR, eur_bid, f"{D(eur_bid) + 20:f}"), DEEP_FX]


def triangle(books: Sequence[Book], direction: Direction) -> Triangle:
    """The engine's own view of the same books."""
    usd, eur, fx = books
    buy, sell = (usd, eur) if direction is Direction.BUY_DOMESTIC else (eur, usd)
    assert buy.ask is not None
    assert sell.bid is not None
    return Triangle(direction, buy, sell, fx, buy.ask, sell.bid, D(0))


@pytest.mark.parametrize("seed", range(40))
def test_size_and_profit_are_those_of_an_exact_walk(seed: int) -> None:
    """At every tier, in either direction: walking the size that is told nets the profit that is told, and neither a
    little less nor a little more nets more. A tier without a run has no size that nets anything.
    """
    random = Random(seed)
    fair = random.choice(["75220", "76300", "74200", "75700"])
    books = [ladder(USD, "84990", "85010", random), ladder(EUR, fair, f"{D(fair) + 15:f}", random), DEEP_FX]
    found = Radar(ROUTE, BARS, FRESH_S)
    seen(books, found, "0")
    found.close()
    for bar, row in zip(BARS, found.figures()["tiers"], strict=True):
        for direction in Direction:
            whole = triangle(books, direction)

            def net(size: D) -> D:
                walked = whole.walk(size)  # noqa: B023 - called in this turn of the loop
                assert isinstance(walked, Walk)
                return walked.net_out(bar.costs) - walked.net_paid(bar.costs)  # noqa: B023 - likewise

            if row["by_direction"][direction.value]:
                size = row["largest_size"]
                assert net(size).quantize(D("0.0001")) == row["best_profit"]
                most = min(whole.buy.ladder(Side.BUY).depth, whole.sell.ladder(Side.SELL).depth)
                for other in (size - D("0.0005"), min(size + D("0.0005"), most)):
                    assert net(other) <= net(size)
            else:
                assert net(D("0.0005")) <= 0


def test_cheaper_tiers_see_all_that_dearer_ones_see() -> None:
    """A run of a dearer tier lies within one of each cheaper: seconds, edge, size and profit only grow."""
    random = Random(7)
    found = Radar(ROUTE, BARS, FRESH_S)
    for step in range(200):
        bid = 75220 + random.randint(-900, 900)
        seen([ladder(USD, "84990", "85010"), ladder(EUR, f"{bid}", f"{bid + 20}"), DEEP_FX], found, f"{step}.5")
    found.close()
    rows = found.figures()["tiers"]
    for with_fx in (False, True):
        own = [row for row in rows if row["with_fx"] is with_fx]
        for dear, cheap in pairwise(own):
            for key in ("seconds", "best_net_bp", "largest_size", "best_profit"):
                assert (dear[key] or 0) <= (cheap[key] or 0)


def test_a_run_lasts_from_the_change_that_makes_it_to_the_one_that_ends_it() -> None:
    """Two runs of known lengths. The second is cut by the feed: it lasted to the last book that came, not until the end
    was noticed, and neither that time nor any without books is observed.
    """
    ended: list[tuple[Run, int]] = []
    found = Radar(ROUTE, BARS, FRESH_S, lambda run, cleared: ended.append((run, len(cleared))))
    found.take(FeedUp(1), at("0"))
    seen(no_edge(), found, "0")
    seen(edge(), found, "1")
    seen(no_edge(), found, "3.25")
    seen(edge(), found, "10")
    found.take(BookSeen(DEEP_FX, 1), at("10.5"))
    found.take(FeedDown(1, "gone"), at("18"))
    found.take(FeedUp(2), at("20"))
    for book in no_edge():
        found.take(BookSeen(book, 2), at("21"))
    found.take(BookSeen(no_edge()[0], 2), at("22"))
    assert [run.lasted_s for run, _ in ended] == [D("2.25"), D("0.5")]
    assert {run.direction for run, _ in ended} == {Direction.BUY_DOMESTIC}
    assert {cleared for _, cleared in ended} == {len(BARS)}
    told = found.figures()
    assert (told["observed_s"], told["gaps"]) == (D("11.5"), 1)
    assert (told["ended_utc_us"] - told["began_utc_us"]) == 22_000_000
    cheapest = told["tiers"][-2]
    assert (cheapest["runs"], cheapest["seconds"], cheapest["longest_s"]) == (2, D("2.75"), D("2.25"))
    assert cheapest["lengths"] == [0, 1, 1, 0, 0, 0]


def test_books_of_an_old_connection_and_crossed_ones_are_no_edge() -> None:
    """What does not count for trading does not count here."""
    found = Radar(ROUTE, BARS, FRESH_S)
    found.take(FeedUp(2), at("0"))
    for book in edge():
        found.take(BookSeen(book, 1), at("1"))
    assert found.changes == 0
    crossed = Book(EUR, 1, [["76500", "1"]], [["76400", "1"]])
    for book in (edge()[0], crossed, DEEP_FX):
        found.take(BookSeen(book, 2), at("2"))
    found.close()
    assert {row["runs"] for row in found.figures()["tiers"]} == {0}


def test_broken_rows_below_the_touch_end_the_size_there() -> None:
    """Garbage deep in a book is where it ends, not where the radar does."""
    usd, eur, fx = edge()
    broken = Book(USD, 1, usd.bids, [*usd.asks[:2], ["nonsense", "1"], *usd.asks[2:]])
    found = Radar(ROUTE, BARS, FRESH_S)
    seen([broken, eur, fx], found, "0")
    found.close()
    assert found.figures()["tiers"][-2]["largest_size"] == D("1.0")


def test_minutes_hold_the_largest_gross_edge_of_each_direction() -> None:
    """By the definition: proceeds over cost, less one, at the touch."""
    found = Radar(ROUTE, BARS, FRESH_S)
    seen(no_edge(), found, "0")
    seen(edge(), found, "1")
    seen(no_edge(), found, "2")
    ((_, one, two),) = found.minutes
    assert one == ((D(76500) * D("1.13") / D(85010) - 1) * 10_000).quantize(D("0.0001"))
    assert two == ((D(84990) / (D(75230) * D("1.13002")) - 1) * 10_000).quantize(D("0.0001"))


# --- the verb -------------------------------------------------------------------------------------------------------


def told(directory: Path, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `arbbot radar --json DIR` prints."""
    assert radar(directory, None, as_json=True) is ExitCode.OK
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def test_the_committed_recording(capsys: pytest.CaptureFixture[str]) -> None:
    """Two dislocations, seen with every tier's fees; the table for people names each tier with and without FX."""
    answer = told(GOLDEN, capsys)
    assert len(answer["tiers"]) == len(BARS) == 22
    assert answer["tiers"][-2]["runs"] == 2
    assert {run["direction"] for run in answer["newest"]} == {"buy_domestic", "buy_foreign"}
    radar(GOLDEN, None, as_json=False)
    out = capsys.readouterr().out
    assert out.count("\n") == 2 + 1 + len(BARS) + 1
    assert "short runs are no money" in out


def test_any_recording_will_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One whose rules are those of another version tells the same; one whose last file was cut off, what it has."""
    shutil.copytree(GOLDEN, tmp_path / "old")
    header = json.loads((tmp_path / "old" / "header.json").read_text())
    header["rules"], header["journal"] = {"of": "another version"}, []
    (tmp_path / "old" / "header.json").write_text(json.dumps(header))
    whole = told(GOLDEN, capsys)
    assert told(tmp_path / "old", capsys)["tiers"] == whole["tiers"]
    assert (whole["dropped"], whole["ended"], whole["missing"]) == (0, True, [])
    packed = tmp_path / "old" / "000001.jsonl.zst"
    packed.write_bytes(packed.read_bytes()[: packed.stat().st_size * 2 // 3])
    cut = told(tmp_path / "old", capsys)
    assert 0 < cut["lines"] < whole["lines"]
    assert (cut["ended"], cut["missing"][0][:21]) == (False, "it was cut off before")


def test_a_recording_with_holes_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Fourteen frames were dropped: the figures differ from the truth, and JSON and text say what is missing."""
    shutil.copytree(GOLDEN, tmp_path / "holes")
    packed = tmp_path / "holes" / "000001.jsonl.zst"
    with zstandard.open(packed, "rb") as whole:
        lines = [json.loads(text) for text in whole.read().splitlines()]
    frames = [line for line in lines if line["k"] == "f"][-40:-26]
    left = [line for line in lines if line not in frames]
    left[-1]["dropped"] = len(lines) - len(left)
    packed.write_bytes(zstandard.compress(b"".join(json.dumps(line).encode() + b"\n" for line in left)))
    answer = told(tmp_path / "holes", capsys)
    assert answer["dropped"] == len(lines) - len(left) == 14
    assert answer["missing"][0].startswith("14 lines were dropped while it was recorded, nobody knows where")
    radar(tmp_path / "holes", None, as_json=False)
    assert "MISSING     14 lines were dropped" in capsys.readouterr().out


def test_a_run_over_a_book_that_stood_still_ends_when_that_is_old() -> None:
    """Euros say nothing for an hour on a connection that lives: the run ends after `fresh_s`, nothing is observed until
    they come again, and one over a book that was only quiet tells how old that became.
    """
    found = Radar(ROUTE, BARS, FRESH_S)
    seen(edge(), found, "0")
    for second in range(7, 3600, 7):
        found.take(BookSeen(edge()[0], 1), at(f"{second}"))
        found.take(BookSeen(DEEP_FX, 1), at(f"{second}.5"))
    assert found.figures()["observed_s"] == FRESH_S
    seen(no_edge(), found, "3600")
    seen(edge(), found, "3601")
    seen(no_edge(), found, "3603")
    found.close()
    assert [(run.lasted_s, run.oldest_book_s) for run in found.newest] == [(FRESH_S, FRESH_S), (D(2), D(2))]
    assert {row["oldest_book_s"] for row in found.figures()["tiers"]} == {FRESH_S}
    assert found.figures()["observed_s"] == FRESH_S + 3
    assert found.gaps == 0


def test_a_quiet_book_that_rest_vouches_for_counts() -> None:
    """The same one by REST is fresh again, as it is to a daemon; another one is not, nor does it bring back what is
    old. How long it stood unchanged is told all the same.
    """
    usd, eur, fx = edge()
    for vouched_by, lasted in ((eur, D(14)), (Book(EUR, 2, eur.bids, eur.asks), FRESH_S)):
        found = Radar(ROUTE, BARS, FRESH_S)
        seen([usd, eur, fx], found, "0")
        found.take(BookFetched(1, vouched_by), at("6"))
        seen([usd, fx], found, "9")
        seen([usd, fx], found, "14")
        found.close()
        found.take(BookFetched(2, eur), at("17"))
        assert [(run.lasted_s, run.oldest_book_s) for run in found.newest] == [(lasted, lasted)]
        assert found.figures()["observed_s"] == (D(16) if lasted == 14 else FRESH_S)


def test_a_book_just_as_old_as_is_fresh_counts() -> None:
    """The bound itself is fresh, as it is to a daemon; a nanosecond more is not."""
    for late_ns, ended in ((0, 0), (1, 1)):
        found = Radar(ROUTE, BARS, FRESH_S)
        seen(edge(), found, "0")
        found.take(BookSeen(edge()[0], 1), Moment(int(FRESH_S) * 10**9 + late_ns, 1_790_000_000_000_000))
        assert (found.figures()["observed_s"], len(found.newest)) == (FRESH_S, ended)


def test_what_is_no_recording_is_one_line(tmp_path: Path) -> None:
    """A directory without a header, and a recording without books: exit 2."""
    (tmp_path / "empty").mkdir()
    shutil.copy(GOLDEN / "header.json", tmp_path / "empty")
    for directory, words in ((tmp_path, "no recording"), (tmp_path / "empty", "holds no books")):
        with pytest.raises(Failure, match=words) as caught:
            radar(directory, None, as_json=True)
        assert caught.value.code is ExitCode.USAGE


class Page(HTMLParser):
    """What a page refers to, and which scripts it has."""

    def __init__(self) -> None:
        super().__init__()
        self.outside: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.outside += [value or "" for name, value in attrs if name in ("src", "href", "action")]


def test_the_page_needs_nothing_beside_it(tmp_path: Path) -> None:
    """Three pictures and the table; no script, no reference, and hostile text is text."""
    found = Radar(ROUTE, BARS, FRESH_S)
    seen(no_edge(), found, "0")
    for second in range(1, 400, 2):
        seen(edge(), found, f"{second}")
        seen(no_edge(), found, f"{second + D(second) / 500:f}")
    about = {"source": HOSTILE, "mode": "paper", "recorded_by": "0.1.0"} | kept(Watched(1, 2, False))
    write_page(tmp_path / "radar.html", about | figures(found, ROUTE))
    text = (tmp_path / "radar.html").read_text()
    page = Page()
    page.feed(text)
    assert page.outside == []
    assert "script" not in page.tags
    assert page.tags.count("svg") == 3
    assert page.tags.count("circle") == 200
    assert "&lt;script&gt;" in text
    assert "2 lines were dropped while it was recorded" in text
    assert "cut off before its end" in text
    empty = Radar(ROUTE, BARS, FRESH_S)
    write_page(tmp_path / "none.html", about | figures(empty, ROUTE))
    assert "no run at any tier" in (tmp_path / "none.html").read_text()
    with pytest.raises(Failure, match="--html"):
        write_page(tmp_path / "nowhere" / "x.html", about | figures(empty, ROUTE))
