"""The names of all alerts the program can raise, read off its sources, with how loud each is.

The engine raises one by `core.alert(severity, name, text)`, others make an `AlertRaised`. The name is a x"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from arbbot.domain.mode import Mode, Severity

SOURCES = Path(__file__).parents[1] / "arbbot"
ENGINE = SOURCES / "engine"
FORWARDS = {"_tell": Severity.CRITICAL}
"""Functions of the engine that take a name and hand it to `alert`, and how loud they are."""
MODE_CHANGE = "f'mode_{mode}'"
"""One alert for each mode; moving to ACTIVE is a notice, to any other critical."""


def alerts() -> dict[str, tuple[Severity, ...]]:
    """Every alert by name, sorted. Raises ValueError for a name that cannot be read."""
    found: dict[str, set[Severity]] = {}
    for path in sorted(SOURCES.rglob("*.py")):
        text = path.read_text()
        if not (path.is_relative_to(ENGINE) or "AlertRaised" in text):
            continue
        for call, forwarding in _calls(ast.parse(text, str(path))):
            for name, severity in _raised(call, path, forwarding=forwarding):
                found.setdefault(name, set()).add(severity)
    return {name: tuple(sorted(severities)) for name, severities in sorted(found.items())}


def _calls(tree: ast.Module) -> Iterator[tuple[ast.Call, bool]]:
    """Every call, and whether it stands in a function that only forwards a name."""
    forwarding = {
        id(inner)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name in ("alert", *FORWARDS)
        for inner in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield (node, id(node) in forwarding)


def _raised(call: ast.Call, path: Path, *, forwarding: bool) -> Iterator[tuple[str, Severity]]:
    called = ast.unparse(call.func).rpartition(".")[2]
    of_engine = path.is_relative_to(ENGINE)
    if forwarding or called not in ("alert", "AlertRaised", *FORWARDS) or not (of_engine or called == "AlertRaised"):
        return
    if called in FORWARDS:
        yield from ((name, FORWARDS[called]) for name in _names(call.args[0], path))
    elif ast.unparse(call.args[1]) == MODE_CHANGE:
        yield from ((f"mode_{mode}", _of_mode(mode)) for mode in Mode)
    else:
        yield from ((name, _severity(call.args[0], path)) for name in _names(call.args[1], path))


def _of_mode(mode: Mode) -> Severity:
    return Severity.NOTICE if mode is Mode.ACTIVE else Severity.CRITICAL


def _names(node: ast.expr, path: Path) -> tuple[str, ...]:
    match node:
        case ast.Constant(value=str(name)):
            return (name,)
        case ast.IfExp(body=ast.Constant(value=str(one)), orelse=ast.Constant(value=str(other))):
            return (one, other)
    raise ValueError(f"{path}:{node.lineno}: no literal name of an alert: {ast.unparse(node)}")


def _severity(node: ast.expr, path: Path) -> Severity:
    match node:
        case ast.Attribute(value=ast.Name(id="Severity"), attr=name):
            return Severity[name]
    raise ValueError(f"{path}:{node.lineno}: no literal severity of an alert: {ast.unparse(node)}")
