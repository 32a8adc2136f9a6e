"""The product's default rules."""

from __future__ import annotations

from arbbot.settings import Settings, rules

RULES = rules(Settings())
