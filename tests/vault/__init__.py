"""A Vault of the tests: as much of its HTTP API on loopback as a program needs that reads its keys there."""
