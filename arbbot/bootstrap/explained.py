"""The answer of `arbbot explain`: when it was decided and on what, its orders, its money, and every record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from arbbot.bootstrap.anatomy import Made, Order, made, orders
from arbbot.bootstrap.chronicle import words
from arbbot.bootstrap.summary import plain
from arbbot.domain.market import Route
from arbbot.domain.records import ConversionOpened, HedgeOpened, RefusalsCounted
from arbbot.journal.sqlite import Line
from arbbot.telemetry.utc import utc_text


@dataclass(frozen=True, slots=True)
class Declined:
    """What was refused between two counts of the journal, the later of them after a decision."""

    from_us: int | None
    """None for the first count of the journal."""
    until_us: int
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Explained:
    """A hedge or conversion, as far as the journal goes."""

    about: Sequence[Line]
    """Its own lines, oldest first; the first is the decision."""
    declined: Declined | None
    """None where the process ended before it counted."""
    route: Route

    @classmethod
    def of(cls, about: Sequence[Line], journal: Sequence[Line], route: Route) -> Explained:
        """From its lines and the whole journal's."""
        return cls(about, _declined(about[0], journal), route)

    @property
    def orders(self) -> tuple[Order, ...]:
        """Its orders against the decision."""
        return orders([line.record for line in self.about])

    @property
    def made(self) -> Made | None:
        """What a settled hedge made, and why."""
        return made([line.record for line in self.about], self.route)

    def books(self) -> dict[str, str]:
        """When the venue stamped the books that were decided on."""
        opened = self.about[0].record
        if isinstance(opened, HedgeOpened):
            stamps = zip(self.route.symbols, opened.book_microtimestamps, strict=True)
            return {symbol: utc_text(stamp) for symbol, stamp in stamps}
        if isinstance(opened, ConversionOpened):
            return {opened.market: utc_text(opened.book_microtimestamp)}
        return {}

    def answer(self) -> dict[str, Any]:
        """For programs: money as Decimal, absent figures as None."""
        settled, declined = self.made, self.declined
        return {
            "decided_utc": utc_text(self.about[0].utc_us),
            "books_utc": self.books(),
            "declined_before": None if declined is None else {
                "from_utc": None if declined.from_us is None else utc_text(declined.from_us),
                "until_utc": utc_text(declined.until_us),
                "counts": dict(declined.counts),
            },
            "orders": [dataclasses.asdict(order) for order in self.orders],
            "made": None if settled is None else {
                "expected_pnl": settled.expected,
                "realised_pnl": settled.realised,
                "main_cause": None if settled.main is None else settled.main.name,
                "causes": [dataclasses.asdict(cause) for cause in settled.causes],
            },
            "records": [
                {"seq": line.seq, "after_ms": self._after_ms(line), "kind": line.record.kind}
                | dataclasses.asdict(line.record)
                for line in self.about
            ],
        }  # fmt: skip

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"decided     {utc_text(self.about[0].utc_us)}"
        for symbol, stamp in self.books().items():
            yield f"book        {symbol} of {stamp}"
        if self.declined is not None:
            yield f"declined    {_declined_words(self.declined)}"
        yield from (_order_words(order) for order in self.orders)
        if self.made is not None:
            yield from _made_words(self.made, self.route.numeraire)
        yield ""
        for line in self.about:
            first, *more = words(line.record, self.route)
            yield f"{self._after_ms(line):12.3f} ms  {line.record.kind:15} {first}"
            yield from (f"{'':33}{text}" for text in more)

    def _after_ms(self, line: Line) -> Decimal:
        return Decimal(line.utc_us - self.about[0].utc_us) / 1000


def _declined(decision: Line, journal: Sequence[Line]) -> Declined | None:
    """The journal counts refusals about once a minute: the count that a decision falls into."""
    before_us = None
    for line in journal:
        if not isinstance(line.record, RefusalsCounted):
            continue
        if line.seq > decision.seq:
            return Declined(before_us, line.utc_us, line.record.counts)
        before_us = line.utc_us
    return None


def _declined_words(declined: Declined) -> str:
    counts = ", ".join(f"{name} {count}" for name, count in declined.counts)
    begun = "the journal's beginning" if declined.from_us is None else utc_text(declined.from_us)
    return f"{counts}; counted from {begun} to {utc_text(declined.until_us)}"


def _order_words(order: Order) -> str:
    decided = "" if order.decided is None else f", decided at {plain(order.decided)}"
    limit = "" if order.limit is None else f", limit {plain(order.limit)}"
    name = order.client_order_id
    asked = f"{order.purpose} {name}: {order.side} {plain(order.size)} on {order.market} ({order.kind}){decided}{limit}"
    if order.average is None:
        return f"order       {asked}; nothing filled"
    slip = "" if order.slippage_bps is None else f", slippage {order.slippage_bps:+} bp"
    return f"order       {asked}; filled {plain(order.filled)} at an average of {plain(order.average)}{slip}"


def _made_words(made: Made, unit: str) -> Iterator[str]:
    difference = made.realised - made.expected
    lost = ", a LOSS" if made.realised < 0 else ""
    yield f"made        {made.realised:.4f} {unit}{lost}; expected {made.expected:.4f}, difference {difference:+.4f}"
    if made.main is not None:
        yield f"cause       {made.main.words}: {made.main.worth:+.4f} {unit}"
    yield "            " + ", ".join(f"{cause.name} {cause.worth:+.4f}" for cause in made.causes)
