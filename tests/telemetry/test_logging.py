from __future__ import annotations

import logging
from dataclasses import dataclass
from decimal import Decimal

import pytest
from structlog.typing import FilteringBoundLogger

from arbbot.domain.order import OrderState
from arbbot.telemetry.logging import ForeignWarnings, build_logger
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from tests.telemetry.conftest import IDENTITY, Pipe

SECRET = "s3cr3t/of+the=desk\\"


@pytest.fixture
def sink(pipe: Pipe) -> LineSink:
    """A sink into the pipe."""
    return LineSink(pipe.writer)


@pytest.fixture
def logger(sink: LineSink) -> FilteringBoundLogger:
    """A logger that knows one secret."""
    redactor = Redactor()
    redactor.learn(SECRET)
    return build_logger(sink, IDENTITY, redactor)


@dataclass(frozen=True)
class Nested:
    price: Decimal
    state: OrderState


def test_a_line_has_its_fixed_shape(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """Every line carries time, status, message and the identity, at the top and for Datadog under dd."""
    logger.warning("something", utc_us=1_700_000_000_123_456, hedge_id="h1")
    sink.flush()
    assert pipe.lines() == [
        {
            "timestamp": "2023-11-14T22:13:20.123456Z",
            "status": "warning",
            "message": "something",
            "hedge_id": "h1",
            "service": "arbbot",
            "env": "test",
            "version": "1.2.3",
            "venue": "bitstamp",
            "mode": "sandbox",
            "route": "btc-usd-eur",
            "dd": {"service": "arbbot", "env": "test", "version": "1.2.3"},
        }
    ]


def test_money_is_a_string_wherever_it_stands(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """Decimals stay exact and without exponent, nested or not; enums are their values."""
    logger.info("money", fee=Decimal("0E-8"), nested=(Nested(Decimal("1E+3"), OrderState.LIVE),))
    sink.flush()
    (line,) = pipe.lines()
    assert line["fee"] == "0.00000000"
    assert line["nested"] == [{"price": "1000", "state": "live"}]


def test_a_secret_never_gets_out(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """In messages, keys, nested values, exceptions and library warnings a known secret is blotted out."""
    logger.info(f"key is {SECRET}", **{SECRET: "x"}, deep={"a": [SECRET, {"b": (f"..{SECRET}..",)}]})
    logger.info("url", url="https://host/?key=s3cr3t%2Fof%2Bthe%3Ddesk%5C")
    library = logging.LogRecord("lib", logging.ERROR, "", 0, "failed with %s", (SECRET,), None)
    ForeignWarnings(logger).emit(library)
    try:
        raise ValueError(f"bad signature for {SECRET}")
    except ValueError:
        logger.exception("signing failed")
    sink.flush()
    output = pipe.read()
    assert output.count(b"\n") == 4
    assert output.count(b"[secret]") >= 7
    assert b"s3cr3t" not in output


def test_a_traceback_shows_no_local_variables(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """What a frame held when it failed stays there: even unknown secrets do not leak by a traceback."""
    held = "".join(("un", "registered"))
    try:
        raise RuntimeError("boom")
    except RuntimeError:
        logger.exception("failed")
    sink.flush()
    output = pipe.read().decode()
    assert "RuntimeError: boom" in output
    assert held not in output


def test_a_secret_too_short_to_blot_out_is_refused() -> None:
    """Blotting out a word of a few letters would hide everything; it is an error instead."""
    with pytest.raises(ValueError, match="fewer than 8"):
        Redactor().learn("abc")


def test_odd_values_still_make_a_line(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """Lone surrogates and huge integers, as a hostile frame may bring, do not lose the line."""
    logger.info("odd", text="\ud800", number=2**70)
    sink.flush()
    assert b'"number": 1180591620717411303424' in pipe.read()


def test_library_warnings_come_once_a_minute(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """A library that repeats itself gets one line, and the next one says how many were swallowed."""
    bridge = ForeignWarnings(logger)
    for second in (0, 1, 2, 59, 61):
        record = logging.LogRecord("datadog.dogstatsd", logging.WARNING, "", 0, "lost a packet", None, None)
        record.created = 1_700_000_000.0 + second
        bridge.emit(record)
    sink.flush()
    assert [(line["message"], line["swallowed"]) for line in pipe.lines()] == [
        ("lost a packet", 0),
        ("lost a packet", 3),
    ]


def test_a_broken_library_message_is_survived(logger: FilteringBoundLogger, sink: LineSink, pipe: Pipe) -> None:
    """A library whose format string does not fit its arguments still gets its line."""
    ForeignWarnings(logger).emit(logging.LogRecord("lib", logging.WARNING, "", 0, "%d of", ("x",), None))
    sink.flush()
    (line,) = pipe.lines()
    assert line["message"] == "%d of"
