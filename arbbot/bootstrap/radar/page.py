"""`arbbot radar --html FILE`: one page with its pictures that needs nothing beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from arbbot import __version__
from arbbot.bootstrap.radar.plots import edges_over_time, length_against_edge, runs_by_tier
from arbbot.bootstrap.summary import plain
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure

STYLE_OF = "arbbot.bootstrap.written_report"
"""Both written reports look alike."""


def write_page(path: Path, answer: dict[str, Any]) -> None:
    """Write it. Raises Failure (USAGE)."""
    pictures = {
        "edges": edges_over_time(answer),
        "runs": runs_by_tier(answer),
        "lengths": length_against_edge(answer),
    }
    page = _TEMPLATES.get_template("radar.html").render(
        **answer,
        version=__version__,
        style=Markup(files(STYLE_OF).joinpath("report.css").read_text("utf-8")),  # noqa: S704 - our own asset
        pictures={name: Markup(drawn) for name, drawn in pictures.items()},  # noqa: S704 - numbers, drawn by us
        classes=_classes(answer["length_classes_s"]),
    )
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise Failure(ExitCode.USAGE, f"--html {path}: {error.strerror}") from error


def _classes(bounds: tuple[Decimal, ...]) -> list[str]:
    """The classes of length in words, shortest first."""
    return [*(f"below {plain(bound)} s" for bound in bounds), "longer"]


def _moment(utc_us: int | None) -> str:
    return "" if utc_us is None else datetime.fromtimestamp(utc_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _shown(value: Any) -> str:
    return "\u2013" if value is None else plain(value) if isinstance(value, Decimal) else str(value)


_TEMPLATES = Environment(
    loader=PackageLoader(__package__, ""), autoescape=True, undefined=StrictUndefined, trim_blocks=True,
    lstrip_blocks=True,
)  # fmt: skip
_TEMPLATES.filters.update(moment=_moment, shown=_shown)
