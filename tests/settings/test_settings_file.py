"""The settings file that comes with the project says exactly what the program does without it."""

from __future__ import annotations

import dataclasses
import itertools
import re
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

from arbbot.settings import Settings, load, rules
from arbbot.settings.problems import known_keys

FILE = Path(__file__).parents[2] / "settings.toml"


def written_keys(tree: dict[str, Any], before: str = "") -> list[str]:
    """Every key of the file, dotted, in its order."""
    keys: list[str] = []
    for name, value in tree.items():
        keys += written_keys(value, f"{before}{name}.") if isinstance(value, dict) else [f"{before}{name}"]
    return keys


def test_the_file_names_every_setting_and_no_other_in_the_order_of_the_model() -> None:
    """File and model agree on which settings there are."""
    assert written_keys(tomllib.loads(FILE.read_text())) == list(known_keys())


def test_the_file_shows_the_defaults() -> None:
    """Reading the file changes nothing: every value in it is the built-in default."""
    assert load(FILE) == Settings()


def test_every_setting_has_a_comment() -> None:
    """Each line that sets something says what it means, or stands under a line that does."""
    lines = FILE.read_text().splitlines()
    bare = [
        line
        for above, line in itertools.pairwise(lines)
        if re.match(r"\w+ = ", line) and " # " not in line and not above.startswith("# ")
    ]
    assert bare == []


def test_units_stand_in_name_or_comment() -> None:
    """A time says seconds, a rate percent, in the key itself and again where it is explained."""
    for line in FILE.read_text().splitlines():
        key, _, rest = line.partition(" = ")
        if key.endswith("_percent"):
            assert "percent" in rest, line
        if key.endswith("_s"):
            assert "second" in rest, line


def test_rules_are_the_settings_with_percent_as_fractions() -> None:
    """Every engine rule comes from the setting of its name, but for the settlement's day; percent are divided by a
    hundred, exactly.
    """
    settings = Settings()
    converted = rules(settings)
    for section in dataclasses.fields(converted):
        part, written = getattr(converted, section.name), getattr(settings, section.name)
        if part is None:
            assert written.enabled is False
            continue
        for field in dataclasses.fields(part):
            value = getattr(part, field.name)
            if field.name == "withdrawn_per_day":
                assert value == settings.settlement.max_per_day
            elif hasattr(written, f"{field.name}_percent"):
                assert value * 100 == getattr(written, f"{field.name}_percent"), field.name
            else:
                assert value == getattr(written, field.name), field.name


def test_the_figures_of_the_product_are_the_defaults() -> None:
    """The rules that the documentation promises hold without a settings file."""
    trade, hedge = rules(Settings()).trade, rules(Settings()).hedge
    assert (trade.gross_threshold, trade.net_floor, trade.max_slippage) == (
        Decimal("0.0035"),
        Decimal(0),
        Decimal("0.0005"),
    )
    assert (trade.limit_markup, trade.weight, trade.min_depth_levels) == (Decimal("0.003"), Decimal("0.05"), 20)
    assert (hedge.wait_s, hedge.force_s) == (Decimal(5), Decimal(15))
