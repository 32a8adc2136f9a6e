"""Live mode is for what was rehearsed: a passed rehearsal of a day, of this code and of these rules, on record."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from arbbot.bootstrap.longrun.fingerprints import code_fingerprint, settings_fingerprint
from arbbot.bootstrap.longrun.schedule import DAY_S, Level
from arbbot.bootstrap.longrun.verdict import OnRecord, on_record
from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import RunMode, Settings, SettingsError

LIVE_LEAST_S = DAY_S
"""Market seconds."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Whether live mode may start, and why, in one line for the person who wants it."""

    granted: bool
    words: str


def rehearsals_dir(settings: Settings) -> Path:
    """Where rehearsals lie."""
    return settings.state_dir / "rehearsals"


def leave(settings: Settings) -> Leave:
    """What the record says of these settings and this code; an override is a person's word and told as such."""
    code, rules = code_fingerprint(), settings_fingerprint(settings)
    found = list(on_record(rehearsals_dir(settings)))
    for each in reversed(found):
        if _lacking(each, code, rules) is None:
            hours = each.market_s / 3600
            return Leave(True, f"rehearsed {hours:.1f} h as {each.stamp}, passed, with this version and these settings")
    if settings.live.rehearsal_override is not None:
        return Leave(True, f"REAL MONEY without a passed rehearsal on record: {settings.live.rehearsal_override}")
    told = "no passed 24 h rehearsal of this version and settings is on record"
    if found:
        told += f"; the last, {found[-1].stamp}, {_lacking(found[-1], code, rules)}"
    return Leave(False, f"{told}; `arbbot rehearse` makes one, or say here why real money is to be traded all the same")


def _lacking(each: OnRecord, code: str, rules: str) -> str | None:
    """What keeps a rehearsal from opening the gate; None when nothing does."""
    if not each.passed:
        return "did not pass"
    if each.code != code:
        return f"was of another version of the program, or of what it runs on ({each.version}, code {each.code[:12]})"
    if each.settings != rules:
        return "was of other settings"
    if each.market_s < LIVE_LEAST_S:
        return f"was only {each.market_s / 3600:.1f} h long"
    if each.faults == Level.NONE.value:
        return "was without faults"
    return None


def refuse_unrehearsed(settings: Settings) -> None:
    """Raises SettingsError, code LIVE_SWITCH, for live mode without a rehearsal on record or a person's reason."""
    if settings.mode is not RunMode.LIVE:
        return
    told = leave(settings)
    if not told.granted:
        raise SettingsError(ExitCode.LIVE_SWITCH, [f"live.rehearsal_override: {told.words}"])
