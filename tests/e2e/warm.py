"""Imported once by the process that every daemon is forked from: work that each would otherwise do again."""

from __future__ import annotations

from arbbot.journal.codec import prepare

prepare()
