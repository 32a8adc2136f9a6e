"""How the program ends when it cannot go on for a reason the operator can mend."""

from __future__ import annotations

from arbbot.domain.exit_codes import ExitCode


class Failure(Exception):
    """One clear line for the operator, and the exit code that supervisors read. Never carries a secret."""

    def __init__(self, code: ExitCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
