"""Nothing leaves this machine unencrypted."""

from __future__ import annotations

from ipaddress import ip_address

from yarl import URL


def demand_tls(url: URL, schemes: tuple[str, str]) -> None:
    """Refuse (ValueError) an address that is not encrypted, unless it is on this very machine."""
    secure, plain = schemes
    if url.scheme == secure and url.host:
        return
    if url.scheme != plain or not url.host or not _is_loopback(url.host):
        raise ValueError(f"{url.scheme}://{url.host}: only {secure}:// leaves this machine")


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
