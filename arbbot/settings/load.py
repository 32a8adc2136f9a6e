"""Reads the sources of the settings, strongest first: command line, environment, `.env`, settings file, defaults."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import takewhile
from pathlib import Path
from typing import Any

import pydantic_settings
from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings.errors import SettingsError
from arbbot.settings.model import Settings
from arbbot.settings.options import RunMode
from arbbot.settings.problems import Location, known_keys, nearest, problem_lines
from arbbot.settings.secrets import refuse_readable

DEFAULT_FILE = Path("settings.toml")
DOTENV_FILE = Path(".env")
PREFIX = "ARBBOT_"
FILE_VARIABLE = "ARBBOT_SETTINGS"
_DEFAULT = "default"
VAULT = "keys.vault"
HELD_SECRETS = ("key_id", "secret", "token", "secret_id")
"""Settings of `keys` that are secret themselves, in whichever of its tables."""
_NOT_JSON = """a table or list is written as JSON, as in [{"count": 400, "seconds": 1}]"""

Tree = dict[str, Any]
_DEFAULTS = Settings()


@dataclass(frozen=True, slots=True)
class Source:
    """What one place says, as a tree of sections and keys."""

    name: str
    tree: Tree
    variables: bool = False
    """True where keys are written as variable names."""

    def says(self, location: Location) -> bool:
        """True when this source sets the key (or something in it)."""
        node: Any = self.tree
        for step in location:
            if not isinstance(node, dict):
                return True
            if step not in node:
                return False
            node = node[step]
        return True

    def changes(self, location: Location) -> bool:
        """True when this source gives the key another value than its default."""
        given: Any = self.tree
        usual: Any = _DEFAULTS
        for step in location:
            given, usual = given[step], getattr(usual, str(step))
        if isinstance(usual, Decimal | int) and not isinstance(usual, bool):
            return Decimal(str(given)) != usual
        return str(given) != ("" if usual is None else str(usual))

    def place(self, location: Location) -> str:
        """`settings.toml: trade.weight_percent`, or the same as this source's readers know it."""
        words = [str(step) for step in location]
        if self.variables:
            key = list(takewhile(lambda step: isinstance(step, str), location))
            inside = ".".join(words[len(key) :])
            return f"{self.name}: {PREFIX}{'__'.join(map(str, key)).upper()}{inside and f', {inside}'}"
        return f"{self.name}: {'.'.join(words)}"


@dataclass(frozen=True, slots=True)
class Sources:
    """All sources, strongest first."""

    layers: tuple[Source, ...]

    def origin(self, location: Location) -> Source | None:
        """The strongest source that sets a key; None for the default."""
        return next((source for source in self.layers if source.says(location)), None)

    def origin_name(self, location: Location) -> str:
        """Its name, for people."""
        source = self.origin(location)
        return _DEFAULT if source is None else source.name

    def place(self, locations: Sequence[Location]) -> str:
        """Where the key to blame is set: of several, one that differs from its default, by the strongest source."""
        set_by = [(source, location) for location in locations if (source := self.origin(location)) is not None]
        if len(locations) > 1:
            set_by.sort(key=lambda found: (not found[0].changes(found[1]), self.layers.index(found[0])))
        if set_by:
            source, location = set_by[0]
            return source.place(location)
        return Source(_DEFAULT, {}).place(locations[0])

    def settings(self, *, live_switch: bool = True) -> Settings:
        """Merge, validate and cross-check; live mode wants its second switch, but where nothing is to be traded
        (`live_switch` False). Raises SettingsError with one line per problem.
        """
        merged: Tree = {}
        for source in reversed(self.layers):
            merged = _merged(merged, source.tree)
        try:
            settings = Settings(**merged)
        except ValidationError as error:
            raise SettingsError(ExitCode.SETTINGS, problem_lines(error, self.place)) from None
        if live_switch and settings.mode is RunMode.LIVE and settings.live.i_understand_real_money != "yes":
            place = self.place([("live", "i_understand_real_money")])
            raise SettingsError(ExitCode.LIVE_SWITCH, [f'{place}: live mode trades real money and wants "yes" here'])
        return settings


def load(path: Path | None = None, mode: str | None = None, *, live_switch: bool = True) -> Settings:
    """The settings in force. `path` and `mode` are the command line's word; `live_switch` as in `Sources.settings`.
    Raises SettingsError.
    """
    return read_sources(path, mode).settings(live_switch=live_switch)


def in_force(path: Path | None = None) -> dict[str, dict[str, Any]]:
    """Every setting as `{key: {value, from}}`, keys masked. Raises SettingsError."""
    sources = read_sources(path)
    shown: Any = sources.settings().model_dump(mode="json")
    found: dict[str, dict[str, Any]] = {}
    for key in known_keys():
        location = tuple(key.split("."))
        value = shown
        for step in location:
            value = value[step]
        found[key] = {"value": value, "from": sources.origin_name(location)}
    return found


def read_sources(
    path: Path | None = None, mode: str | None = None, environ: Mapping[str, str] | None = None
) -> Sources:
    """Read every source without judging the whole yet. Raises SettingsError for what cannot be read at all."""
    environ = os.environ if environ is None else environ
    layers = [Source("--mode", {} if mode is None else {"mode": mode})]
    layers.append(_variables("environment", environ))
    layers.append(_dotenv())
    if path is None and environ.get(FILE_VARIABLE):
        path = Path(environ[FILE_VARIABLE])
    if path is not None or DEFAULT_FILE.exists():
        layers.append(_file(path or DEFAULT_FILE))
    return Sources(tuple(layers))


class _Variables(EnvSettingsSource):
    """Variables as pydantic-settings reads them, from any mapping."""

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in variables.items()}
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return self._given


def _variables(name: str, variables: Mapping[str, str]) -> Source:
    ours = {key: value for key, value in variables.items() if key.upper().startswith(PREFIX)}
    ours.pop(FILE_VARIABLE, None)
    heads = {key: key[len(PREFIX) :].lower().split("__")[0] for key in ours}
    unknown = sorted(key for key, head in heads.items() if head not in Settings.model_fields)
    if unknown:
        raise SettingsError(
            ExitCode.SETTINGS,
            [
                f"{name}: {key}: no such setting{nearest(key.upper(), (heads[key],), prefix=PREFIX, joint='__')}"
                for key in unknown
            ],
        )
    try:
        return Source(name, _Variables(ours)(), variables=True)
    except pydantic_settings.SettingsError:
        raise SettingsError(ExitCode.SETTINGS, [f"{name}: {key}: {_NOT_JSON}" for key in _unreadable(ours)]) from None


def _unreadable(variables: Mapping[str, str]) -> Iterator[str]:
    """Which of them are to be JSON and are not."""
    for key, text in variables.items():
        try:
            _Variables({key: text})()
        except pydantic_settings.SettingsError:
            yield key


def _dotenv() -> Source:
    if not DOTENV_FILE.is_file():
        return Source(str(DOTENV_FILE), {})
    try:
        values = dotenv_values(DOTENV_FILE, interpolate=False)
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(ExitCode.SETTINGS, [f"{DOTENV_FILE}: {_reason(error)}"]) from None
    source = _variables(str(DOTENV_FILE), {key: value or "" for key, value in values.items()})
    if _secrets_of(source):
        refuse_readable(DOTENV_FILE)
    return source


def _file(path: Path) -> Source:
    try:
        tree = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
    except OSError as error:
        raise SettingsError(ExitCode.SETTINGS, [f"{path}: {_reason(error)}"]) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(ExitCode.SETTINGS, [f"{path}: not TOML: {_reason(error)}"]) from None
    source = Source(str(path), tree)
    held = _secrets_of(source)
    if held:
        problem = f"{path}: {held[0]}: {held[1]} in this file; name files, or use the environment"
        raise SettingsError(ExitCode.SECRET, [problem])
    return source


def _secrets_of(source: Source) -> tuple[str, str] | None:
    """The section of a secret that a source holds, and what is wrong with that where others may read it."""
    section = _keys_in(source.tree.get("keys"), "keys")
    if section is not None:
        return (section, f"{'token and secret id' if section == VAULT else 'key and secret'} do not belong")
    alerts = source.tree.get("alerts")
    if isinstance(alerts, dict) and alerts.get("url"):
        return ("alerts", "the webhook's url is a secret and does not belong")
    return None


def _keys_in(table: Any, name: str) -> str | None:
    """The first table of keys, of all roles, that holds one itself."""
    if not isinstance(table, dict):
        return None
    if any(table.get(key) for key in HELD_SECRETS):
        return name
    return next((found for key, inner in table.items() if (found := _keys_in(inner, f"{name}.{key}"))), None)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 at byte {error.start}"
    return str(error)


def _merged(weak: Tree, strong: Tree) -> Tree:
    """Tables are merged key by key, everything else is replaced."""
    merged = dict(weak)
    for key, value in strong.items():
        held = merged.get(key)
        merged[key] = _merged(held, value) if isinstance(held, dict) and isinstance(value, dict) else value
    return merged
