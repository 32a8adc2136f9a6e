"""Secrets never leave by a log line, wherever in it they turn up."""

from __future__ import annotations

from urllib.parse import quote

from arbbot.telemetry.plain import Plain

SECRET_CHARS_MIN = 8
"""A shorter secret would blot out ordinary words."""

BLOT = "[secret]"


class Redactor:
    """Knows the secrets of this process and blots them out of plain values."""

    def __init__(self) -> None:
        self._secrets: tuple[str, ...] = ()

    def learn(self, secret: str) -> None:
        """Blot out this secret, bare and percent-encoded, from now on. Raises ValueError where it is too short."""
        if len(secret) < SECRET_CHARS_MIN:
            raise ValueError(f"a secret of fewer than {SECRET_CHARS_MIN} characters cannot be kept out of logs")
        known = {*self._secrets, secret, quote(secret, safe="")}
        self._secrets = tuple(sorted(known, key=len, reverse=True))

    def clean(self, value: Plain) -> Plain:
        """The value with every secret in its texts and keys blotted out."""
        if isinstance(value, str):
            return self._blot(value)
        if isinstance(value, list):
            return [self.clean(item) for item in value]
        if isinstance(value, dict):
            return {self._blot(key): self.clean(item) for key, item in value.items()}
        return value

    def _blot(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, BLOT)
        return text
