"""Replies out of bytes, however they are cut."""

from __future__ import annotations

import gzip
import zlib
from contextlib import suppress
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from arbbot.bitstamp.http_reply import BadReply, RawReply, ReplyReader

MOST = 1000
BODY = b'{"id": "1"}'
PLAIN = b"HTTP/1.1 200 OK\r\nX-One: a\r\nx-one: b\r\nContent-Length: 11\r\n\r\n" + BODY
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;x=y\r\n" + BODY[:4] + b"\r\n7\r\n" + BODY[4:]
CHUNKED += b"\r\n0\r\nX-Trailer: z\r\n\r\n"


def read(*parts: bytes, method: str = "POST") -> tuple[RawReply | None, ReplyReader]:
    """What a reader makes of the parts."""
    reader, reply = ReplyReader(method, MOST), None
    for part in parts:
        assert reply is None
        reply = reader.feed(part)
    return reply, reader


@given(st.sampled_from([PLAIN, CHUNKED]), st.lists(st.integers(1, 90), max_size=6))
def test_where_the_bytes_are_cut_changes_nothing(whole: bytes, cuts: list[int]) -> None:
    """The same reply, and not before its last byte."""
    bounds = [0, *sorted({cut for cut in cuts if cut < len(whole)}), len(whole)]
    reply, reader = read(*(whole[start:end] for start, end in pairwise(bounds)))
    assert reply is not None
    assert (reply.status, reply.body) == (200, BODY)
    assert reader.reusable


@given(st.sampled_from([PLAIN, CHUNKED]), st.integers(0, 200))
def test_a_reply_cut_short_is_none(whole: bytes, kept: int) -> None:
    """Any proper beginning followed by the end of the connection is bad, never a shorter reply."""
    reader = ReplyReader("POST", MOST)
    part = whole[: min(kept, len(whole) - 1)]
    assert not part or reader.feed(part) is None
    with pytest.raises(BadReply):
        reader.feed(b"")


@given(st.binary(max_size=300))
def test_no_bytes_raise_anything_else(raw: bytes) -> None:
    """Garbage is bad, incomplete, or a reply; nothing else comes of it."""
    reader = ReplyReader("POST", MOST)
    with suppress(BadReply):
        if reader.feed(b"HTTP/1.1 " + raw) is None:
            reader.feed(b"")


def test_of_repeated_headers_the_first_counts() -> None:
    """Names in lower case, the first value."""
    reply, _ = read(PLAIN)
    assert reply is not None
    assert reply.headers == {"x-one": "a", "content-length": "11"}


@pytest.mark.parametrize("encode", [gzip.compress, zlib.compress], ids=["gzip", "deflate"])
def test_encoded_bodies_are_decoded_within_the_bound(encode: object) -> None:
    """A cache that encodes unasked is understood; a small body that decodes to a large one is not let in, and
    nothing follows on a connection whose reply could not be decoded.
    """
    assert callable(encode)
    name = b"gzip" if encode is gzip.compress else b"deflate"

    def reply(body: bytes) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: %d\r\n\r\n%b" % (name, len(body), body)

    found, _ = read(reply(encode(BODY)))
    assert found is not None
    assert found.body == BODY
    for broken in (encode(b"x" * (MOST + 1)), encode(BODY)[:-3], encode(BODY) + b"more", b"\x1f\x8b not gzip"):
        reader = ReplyReader("POST", MOST)
        with pytest.raises(BadReply):
            reader.feed(reply(broken))
        assert not reader.reusable


@pytest.mark.parametrize(
    "whole",
    [
        b"HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 1\r\n\r\nx",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
    ],
    ids=["br", "two lengths", "bad chunk", "too large", "upgrade", "not HTTP"],
)
def test_what_is_not_understood_is_bad(whole: bytes) -> None:
    """Nothing is guessed."""
    with pytest.raises(BadReply):
        read(whole)


@pytest.mark.parametrize(
    ("whole", "reusable"),
    [
        (PLAIN, True),
        (PLAIN + b"H", False),
        (PLAIN.replace(b"X-One: a", b"Connection: close"), False),
        (PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"), False),
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
    ],
    ids=["plain", "something after it", "farewell", "old HTTP", "no content"],
)
def test_only_a_connection_between_two_replies_is_reusable(whole: bytes, reusable: bool) -> None:
    """Not one on which more came, nor one the venue takes leave of."""
    reply, reader = read(whole)
    assert reply is not None
    assert reader.reusable is reusable
