"""The product's default rules without the spike guard: its judgement has tests of its own."""

from __future__ import annotations

from dataclasses import replace

from arbbot.settings import Settings, rules

_DEFAULT = rules(Settings())
RULES = replace(_DEFAULT, spike=replace(_DEFAULT.spike, enabled=False))
