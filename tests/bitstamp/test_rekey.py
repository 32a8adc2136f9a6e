"""Another key for a gateway in use: what is in flight belongs to the key that signed it."""

from __future__ import annotations

from random import Random

from arbbot.bitstamp.auth import Credentials
from arbbot.bitstamp.limiter import Limiter, Window
from arbbot.bitstamp.reply import Reply, Seal
from arbbot.bitstamp.requests import cancel_all, websockets_token
from arbbot.bitstamp.rest import BitstampGateway, RestSettings
from tests.bitstamp.clocks import FastClock
from tests.bitstamp.fake_rest import KEY, SECRET, Heard, Say, fake_rest

OTHER = Credentials("OtherKey0000000000001", "OtherSecret00000000001")


async def test_a_reply_is_held_against_the_key_that_asked() -> None:
    """The key changes while a request is on its way: its reply, signed by the old secret, is genuine; the next request
    carries the new key, and a reply signed by the old secret is no longer.
    """
    gateway: BitstampGateway

    def script(heard: Heard) -> Say:
        if KEY in heard.headers["X-Auth"]:
            gateway.rekey(OTHER)
        return Say(b"{}")

    async with fake_rest(script) as (venue, url):
        gateway = BitstampGateway(
            RestSettings(url), FastClock(), Limiter(Random(1), [Window(100, 1.0)]), credentials=Credentials(KEY, SECRET)
        )
        async with gateway:
            answers = [await gateway.fetch(request) for request in (cancel_all(), websockets_token())]
    assert [answer.seal for answer in answers if isinstance(answer, Reply)] == [Seal.VALID, Seal.WRONG]
    assert [heard.headers["X-Auth"] for heard in venue.heard] == [f"BITSTAMP {KEY}", f"BITSTAMP {OTHER.key}"]
