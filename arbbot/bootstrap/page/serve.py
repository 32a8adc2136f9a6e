"""The page of a running daemon: put together, served beside trading, and told where it is."""

from __future__ import annotations

import errno
from contextlib import AsyncExitStack

from arbbot.bootstrap.beside import beside
from arbbot.bootstrap.page.memory import Memory
from arbbot.bootstrap.page.source import PageSource, Parts
from arbbot.bootstrap.page.token import made_token, token_file
from arbbot.bootstrap.terminal import say_if_broken
from arbbot.dashboard import Dashboard, Place
from arbbot.domain.exit_codes import ExitCode
from arbbot.domain.failure import Failure
from arbbot.settings import Settings


async def serve_page(stack: AsyncExitStack, settings: Settings, parts: Parts, memory: Memory) -> str:
    """Serve it until the stack unwinds; returns its link, the token in it. Raises Failure (SETTINGS or SECRET)."""
    token = made_token(settings)
    source = PageSource(parts, memory)
    wanted = settings.dashboard
    stack.callback(source.close)
    page = Dashboard(Place(wanted.host, wanted.port, wanted.names), token, source, ended=say_if_broken)
    try:
        await stack.enter_async_context(page)
    except OSError as error:
        if not (parts.demo and error.errno == errno.EADDRINUSE):
            raise Failure(
                ExitCode.SETTINGS, f"dashboard.port: {wanted.host} port {wanted.port}: {error.strerror}"
            ) from error
        page = Dashboard(Place(wanted.host, 0, wanted.names), token, source, ended=say_if_broken)
        await stack.enter_async_context(page)
    source.page_figures = lambda: {"clients": page.stream.readers, "refused": page.refused.figures()}
    beside(stack, source.series_kept.run(), "the sampling for the page's charts")
    return f"{page.address}#{token.get_secret_value()}"


def told(settings: Settings, link: str, *, demo: bool) -> str:
    """What to print of it: logs are kept, and a token in them would be anybody's."""
    if demo:  # its token dies with it
        return f"page       {link}"
    address, _, _ = link.partition("#")
    return f"page       {address}  token in {token_file(settings)}; `arbbot page` prints the whole link"
