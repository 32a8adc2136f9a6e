"""Which faults of the exchange are different ones, for the counts."""

from __future__ import annotations

from arbbot.exchange.faults import FAULTS, Fault


def word(fault: Fault) -> str:
    """A fault's name with the parameters that make another fault of it; how often, how long and how large do not."""
    usual = FAULTS[fault.name].defaults
    telling = [name for name in ("accepted", "status", "code") if fault.params.get(name) != usual.get(name)]
    return fault.name + "".join(f",{name}={fault.params[name]}" for name in telling)
