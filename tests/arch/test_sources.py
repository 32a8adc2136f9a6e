"""House rules that no linter knows, read off the syntax trees of the sources."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE_IMPORTS = {
    "__future__", "bisect", "collections", "collections.abc", "dataclasses", "decimal", "enum", "functools",
    "hashlib", "heapq", "itertools", "json", "operator", "re", "types", "typing",
}  # fmt: skip
IMPURE_NAMES = {"open", "print", "input", "exec", "eval", "compile", "id", "hash", "float", "breakpoint", "globals"}
MONEY_WORDS = re.compile(r"(btc|usd|usdt|eur){1,2}")
SPELLS_NO_MARKET = ("domain", "engine", "runtime", "journal", "telemetry", "bitstamp")
VENUE_SPELLINGS = {"eur_usd": "the venue's conversion-rate endpoint is called so, whatever the route"}
VAGUE = {"info", "manager", "helper", "helpers", "utils", "util"}
VAGUE_ALONE = {"data", "handler"}  # parts of the venue's names, and of aiohttp's
SKIPPED_FOLDERS = {".git", ".venv", ".hypothesis", "state", "dist", "htmlcov", "node_modules", "__pycache__"}
FOREIGN = re.compile(  # written in halves, or this file would name what it forbids
    "|".join(
        (r"python" + r"hosted", r"py" + r"pi\.org", r"(?<![\w.])/(work|root|home)" + r"/\w", r"PRIVATE" + r" KEY-----")
    )
)
SECRET_FILES = re.compile(r"(^|/)(\.env|.*\.pem|.*\.key|id_(rsa|ed25519))$")


def sources(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    """Every Python file under the folders, parsed, with its path relative to the project."""
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text(), str(path))


def project_files() -> Iterator[Path]:
    """Every text file of the project that is not made by running it."""
    for path in sorted(ROOT.rglob("*")):
        inner = path.relative_to(ROOT).parts
        made = any(part in SKIPPED_FOLDERS or part.endswith(("_cache", ".egg-info")) for part in inner[:-1])
        if path.is_file() and not made:
            yield path


def docstrings(tree: ast.Module) -> set[int]:
    """Node ids of the strings that only explain: docstrings and strings below attributes."""
    return {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }


def purity_sins(tree: ast.Module) -> Iterator[str]:
    """What in a module could see the clock, chance, the outside or a binary float."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name not in PURE_IMPORTS and not alias.name.startswith("arbbot."):
                    yield f"{node.lineno}: import {alias.name}"
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level or (module not in PURE_IMPORTS and not module.startswith("arbbot.")):
                yield f"{node.lineno}: from {module} import"
        elif isinstance(node, ast.Name) and node.id in IMPURE_NAMES:
            yield f"{node.lineno}: {node.id}"
        elif isinstance(node, ast.Constant) and isinstance(node.value, float):
            yield f"{node.lineno}: the binary float {node.value}"
        elif isinstance(node, ast.AsyncFunctionDef | ast.Await):
            yield f"{node.lineno}: {type(node).__name__}"


def market_spellings(tree: ast.Module) -> Iterator[str]:
    """String literals that name an asset or a market of one route."""
    explains = docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explains:
            text = node.value.lower()
            for allowed in VENUE_SPELLINGS:
                text = text.replace(allowed, "")
            if any(MONEY_WORDS.fullmatch(word) for word in re.split(r"[^a-z]+", text)):
                yield f"{node.lineno}: {node.value!r}"


def complaints(check: object, *folders: str) -> list[str]:
    """Every sin found under the folders, each with its place."""
    assert callable(check)
    return [f"{path}:{sin}" for path, tree in sources(*folders) for sin in check(tree)]


@pytest.mark.parametrize(
    "sinner",
    [
        "import time",
        "from datetime import datetime",
        "import random, decimal",
        "import asyncio",
        "import logging",
        "from uuid import uuid4",
        "import os.path",
        "from . import money",
        "import orjson",
        "x = float('1')",
        "x = 0.1",
        "open('x')",
        "async def f(): pass",
        "def key(x): return hash(x)",
    ],
)
def test_the_purity_check_sees_each_sin(sinner: str) -> None:
    """Clock, chance, outside, foreign packages and binary floats are each noticed."""
    assert list(purity_sins(ast.parse(sinner)))


def test_values_and_decisions_are_pure() -> None:
    """Domain and engine import only the quiet part of the standard library and never use a binary float."""
    assert complaints(purity_sins, "arbbot/domain", "arbbot/engine") == []


@pytest.mark.parametrize("sinner", ["'btcusd'", "f'order_book_{x}_eur'", "'BTC'", "('a', 'usdt')", "'eurusd'"])
def test_the_market_check_sees_each_spelling(sinner: str) -> None:
    """A route spelled out in code is noticed, in any case and inside a longer name."""
    assert list(market_spellings(ast.parse(f"x = {sinner}")))


@pytest.mark.parametrize("innocent", ["'measure'", "'neurons'", "'/api/v2/eur_usd/'"])
def test_the_market_check_knows_other_words(innocent: str) -> None:
    """Words that merely contain those letters, and the venue's own endpoint names, are no complaint."""
    assert not list(market_spellings(ast.parse(f"x = {innocent}")))


def test_no_route_is_spelled_below_the_settings() -> None:
    """Which asset and which markets are traded is the settings' word alone."""
    assert complaints(market_spellings, *(f"arbbot/{name}" for name in SPELLS_NO_MARKET)) == []


def test_every_test_states_its_promise() -> None:
    """Every test function has a docstring."""
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in sources("tests")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]
    assert silent == []


def test_files_and_functions_stay_small() -> None:
    """No source file has more than 400 lines, no function more than 60."""
    long_files = [str(path) for path, _ in sources("arbbot") if len((ROOT / path).read_text().splitlines()) > 400]
    long_functions = [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in sources("arbbot")
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 > 60
    ]
    assert long_files + long_functions == []


def test_names_say_something() -> None:
    """No module, class or function is named by one of the words that could mean anything."""
    vague = []
    for path, tree in sources("arbbot"):
        names = [(1, path.stem)] + [
            (node.lineno, node.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        ]
        for line, name in names:
            words = re.findall(r"[a-z]+", re.sub(r"([A-Z])", r"_\1", name).lower())
            if VAGUE & set(words) or set(words) <= VAGUE_ALONE or words[:1] in (["process"], ["do"]):
                vague.append(f"{path}:{line} {name}")
    assert vague == []


def test_the_project_names_no_machine_and_no_secret() -> None:
    """No file names a package host or a path of the machine it was written on; none is or holds a private key."""
    found = [str(path) for path in project_files() if SECRET_FILES.search(str(path.relative_to(ROOT)))]
    for path in project_files():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if hit := FOREIGN.search(text):
            found.append(f"{path.relative_to(ROOT)}: {hit.group()}")
    assert found == []
