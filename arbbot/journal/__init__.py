"""The append-only record of what was intended and what came of it, in SQLite."""
