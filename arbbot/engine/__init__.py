"""DECISIONS: synchronous, deterministic, silent. Imports `domain` only."""
