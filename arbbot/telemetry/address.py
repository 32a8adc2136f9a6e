"""Where metrics go, and where they are fetched from: literal addresses only."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address


@dataclass(frozen=True, slots=True)
class Agent:
    """Where the agent listens: an IP address and port, or the path of its Unix socket."""

    host: str | None
    port: int | None
    socket_path: str | None


def parse_agent(address: str) -> Agent:
    """`unix:///path`, `127.0.0.1:8125` or `[::1]:8125`.

    Raises ValueError for anything else, host names included: resolving one blocks the loop on every packet.
    """
    if address.startswith("unix://"):
        path = address.removeprefix("unix://")
        if not path.startswith("/"):
            raise ValueError(f"agent address {address!r}: the socket path must be absolute")
        return Agent(None, None, path)
    host, colon, port = address.rpartition(":")
    try:
        ip = ip_address(host.removeprefix("[").removesuffix("]"))
        number = int(port)
    except ValueError:
        ip = None
        number = 0
    if ip is None or not colon or not 0 < number < 65536:
        raise ValueError(f"agent address {address!r}: want a literal IP and port, or unix:///path; no host name")
    return Agent(str(ip), number, None)


def parse_place(address: str) -> tuple[str, int]:
    """`127.0.0.1:9464` or `[::1]:9464` as host and port. Raises ValueError for anything else, host names included."""
    try:
        agent = parse_agent(address)
    except ValueError:
        agent = None
    if agent is None or agent.host is None or agent.port is None:
        raise ValueError(f"address {address!r}: want a literal IP and port")
    return agent.host, agent.port
