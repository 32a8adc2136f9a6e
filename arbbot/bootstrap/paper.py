"""Paper mode's gateway, put together."""

from typing import Any


def paper_gateway(*a: Any) -> Any:
    raise SystemExit("paper")
