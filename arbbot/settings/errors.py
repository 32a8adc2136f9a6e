"""What is wrong with the settings, in one line each."""

from __future__ import annotations

from collections.abc import Sequence

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure


class SettingsError(Failure):
    """The settings cannot be used. `problems` are lines of the form `source: key: reason`."""

    def __init__(self, code: ExitCode, problems: Sequence[str]) -> None:
        super().__init__(code, "\n".join(problems))
        self.problems = tuple(problems)


class Contradiction(ValueError):
    """Settings that are sound alone but not together; `keys` are the ones to change, the likeliest first."""

    def __init__(self, keys: Sequence[str], reason: str) -> None:
        super().__init__(reason)
        self.keys = tuple(keys)


class Contradictions(ValueError):
    """All of them that were found, for one error."""

    def __init__(self, found: Sequence[Contradiction]) -> None:
        super().__init__("; ".join(map(str, found)))
        self.found = tuple(found)


def refuse_if(broken: bool, keys: Sequence[str], reason: str) -> None:
    """Raise Contradiction where something is broken."""
    if broken:
        raise Contradiction(keys, reason)
