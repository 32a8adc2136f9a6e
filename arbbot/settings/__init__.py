"""Settings: read once, frozen, complete and cross-checked."""

from arbbot.settings.conversion import rules
from arbbot.settings.errors import SettingsError
from arbbot.settings.key_model import KeySettings
from arbbot.settings.keys import Keys, find_keys, lies_in_vault, read_keys
from arbbot.settings.load import Sources, in_force, load, read_sources
from arbbot.settings.model import (
    AccountSettings,
    AlertSettings,
    DashboardSettings,
    FeedSettings,
    HedgeSettings,
    JournalSettings,
    LimitSettings,
    LiveSettings,
    PaperSettings,
    RadarSettings,
    RateWindow,
    RecordingSettings,
    RestSettings,
    RouteSettings,
    SandboxSettings,
    Settings,
    SpikeSettings,
    TelemetrySettings,
    TradeSettings,
)
from arbbot.settings.options import BookFeed, JournalSync, KeyRole, RunMode, Switch, WithdrawalRight
from arbbot.settings.secrets import read_alerts_url, read_secret_file
from arbbot.settings.settlement import AllowedAddress, SettlementSettings
from arbbot.settings.settlement import policy as settlement_policy

__all__ = [
    "AccountSettings",
    "AlertSettings",
    "AllowedAddress",
    "BookFeed",
    "DashboardSettings",
    "FeedSettings",
    "HedgeSettings",
    "JournalSettings",
    "JournalSync",
    "KeyRole",
    "KeySettings",
    "Keys",
    "LimitSettings",
    "LiveSettings",
    "PaperSettings",
    "RadarSettings",
    "RateWindow",
    "RecordingSettings",
    "RestSettings",
    "RouteSettings",
    "RunMode",
    "SandboxSettings",
    "Settings",
    "SettingsError",
    "SettlementSettings",
    "Sources",
    "SpikeSettings",
    "Switch",
    "TelemetrySettings",
    "TradeSettings",
    "WithdrawalRight",
    "find_keys",
    "in_force",
    "lies_in_vault",
    "load",
    "read_alerts_url",
    "read_keys",
    "read_secret_file",
    "read_sources",
    "rules",
    "settlement_policy",
]
