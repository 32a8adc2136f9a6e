"""structlog as JSON lines: one shape for every line, secrets blotted out last, nothing written here and now."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from arbbot.telemetry.plain import plain
from arbbot.telemetry.redact import Redactor
from arbbot.telemetry.sink import LineSink
from arbbot.telemetry.utc import utc_text

FOREIGN_EVERY_S = 60.0
"""A library that warns for every lost packet gets one line this often."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What every log line and metric of a process carries."""

    service: str
    env: str
    version: str
    venue: str
    mode: str
    """paper, sandbox or live."""
    route: str

    def tags(self) -> dict[str, str]:
        """As constant metric tags."""
        return {name: getattr(self, name) for name in ("service", "env", "version", "venue", "mode", "route")}


class _Shape:
    """Give a line its fixed fields. They win over fields of the same name."""

    def __init__(self, identity: Identity) -> None:
        dd = {"service": identity.service, "env": identity.env, "version": identity.version}
        self._fixed = {**identity.tags(), "dd": dd}

    def __call__(self, _logger: object, status: str, event: EventDict) -> EventDict:
        utc_us = event.pop("utc_us", None)
        when = utc_text(time.time_ns() // 1000 if utc_us is None else utc_us)  # noqa: TID251 - a line of no event
        message = event.pop("event", "")
        return {"timestamp": when, "status": status, "message": message, **event, **self._fixed}


class _Clean:
    """Turn the fields plain, then blot out secrets: the last step before the bytes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def __call__(self, _logger: object, _status: str, event: EventDict) -> Mapping[str, Any]:
        cleaned = self._redactor.clean(plain(event))
        assert isinstance(cleaned, dict)
        return cleaned


def _render(_logger: object, _status: str, event: EventDict) -> bytes:
    try:
        return orjson.dumps(event)
    except TypeError:  # a lone surrogate or an integer past 64 bits: rare, and still worth its line
        return json.dumps(event).encode()


class _SinkLogger:
    """Where structlog hands a finished line."""

    def __init__(self, sink: LineSink) -> None:
        self.debug = self.info = self.warning = self.error = self.critical = sink.put


def build_logger(sink: LineSink, identity: Identity, redactor: Redactor) -> FilteringBoundLogger:
    """A logger whose lines go to the sink, from info upwards. Tracebacks are plain: no local variables."""
    logger: FilteringBoundLogger = structlog.wrap_logger(
        _SinkLogger(sink),
        processors=[
            structlog.processors.ExceptionRenderer(),
            _Shape(identity),
            _Clean(redactor),
            _render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    return logger


class ForeignWarnings(logging.Handler):
    """Warnings of libraries, which use the standard library's logging, as lines of ours; repeats are only counted."""

    def __init__(self, logger: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._logger = logger
        self._said: dict[tuple[str, int], tuple[float, int]] = {}
        """Per library logger and level: when it last got a line, and how many were swallowed since."""

    def emit(self, record: logging.LogRecord) -> None:
        """Queue the record's line, unless its logger got one of this level within the last minute."""
        level = max(known for known in (logging.WARNING, logging.ERROR, logging.CRITICAL) if known <= record.levelno)
        said_s, swallowed = self._said.get((record.name, level), (-FOREIGN_EVERY_S, 0))
        if record.created - said_s < FOREIGN_EVERY_S:
            self._said[record.name, level] = (said_s, swallowed + 1)
            return
        self._said[record.name, level] = (record.created, 0)
        try:
            text = record.getMessage()
        except (TypeError, ValueError):  # a library's format string does not fit its arguments
            text = str(record.msg)
        self._logger.log(
            level,
            text,
            kind="library",
            logger=record.name,
            swallowed=swallowed,
            exc_info=record.exc_info,
        )


def take_over_library_logs(logger: FilteringBoundLogger) -> None:
    """Send what libraries log to this logger, and nowhere else."""
    logging.getLogger().handlers[:] = [ForeignWarnings(logger)]
