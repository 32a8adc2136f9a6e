"""VALUES: what the rest of the program speaks in. Standard library only; no clock, no I/O, no binary floats in money."""
