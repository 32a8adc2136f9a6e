"""The parts of the reference that come from the code: settings, refusals, metrics, alerts, exit codes, verbs.

A page says `<!-- generated: NAME -->`; `make docs` puts the text of that name there. Nothing of it is kept in a file,
so nothing of it grows old.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, get_args, get_origin

import typer
from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from arbbot.cli import EXIT_CODE_MEANINGS, app, main
from arbbot.domain.exit_codes import ExitCode
from arbbot.engine.refusal import EXPLANATIONS, Refusal
from arbbot.exchange.faults import FAULTS, Stage
from arbbot.settings import Settings
from arbbot.settings.problems import known_keys
from arbbot.telemetry.manifest import MANIFEST, NAMESPACE
from docs.advice import AFTER_EXIT, AFTER_REFUSAL
from docs.alert_names import alerts

ROOT = Path(__file__).parents[1]
HELP_COLUMNS = "110"
_MARK = re.compile(r"^<!-- generated: (\w+) -->$", re.MULTILINE)
_SETTING = re.compile(r"(?P<key>\w+) = .*?(?:(?<=[\w\]\"'])\s*#\s(?P<meaning>.*))?")


def filled(page: str) -> str:
    """A page with what comes from the code put in. Raises KeyError for a name that is not known."""
    return _MARK.sub(lambda found: PARTS[found[1]](), page)


def settings() -> str:
    """Every setting by section: default, what is accepted, meaning with its unit as `settings.toml` says it."""
    meanings, sections = setting_meanings(), dict.fromkeys(key.rpartition(".")[0] for key in known_keys())
    parts: list[str] = []
    for section in sections:
        title, about = (f"[{section}]", section_meanings().get(section, "")) if section else ("General", "")
        rows = [
            (f"`{key}`", _default(key), accepted(key), meanings[key])
            for key in known_keys()
            if key.rpartition(".")[0] == section
        ]
        parts += [f"## {title}", about, _table(("setting", "default", "accepted", "meaning"), rows)]
    return "\n\n".join(part for part in parts if part)


def refusals() -> str:
    """Every refusal: its name, what it means as `arbbot why` says it, and what ends it."""
    rows = [(f"`{refusal}`", EXPLANATIONS[refusal], AFTER_REFUSAL[refusal]) for refusal in Refusal]
    return _table(("refusal", "meaning", "what ends it"), rows)


def metrics() -> str:
    """Every metric of the manifest."""
    rows = [
        (
            f"`{NAMESPACE}.{metric.name}`",
            f"{metric.type.value}{metric.unit and f', {metric.unit}'}",
            ", ".join(f"`{tag}`" for tag in metric.tags) or "-",
            metric.description,
        )
        for metric in MANIFEST.values()
    ]
    return _table(("metric", "type, unit", "tags", "meaning"), rows)


def alert_list() -> str:
    """Every alert with its severity and its page of the runbook."""
    rows = [
        (f"[{name}](../runbook/{name}.md)", " or ".join(severities), first_sentence(f"{name}.md"))
        for name, severities in alerts().items()
    ]
    return _table(("alert", "severity", "in one sentence"), rows)


def exit_codes() -> str:
    """Every exit code: its meaning, whether the systemd unit starts again after it, what to do."""
    ends = codes_not_restarted()
    rows = []
    for code in ExitCode:
        again = "-" if code in (ExitCode.OK, ExitCode.DAEMON) else "no" if code.value in ends else "yes"
        rows.append((f"{code.value}", EXIT_CODE_MEANINGS[code], again, AFTER_EXIT[code]))
    return _table(("code", "meaning", "systemd starts again", "what to do"), rows)


def verbs() -> str:
    """The help of every verb, as the program prints it."""
    return "\n\n".join(f"## {verb}\n\n```text\n{help_of(verb)}\n```" for verb in verb_names())


def faults() -> str:
    """Every fault of the built-in exchange, by what its pattern is matched with."""
    parts = []
    for stage in Stage:
        rows = [
            (f"`{name}" + "".join(f",{key}={value}" for key, value in kind.defaults.items()) + "`", kind.meaning)
            for name, kind in FAULTS.items()
            if kind.stage is stage
        ]
        parts += [STAGES[stage.value], _table(("fault", "what happens"), rows)]
    return "\n\n".join(parts)


def deployed(name: str) -> str:
    """The page that lies beside what it is about."""
    return (ROOT / "deploy" / name / "README.md").read_text()


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings,
    "refusals": refusals,
    "metrics": metrics,
    "alerts": alert_list,
    "exit_codes": exit_codes,
    "verbs": verbs,
    "faults": faults,
    "systemd": lambda: deployed("systemd"),
    "container": lambda: deployed("container"),
}
STAGES = {
    "rest": "REST: the pattern is a path below `/api/v2/`; `buy` covers `buy/market/btcusd` too",
    "frame": "WebSocket frames: the pattern is a channel, as in `order_book_btcusd` or `private-my_trades_*`",
    "subscribe": "Subscriptions: the pattern is a channel",
}


# --- what the parts are made of ---------------------------------------------------------------------------------


def verb_names() -> tuple[str, ...]:
    """Every verb of the command line; one that has verbs of its own is named with each of them."""
    return tuple(_verbs(typer.main.get_command(app)))


def _verbs(group: Any, before: str = "") -> Iterator[str]:
    for name, command in group.commands.items():
        if getattr(command, "invoke_without_command", False):
            yield f"{before}{name}"
        if hasattr(command, "commands"):
            yield from _verbs(command, f"{before}{name} ")
        else:
            yield f"{before}{name}"


def help_of(verb: str) -> str:
    """What `arbbot VERB --help` prints."""
    printed, columns = io.StringIO(), os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = HELP_COLUMNS
    try:
        with contextlib.redirect_stdout(printed):
            main([*verb.split(), "--help"])
    finally:
        if columns is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = columns
    return printed.getvalue().strip()


def codes_not_restarted() -> set[int]:
    """Exit codes after which the systemd unit leaves the daemon stopped."""
    unit = (ROOT / "deploy" / "systemd" / "arbbot.service").read_text()
    lines = re.findall(r"^RestartPreventExitStatus=(.*)$", unit, re.MULTILINE)
    return {int(word) for line in lines for word in line.split() if word.isdecimal()}


def first_sentence(page: str) -> str:
    """The paragraph below the title of a page of the runbook."""
    text = (ROOT / "docs" / "runbook" / page).read_text()
    return text.split("\n\n")[1].replace("\n", " ")


def setting_meanings() -> dict[str, str]:
    """The comment of each setting in `settings.toml`: beside it and below, or above it where there is no room."""
    meanings: dict[str, str] = {}
    section, last, above = "", "", ""
    for line in (ROOT / "settings.toml").read_text().splitlines():
        if section_line := re.match(r"\[([\w.]+)\]", line):
            section, last = f"{section_line[1]}.", ""
        elif setting_line := re.match(r"(\w+) = ", line):
            last = f"{section}{setting_line[1]}"
            meanings[last] = above or _comment(line)
        elif line.startswith("  ") and last:
            meanings[last] += " " + line.strip().removeprefix("# ")
        above = line.removeprefix("# ") if line.startswith("# ") else ""
    return meanings


def section_meanings() -> dict[str, str]:
    """The comment beside each section's name in `settings.toml`."""
    found = re.findall(r"^\[([\w.]+)\]\s*# (.*)$", (ROOT / "settings.toml").read_text(), re.MULTILINE)
    return {name: _sentence(text) for name, text in found}


def accepted(key: str) -> str:
    """What a setting takes: its bounds or its words."""
    field = _field(key)
    words = _words(field.annotation)
    if words:
        return ", ".join(f"`{word}`" for word in words)
    return ", ".join(_bounds(field.metadata)) or {"bool": "`true`, `false`"}.get(_type(field), _type(field))


def _comment(line: str) -> str:
    """What stands behind the value of a line of TOML: a `#` within a text is no comment."""
    for at in (found.start() for found in re.finditer("#", line)):
        with contextlib.suppress(tomllib.TOMLDecodeError):
            tomllib.loads(line[:at])
            return line[at + 1 :].strip()
    return ""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?")) else ".")


def _field(key: str) -> FieldInfo:
    model: Any = Settings
    *sections, name = key.split(".")
    for section in sections:
        model = model.model_fields[section].annotation
    field: FieldInfo = model.model_fields[name]
    return field


def _default(key: str) -> str:
    written: Any = tomllib.loads((ROOT / "settings.toml").read_text(), parse_float=str)
    for step in key.split("."):
        written = written[step]
    if isinstance(written, list):
        return "see below" if written else "none"
    text = str(written).lower() if isinstance(written, bool) else str(written)
    return f"`{text}`" if text else "empty"


def _words(annotation: Any) -> Sequence[str]:
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return [str(member.value) for member in annotation]
    return [str(word) for word in get_args(annotation)] if str(get_origin(annotation)) == "typing.Literal" else []


def _bounds(metadata: Iterable[Any]) -> Iterator[str]:
    for each in metadata:
        match each:
            case Ge(ge=least):
                yield f"from {least}"
            case Gt(gt=least):
                yield f"more than {least}"
            case Le(le=most):
                yield f"up to {most:,}"
            case Lt(lt=most):
                yield f"less than {most}"


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    for kind, word in (("bool", "bool"), ("Path", "path"), ("tuple", "list"), ("str", "text"), ("Secret", "secret")):
        if kind in str(annotation):
            return word
    return "number"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
