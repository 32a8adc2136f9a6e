from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest
from pydantic import SecretStr

from arbbot.dashboard import Dashboard
from arbbot.dashboard.server import BODY_BYTES_MAX
from arbbot.dashboard.sessions import IDLE_S, SESSIONS_MAX, Sessions
from tests.dashboard.conftest import TOKEN, Browser
from tests.dashboard.played_source import PHRASE, PlayedSource

LOOKS = ("api/session", "api/stream", "api/series", "api/hedges", "api/hedges/ab-h00001")
HALT = {"verb": "halt", "reason": "enough"}


@pytest.mark.parametrize("path", LOOKS)
async def test_nothing_is_shown_without_a_session(stranger: Browser, path: str) -> None:
    """Every look is refused and counted; the page's own files are open, for they hold nothing."""
    assert (await stranger.get(path))[0] == 401
    assert stranger.page.refused.figures()["session"] == 1
    assert (await stranger.get(""))[0] == 200


async def test_a_wrong_token_gives_no_session(stranger: Browser) -> None:
    """Neither a guess, nor a longer or shorter one, nor what is no text; each is counted."""
    for guess in ("", TOKEN[:-1], TOKEN + "t", "\u00e9" * 40, 7, None, ["t"] * 40):
        assert (await stranger.post("api/login", {"token": guess}))[0] == 403
    assert (await stranger.post("api/login", TOKEN))[0] == 403
    assert stranger.page.refused.figures()["token"] == 8
    assert (await stranger.get("api/session"))[0] == 401


async def test_a_replayed_cookie_is_worth_nothing(browser: Browser) -> None:
    """After the logout the same cookie is refused, wherever it was kept."""
    kept = {cookie.key: cookie.value for cookie in browser.client.cookie_jar}
    assert (await browser.get("api/session"))[0] == 200
    assert (await browser.post("api/logout", {}))[0] == 204
    async with aiohttp.ClientSession(cookies=kept, cookie_jar=aiohttp.CookieJar(unsafe=True)) as thief:
        assert (await Browser(browser.page, thief).get("api/session"))[0] == 401
    assert browser.page.refused.figures()["session"] == 1


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser) -> None:
    """HttpOnly, SameSite=Strict, and named by the port: the ports of one host share their cookies."""
    sent = {"Origin": stranger.page.address.rstrip("/")}
    async with stranger.client.post(stranger.page.address + "api/login", json={"token": TOKEN}, headers=sent) as reply:
        cookie = reply.headers["Set-Cookie"]
    assert cookie.startswith(f"arbbot_session_{stranger.page.port}=")
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", ""])
async def test_a_foreign_host_name_is_refused(browser: Browser, host: str) -> None:
    """A name that is not ours reaches nothing, whoever it resolves to: that is DNS rebinding."""
    assert (await browser.get("api/session", Host=host))[0] == 421
    assert (await browser.get("", Host=host))[0] == 421
    assert browser.page.refused.figures()["host"] == 2


async def test_own_names_are_answered(browser: Browser) -> None:
    """Its address, localhost with its port, and the names of the settings."""
    for host in (f"127.0.0.1:{browser.page.port}", f"localhost:{browser.page.port}", "ops.example.com"):
        assert (await browser.get("", Host=host))[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": ""},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
async def test_another_page_commands_nothing(browser: Browser, source: PlayedSource, headers: dict[str, str]) -> None:
    """A command from another origin is refused and counted, cookie or not."""
    assert (await browser.post("api/command", HALT, **headers))[0] == 403
    assert browser.page.refused.figures()["origin"] == 1
    assert source.commands == []


async def test_a_command_wants_the_sessions_own_word(browser: Browser, source: PlayedSource) -> None:
    """Without the token that only our page can read, or with another's, nothing is commanded."""
    for word in ("", "x" * 43):
        assert (await browser.post("api/command", HALT, X_CSRF=word))[0] == 403
    assert browser.page.refused.figures()["csrf"] == 2
    assert source.commands == []
    assert (await browser.post("api/command", HALT))[0] == 200
    assert source.commands == [("halt", "enough")]


async def test_looking_changes_nothing(browser: Browser, source: PlayedSource) -> None:
    """No GET commands anything, and what is not a route is not found."""
    for path in ("api/command", "api/logout", "api/halt", "static/../server.py", "static/none.js"):
        assert (await browser.get(path))[0] in (404, 405)
    assert source.commands == []
    assert (await browser.get("api/session"))[0] == 200


@pytest.mark.parametrize(
    "words", [None, [], "halt", {}, {"verb": "halt"}, {"verb": 1, "reason": "x"}, {**HALT, "phrase": 1}]
)
async def test_what_is_no_command_is_told_so(browser: Browser, source: PlayedSource, words: object) -> None:
    """One line, and nothing happens."""
    status, answer = await browser.post("api/command", words)
    assert (status, list(answer)) == (400, ["error"])
    assert source.commands == []


async def test_resuming_wants_its_phrase(browser: Browser, source: PlayedSource) -> None:
    """Without the phrase the answer says which; with it the command goes through."""
    resume = {"verb": "resume", "reason": "looked at it"}
    status, answer = await browser.post("api/command", resume)
    assert (status, answer) == (409, {"error": f'to resume, type "{PHRASE}"'})
    assert (await browser.post("api/command", {**resume, "phrase": PHRASE}))[0] == 200
    assert source.commands == [("resume", "looked at it")]


async def test_an_oversize_body_is_refused(browser: Browser, source: PlayedSource) -> None:
    """Beyond the bound it is not even read, and counted."""
    status, _ = await browser.post("api/command", {**HALT, "reason": "x" * BODY_BYTES_MAX})
    assert status == 413
    assert browser.page.refused.figures()["body"] == 1
    assert source.commands == []


async def test_every_reply_keeps_the_page_to_itself(browser: Browser) -> None:
    """Content policy, no framing, no sniffing, no caching: on files, answers and refusals alike."""
    for path, host in (("", None), ("static/none.js", None), ("api/session", None), ("api/session", "evil.example")):
        headers = {} if host is None else {"Host": host}
        async with browser.client.get(browser.page.address + path, headers=headers) as reply:
            policy = reply.headers["Content-Security-Policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert reply.headers["X-Content-Type-Options"] == "nosniff"
            assert reply.headers["Cache-Control"] == "no-store"
            assert "Server" not in reply.headers


async def test_money_is_plain_text(browser: Browser) -> None:
    """No exponent and no floating point, whatever the decimal's own form."""
    assert (await browser.get("api/series"))[1]["pnl"] == [[1, "1000"]]


async def test_history_pages_by_numbers_only(browser: Browser) -> None:
    """A cursor is digits; anything else is told so."""
    assert (await browser.get("api/hedges?before=51"))[1]["next"] == 50
    for cursor in ("", "-1", "x", "1e3", "9" * 30, "\u0663"):
        assert (await browser.get(f"api/hedges?before={cursor}"))[0] == 400


async def test_an_unknown_hedge_is_not_found(browser: Browser) -> None:
    """404 in one line."""
    assert (await browser.get("api/hedges/ab-h00001"))[0] == 200
    assert (await browser.get("api/hedges/ab-h99999"))[0] == 404


async def test_sessions_are_few(page: Dashboard, browser: Browser) -> None:
    """A token used again and again makes the oldest session end, and never more memory."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        for _ in range(64):
            assert await Browser(page, client).log_in() == 200
    assert (await browser.get("api/session"))[0] == 401


async def test_a_link_opened_twice_leaves_the_first_page_its_word(browser: Browser, source: PlayedSource) -> None:
    """A second login of the same browser gives the same session: what the first page commands still goes through."""
    word = browser.csrf
    assert await browser.log_in() == 200
    assert browser.csrf == word
    assert (await browser.post("api/command", HALT, X_CSRF=word))[0] == 200
    assert (await browser.post("api/logout", {}))[0] == 204
    assert await browser.log_in() == 200
    assert browser.csrf != word


def test_a_session_lasts_as_long_as_its_browser_is_there() -> None:
    """It ends when nothing was heard of it for its time, and not while it takes frames; nor does it come back."""
    now_s = 0.0
    sessions = Sessions(SecretStr(TOKEN), lambda: now_s)
    reader, other = sessions.begin(), sessions.begin()
    now_s = IDLE_S - 1
    sessions.seen(reader)
    now_s = IDLE_S + 1
    assert sessions.find(reader.cookie) is reader
    assert sessions.find(other.cookie) is None
    assert other.over
    sessions.seen(other)
    assert sessions.find(other.cookie) is None


async def test_an_open_stream_keeps_its_session(page: Dashboard, browser: Browser) -> None:
    """However many others log in meanwhile: who takes frames was seen last."""
    async with browser.client.get(page.address + "api/stream") as reply:
        for _ in range(3):
            async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
                for _ in range(SESSIONS_MAX // 2):
                    assert await Browser(page, client).log_in() == 200
            for _ in range(12):  # three frames
                await reply.content.readline()
        assert (await browser.get("api/session"))[0] == 200


async def test_a_page_behind_tls_has_a_cookie_for_tls_only(stranger: Browser) -> None:
    """A browser that came by https is told never to send the cookie otherwise; on loopback there is no https."""
    for origin, host, secure in (
        ("https", "ops.example.com", True),
        ("http", f"127.0.0.1:{stranger.page.port}", False),
    ):
        sent = {"Origin": f"{origin}://{host}", "Host": host}
        async with stranger.client.post(
            stranger.page.address + "api/login", json={"token": TOKEN}, headers=sent
        ) as reply:
            assert ("Secure" in reply.headers["Set-Cookie"]) is secure


@pytest.mark.parametrize("body", [b"[" * 8000, b"\xff", b'{"token": "\\ud800"}', b"{", b""])
async def test_what_is_no_json_is_refused_quietly(
    stranger: Browser, caplog: pytest.LogCaptureFixture, body: bytes
) -> None:
    """Nothing breaks, and nothing is logged that a stranger could fill a disk with."""
    async with stranger.client.post(stranger.page.address + "api/login", data=body, headers=stranger.own) as reply:
        assert reply.status == 403
    assert caplog.text == ""


async def test_a_word_of_any_bytes_is_no_word(browser: Browser, caplog: pytest.LogCaptureFixture) -> None:
    """A header may hold what is no ASCII: it is another word, and no fault of the page."""
    for word in ("\u00e9" * 43, "\udcff"):
        cookie = "; ".join(f"{each.key}={each.value}" for each in browser.client.cookie_jar)
        told = await talk(
            browser.page.port,
            f"POST /api/command HTTP/1.1\r\nHost: 127.0.0.1:{browser.page.port}\r\nOrigin: {browser.own['Origin']}\r\n"
            f"Cookie: {cookie}\r\nX-CSRF: {word}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}",
        )
        assert told.startswith("HTTP/1.1 403 ")
    assert caplog.text == ""


@pytest.mark.parametrize("words", ["nonsense\r\n\r\n", "GET / HTTP/1.1\r\nA" + "a" * 9000 + ": 1\r\n\r\n"])
async def test_what_is_no_request_is_answered_as_carefully(
    page: Dashboard, caplog: pytest.LogCaptureFixture, words: str
) -> None:
    """One line of JSON with the same headers, naming no version of anything, and nothing logged."""
    told = await talk(page.port, words)
    assert " 400 " in told.partition("\r\n")[0]
    assert "Content-Security-Policy: default-src 'none'" in told
    assert "aiohttp" not in told
    assert "Python" not in told
    assert json.loads(told.partition("\r\n\r\n")[2]) == {"error": "that is no request"}
    assert caplog.text == ""


async def talk(port: int, words: str) -> str:
    """What comes back until the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(words.encode(errors="surrogateescape"))
    async with asyncio.timeout(5):
        told = await reader.read()
    writer.close()
    return told.decode()
