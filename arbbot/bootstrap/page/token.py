"""The page's token: from the file that the settings name, or from one that the daemon makes for itself."""

from __future__ import annotations

import os
import secrets  # noqa: TID251 - a token must not be guessable
from pathlib import Path

from pydantic import SecretStr

from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings import Settings, read_secret_file

CHARS_MIN = 32
TOKEN_BYTES = 32
FILE_NAME = "page.token"


def token_file(settings: Settings) -> Path:
    """Where the token lies."""
    return settings.dashboard.token_file or settings.state_dir / FILE_NAME


def read_token(settings: Settings) -> SecretStr:
    """The token. Raises Failure (SECRET) where it is missing, short, or open to others."""
    path = token_file(settings)
    text = read_secret_file("dashboard.token_file", path).strip()
    if len(text) < CHARS_MIN or not text.isascii() or not text.isprintable() or " " in text:
        raise Failure(ExitCode.SECRET, f"dashboard.token_file: {path}: want {CHARS_MIN} or more characters on one line")
    return SecretStr(text)


def made_token(settings: Settings) -> SecretStr:
    """The token, made first where the settings name no file and there is none yet. Raises as `read_token`."""
    path = token_file(settings)
    if settings.dashboard.token_file is None:
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        except FileExistsError:
            pass
        except OSError as error:
            raise Failure(ExitCode.SECRET, f"{path}: {error.strerror}") from error
        else:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(secrets.token_urlsafe(TOKEN_BYTES) + "\n")
    return read_token(settings)
