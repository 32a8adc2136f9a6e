"""Files and credentials that hold secrets, and the refusal of places where others could read them."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings.checks import is_loopback
from arbbot.settings.errors import SettingsError
from arbbot.settings.model import Settings
from arbbot.telemetry.redact import SECRET_CHARS_MIN

SECRET_FILE_BYTES_MAX = 4096
CREDENTIALS = "CREDENTIALS_DIRECTORY"
"""Where systemd puts the files named by `LoadCredential=`."""
ALERTS_CREDENTIAL = "alerts_url"
OTHERS = 0o007
GROUP_AND_OTHERS = 0o077


def read_credential(path: Path) -> str:
    """The text of a file that systemd handed over. Raises SettingsError, code SECRET."""
    # systemd lets a service user in by an access list, which shows as group bits
    return _read(f"${CREDENTIALS}", path, OTHERS)


def _read(key: str, path: Path, forbidden: int) -> str:
    """A secret file's text. Looked at and read through one descriptor, so what was checked is what is read."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise refused(f"{key}: {path}: {error.strerror}") from error
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise refused(f"{key}: {path}: not a file")
        if mode & forbidden:
            raise refused(f"{key}: {path}: others may read it; chmod 600 it")
        return os.read(descriptor, SECRET_FILE_BYTES_MAX + 1).decode("ascii")
    except UnicodeDecodeError:
        raise refused(f"{key}: {path}: holds something else than a key") from None
    finally:
        os.close(descriptor)


def read_secret_file(key: str, path: Path) -> str:
    """The text of a file that only its owner may read. Raises SettingsError, code SECRET, naming the setting."""
    return _read(key, path, GROUP_AND_OTHERS)


def read_alerts_url(settings: Settings, environ: Mapping[str, str] | None = None) -> SecretStr | None:
    """The webhook's address, from the settings, the file they name, or systemd's credentials; None where there is none.

    Raises SettingsError, code SECRET, where it is unreadable, open to others, or no address.
    """
    alerts = settings.alerts
    credentials = (os.environ if environ is None else environ).get(CREDENTIALS)
    credential = None if credentials is None else Path(credentials) / ALERTS_CREDENTIAL
    if alerts.url is not None:
        return _address("alerts.url", alerts.url.get_secret_value())
    if alerts.url_file is not None:
        return _address("alerts.url_file", _read("alerts.url_file", alerts.url_file, GROUP_AND_OTHERS))
    if credential is not None and credential.exists():
        return _address(str(credential), read_credential(credential))
    return None


def _address(place: str, text: str) -> SecretStr:
    """An address that may be posted to: encrypted, or on this machine. What it is is never shown."""
    bare = text.strip()
    try:
        parts = urlsplit(bare)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    plain = parts.scheme == "http" and is_loopback(host)
    if (
        not host
        or not bare.isascii()
        or not bare.isprintable()
        or " " in bare
        or not (parts.scheme == "https" or plain)
    ):
        raise refused(f"{place}: want https://..., or http:// to an address of this machine")
    return SecretStr(bare)


def sound_key(place: str, text: str) -> SecretStr:
    """A key or secret as the venue makes them. Raises SettingsError, code SECRET, where it cannot be one."""
    bare = text.strip()
    if not (SECRET_CHARS_MIN <= len(bare) <= SECRET_FILE_BYTES_MAX and bare.isascii() and bare.isalnum()):
        raise refused(f"{place}: not a key: want {SECRET_CHARS_MIN} or more letters and digits, nothing else")
    return SecretStr(bare)


def refuse_readable(path: Path) -> None:
    """Refuse a file that holds a secret and that group or others may read. Raises SettingsError, code SECRET."""
    if path.stat().st_mode & GROUP_AND_OTHERS:
        raise refused(f"{path}: holds a key and others may read it; chmod 600 it")


def refused(problem: str) -> SettingsError:
    """The error of a secret that cannot be had or used."""
    return SettingsError(ExitCode.SECRET, [problem])
