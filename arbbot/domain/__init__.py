"""VALUES: what the rest speaks in. Standard library only; no clock, no I/O, no binary floats in money."""
