"""Who may look: the token of a file is exchanged once for a cookie that lives in this process only."""

from __future__ import annotations

import hmac
import secrets  # noqa: TID251 - a session's names must not be guessable
from collections.abc import Callable
from dataclasses import dataclass

from pydantic import SecretStr

SESSIONS_MAX = 64
IDLE_S = 12 * 3600.0


@dataclass(slots=True)
class Session:
    """One browser's. `over` once it was ended: a stream that is still open looks at it."""

    cookie: str
    csrf: str
    seen_s: float
    over: bool = False


class Sessions:
    """Sessions by cookie, the least recently seen first."""

    def __init__(self, token: SecretStr, now_s: Callable[[], float]) -> None:
        """`now_s` tells monotonic seconds."""
        self._token = token
        self._now_s = now_s
        self._by_cookie: dict[str, Session] = {}

    def begin(self, token: str) -> Session | None:
        """A new session for whoever knows the token; None for others."""
        known = self._token.get_secret_value().encode()
        if not hmac.compare_digest(known, token.encode(errors="replace")):
            return None
        session = Session(secrets.token_urlsafe(32), secrets.token_urlsafe(32), self._now_s())
        while len(self._by_cookie) >= SESSIONS_MAX:
            self.end(next(iter(self._by_cookie.values())))
        self._by_cookie[session.cookie] = session
        return session

    def find(self, cookie: str) -> Session | None:
        """The session behind a cookie, seen now; None for one that was ended, is too old, or never was."""
        session = self._by_cookie.get(cookie)
        if session is None:
            return None
        now_s = self._now_s()
        if now_s - session.seen_s > IDLE_S:
            self.end(session)
            return None
        session.seen_s = now_s
        self._by_cookie[cookie] = self._by_cookie.pop(cookie)
        return session

    def end(self, session: Session) -> None:
        """Its cookie is worth nothing from now on."""
        session.over = True
        self._by_cookie.pop(session.cookie, None)
