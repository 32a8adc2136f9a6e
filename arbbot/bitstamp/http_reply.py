"""One HTTP/1.1 reply out of a connection's bytes, without any I/O: h11 frames it, this bounds and decodes it."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import h11

_MOST_HEAD_BYTES = 1 << 16
_GZIP_OR_ZLIB = 47
"""`wbits` by which zlib tells the two apart itself."""


class BadReply(Exception):
    """The bytes make no reply. Says why in fixed words, none of them the connection's."""


@dataclass(frozen=True, slots=True)
class RawReply:
    """A complete reply: header names in lower case, of repeated ones the first; body after content decoding."""

    status: int
    headers: dict[str, str]
    body: bytes


class ReplyReader:
    """Takes the bytes that answer one request. `reusable` says whether the next may follow on the same connection."""

    __slots__ = ("_body", "_head", "_most_bytes", "_parser", "reusable")

    def __init__(self, method: str, most_bytes: int) -> None:
        """`most_bytes` bounds the body, on the wire and decoded."""
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_MOST_HEAD_BYTES)
        # The parser reads a reply only to a request it knows of; of ours its method alone matters to it.
        self._parser.send(h11.Request(method=method, target="/", headers=[("Host", "venue")]))
        self._parser.send(h11.EndOfMessage())
        self._most_bytes = most_bytes
        self._head: h11.Response | None = None
        self._body = bytearray()
        self.reusable = False

    def feed(self, raw: bytes) -> RawReply | None:
        """Take what arrived, b"" for the end of the connection; the reply once it is whole. Raises BadReply."""
        try:
            self._parser.receive_data(raw)
            while (event := self._parser.next_event()) is not h11.NEED_DATA:
                if isinstance(event, h11.Response):
                    self._head = event
                elif isinstance(event, h11.Data):
                    self._body += event.data
                    if len(self._body) > self._most_bytes:
                        raise BadReply("reply larger than allowed")
                elif isinstance(event, h11.EndOfMessage):
                    return self._whole()
                elif not isinstance(event, h11.InformationalResponse):
                    raise BadReply("connection closed without a reply")
        except h11.RemoteProtocolError as error:
            reason = "reply cut short or missing" if not raw else "reply is not HTTP"
            raise BadReply(reason) from error
        return None

    def _whole(self) -> RawReply:
        parser, head = self._parser, self._head
        assert head is not None
        headers: dict[str, str] = {}
        for name, value in head.headers:
            headers.setdefault(name.decode("latin-1"), value.decode("latin-1"))
        reply = RawReply(head.status_code, headers, self._decoded(headers.get("content-encoding", "identity")))
        self.reusable = (
            parser.our_state is h11.DONE and parser.their_state is h11.DONE and parser.trailing_data == (b"", False)
        )
        return reply

    def _decoded(self, encoding: str) -> bytes:
        """The body as it was meant: we ask for none of the encodings, but a cache between may not listen."""
        if encoding.lower() == "identity":
            return bytes(self._body)
        if encoding.lower() not in ("gzip", "deflate"):
            raise BadReply("reply in an unknown encoding")
        inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            plain = inflater.decompress(bytes(self._body), self._most_bytes + 1)
        except zlib.error as error:
            raise BadReply("reply in a broken encoding") from error
        if len(plain) > self._most_bytes:
            raise BadReply("reply larger than allowed")
        if not inflater.eof or inflater.unused_data:
            raise BadReply("reply in a broken encoding")
        return plain
