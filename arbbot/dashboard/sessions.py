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

    def knows(self, token: str) -> bool:
        """Whether that is the page's token."""
        return hmac.compare_digest(self._token.get_secret_value().encode(), token.encode(errors="replace"))

    def begin(self, cookie: str = "") -> Session:
        """A session for whoever knows the token: the one behind the cookie, so that a link opened twice leaves the
        first page its own, or else a new one.
        """
        held = self.find(cookie)
        if held is not None:
            return held
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
        if self._now_s() - session.seen_s > IDLE_S:
            self.end(session)
            return None
        self.seen(session)
        return session

    def seen(self, session: Session) -> None:
        """Its browser is there, as one is that takes a frame."""
        if not session.over:
            session.seen_s = self._now_s()
            self._by_cookie[session.cookie] = self._by_cookie.pop(session.cookie)

    def end(self, session: Session) -> None:
        """Its cookie is worth nothing from now on."""
        session.over = True
        self._by_cookie.pop(session.cookie, None)
