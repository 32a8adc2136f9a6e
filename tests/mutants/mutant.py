"""A mutant: the promise it breaks, the exact change of the source that breaks it, and where it is hunted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.mutants.grounds import CORE, Ground


class Stale(Exception):
    """A mutant that does not fit the source any more, or no longer makes a program: mend the mutant."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One fragment and what stands in its stead. It must stand in the file exactly once."""

    file: str
    """Below the package."""
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A way to be wrong. Several edits where the program guards a promise twice."""

    promise: str
    """The invariant that it breaks."""
    name: str
    breaks: str
    """What goes wrong, in plain words."""
    edits: tuple[Edit, ...]
    ground: Ground


def mutant(
    promise: str, name: str, breaks: str, edit: Edit | tuple[str, str, str], *more: Edit, hunted: Ground = CORE
) -> Mutant:
    """Shorter to write in the lists."""
    first = edit if isinstance(edit, Edit) else Edit(*edit)
    return Mutant(promise, name, breaks, (first, *more), hunted)


def order(each: Mutant) -> tuple[bool, int, str]:
    """Safety before liveness, each by number; the risk limits (R), which have none, between them."""
    return (each.promise[0] == "L", int(each.promise[1:] or "99"), each.name)


def mutated(each: Mutant, package: Path) -> dict[str, str]:
    """The changed files of a package, by their path below it. Raises Stale."""
    texts: dict[str, str] = {}
    for edit in each.edits:
        text = texts.get(edit.file) or (package / edit.file).read_text()
        found = text.count(edit.old)
        if found != 1:
            raise Stale(f"{each.name}: {edit.file} has this {found} times, not once: {edit.old!r}")
        texts[edit.file] = text.replace(edit.old, edit.new)
    for file, text in texts.items():
        try:
            compile(text, file, "exec")
        except SyntaxError as error:
            raise Stale(f"{each.name}: {file} is no program any more: {error}") from error
    return texts
