"""Every setting with its type, bounds and default. `settings.toml` shows the same, and a test holds them equal.

Rates are percent, times seconds, sizes units of the base asset unless a name says otherwise.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from arbbot.domain.mode import Severity
from arbbot.engine.rules import BuyAs, FxPolicy, LimitReference, ThresholdMode
from arbbot.settings import checks
from arbbot.settings.fields import (
    PLACES,
    HostName,
    OptionalPath,
    OptionalSecret,
    OptionalText,
    Percent,
    Seconds,
    Section,
    SharePercent,
    Size,
    Symbol,
    Word,
)
from arbbot.settings.key_model import KeySettings
from arbbot.settings.options import BookFeed, JournalSync, RunMode, Switch
from arbbot.settings.settlement import SettlementSettings
from arbbot.telemetry.alert_names import Form


class RouteSettings(Section):
    """The three markets of the hedge: the only place that spells them. The FX market is foreign over domestic."""

    domestic: Symbol = "btcusd"
    foreign: Symbol = "btceur"
    fx: Symbol = "eurusd"


class TradeSettings(Section):
    """When a hedge is worth it, and how large: `TradeRules`."""

    threshold_mode: ThresholdMode = ThresholdMode.FIXED
    gross_threshold_percent: Percent = Decimal("0.35")
    cost_margin_percent: Percent = Decimal("0.05")
    net_floor_percent: Percent = Decimal(0)
    min_depth_levels: int = Field(default=20, ge=1, le=100)  # all that a book has, whichever channel it comes from
    max_slippage_percent: Percent = Decimal("0.05")
    collar_percent: Percent = Decimal("0.3")
    limit_markup_percent: Percent = Decimal("0.3")
    limit_reference: LimitReference = LimitReference.BUY_VWAP
    buy_as: BuyAs = BuyAs.MARKET
    target_size: Size = Decimal("0.05")
    weight_percent: SharePercent = Decimal(5)
    max_notional: Size = Decimal(10_000)
    cost_reserve_percent: Percent = Decimal("0.5")
    fx_policy: FxPolicy = FxPolicy.BAND


class HedgeSettings(Section):
    """What happens after the legs went out: `HedgeRules`."""

    wait_s: Seconds = Decimal(5)
    force_s: Seconds = Decimal(15)
    exit_loss_percent: Percent = Decimal(1)
    forced_exit_loss_percent: Percent = Decimal(3)
    exit_slippage_percent: Percent = Decimal("0.1")
    max_exits: int = Field(default=5, ge=1, le=100)
    cooldown_s: Seconds = Decimal(1)
    reject_cooldown_s: Seconds = Decimal(10)
    rejects_to_reduce: int = Field(default=3, ge=1, le=100)
    dust_cap: Size = Decimal("0.0005")


class FxSettings(Section):
    """How foreign currency that hedges left behind is converted: `FxRules`. Whether it is: `trade.fx_policy`."""

    band: Size = Decimal(5_000)
    max_conversion: Size = Decimal(25_000)
    reach_percent: Percent = Decimal("0.1")
    slack_percent: Percent = Decimal("0.02")
    retry_s: Seconds = Decimal(30)
    max_failures: int = Field(default=5, ge=1, le=100)


class FeedSettings(Section):
    """When market data may be believed: `FeedRules`, and which channel it comes from."""

    books: BookFeed = BookFeed.SNAPSHOT
    fresh_s: Seconds = Decimal(10)
    ticker_every_s: Seconds = Decimal(30)
    ticker_max_age_s: Seconds = Decimal(90)
    premium_tolerance_percent: Percent = Decimal("0.1")


class SpikeSettings(Section):
    """When a signal is believed to be a price and not an accident: `SpikeRules`."""

    enabled: bool = True
    persist_changes: int = Field(default=3, ge=1, le=1000)
    persist_s: Seconds = Decimal(1)
    median_window_s: Seconds = Decimal(300)
    median_samples: int = Field(default=20, ge=1, le=1000)
    median_distance_percent: Percent = Decimal("1.5")
    max_gross_percent: Percent = Decimal(2)
    max_skew_s: Seconds = Decimal("0.5")
    check_rate: bool = True
    rate_tolerance_percent: Percent = Decimal("0.3")
    rate_every_s: Seconds = Decimal(30)
    rate_max_age_s: Seconds = Decimal(90)


class LimitSettings(Section):
    """How much, how often and how wrong before no more is risked: `LimitRules`. Money is domestic currency."""

    notional_per_hour: Size = Decimal(250_000)
    notional_per_day: Size = Decimal(2_000_000)
    daily_loss: Size = Decimal(500)
    equity_loss: Size = Decimal(1_000)
    max_hedges: int = Field(default=30, ge=1, le=256)
    hedges_window_s: Seconds = Decimal(300)
    unhedged_notional: Size = Decimal(15_000)
    unhedged_s: Seconds = Decimal(240)
    losers_in_row: int = Field(default=5, ge=1, le=100)
    reject_window: int = Field(default=20, ge=1, le=200)
    max_rejects: int = Field(default=10, ge=1, le=200)
    duplicate_s: Seconds = Decimal(1)
    orders_per_minute: int = Field(default=120, ge=2, le=1000)
    cancels_per_minute: int = Field(default=60, ge=1, le=1000)


class RampSettings(Section):
    """How the weight of one hedge grows by evidence, and shrinks by it: `RampRules`. It begins at
    `trade.weight_percent`.
    """

    enabled: bool = True
    period_s: Annotated[Decimal, Field(ge=10, le=2_592_000, decimal_places=0)] = Decimal(86_400)
    step_percent: SharePercent = Decimal(5)
    max_weight_percent: SharePercent = Decimal(100)
    min_hedges: int = Field(default=10, ge=1, le=10_000)
    min_edge_hedges: int = Field(default=5, ge=1, le=10_000)
    max_shortfall_percent: Percent = Decimal("0.05")
    max_slippage_percent: Percent = Decimal("0.05")
    max_rate_limited_percent: Percent = Decimal(1)
    max_one_sided_percent: Percent = Decimal(10)


class DrillSettings(Section):
    """Readiness drills: `DrillRules`. Money is domestic currency."""

    enabled: bool = False
    every_s: Seconds = Decimal(14_400)
    budget: Size = Decimal(2)


class AccountSettings(Section):
    """How the venue's account is followed: `AccountRules`."""

    poll_s: Seconds = Decimal(30)
    lag_s: Seconds = Decimal(5)
    overlap_s: Seconds = Decimal(600)
    doubt_bound_s: Seconds = Decimal(150)
    doubt_alert_s: Seconds = Decimal(60)
    rounding_cap: Size = Decimal(10)
    stop_grace_s: Seconds = Decimal(45)
    fees_every_s: Seconds = Decimal(300)
    lease_s: Seconds = Decimal(120)


class RateWindow(Section):
    """At most `count` requests in any `seconds`: room for both orders of a hedge, and the one kept for a cancel."""

    count: int = Field(ge=3, le=1_000_000)
    seconds: Seconds


class RestSettings(Section):
    """Calls to the venue."""

    connect_timeout_s: Seconds = Decimal(3)
    order_timeout_s: Seconds = Decimal(10)
    ask_timeout_s: Seconds = Decimal(20)
    limits: tuple[RateWindow, ...] = (
        RateWindow(count=400, seconds=Decimal(1)),
        RateWindow(count=10_000, seconds=Decimal(600)),
    )
    require_signed_errors: bool = False


class Venue(Section):
    """Where a mode finds the venue."""

    rest_url: str
    ws_url: str
    ca_file: OptionalPath = None


class PaperSettings(Venue):
    """Paper mode: real books, made-up account."""

    rest_url: str = f"https://{checks.LIVE_REST_HOST}"
    ws_url: str = f"wss://{checks.LIVE_WS_HOST}"
    base_balance: Annotated[Decimal, Field(ge=0, decimal_places=PLACES)] = Decimal(1)
    domestic_balance: Annotated[Decimal, Field(ge=0, decimal_places=PLACES)] = Decimal(100_000)
    foreign_balance: Annotated[Decimal, Field(ge=0, decimal_places=PLACES)] = Decimal(100_000)
    maker_fee_percent: Percent = Decimal("0.3")
    taker_fee_percent: Percent = Decimal("0.4")
    latency_s: Seconds = Decimal("0.15")


class SandboxSettings(Venue):
    """Sandbox mode: the venue's sandbox or an exchange on this machine."""

    rest_url: str = f"https://{checks.SANDBOX_REST_HOST}"
    ws_url: str = f"wss://{checks.SANDBOX_WS_HOST}"
    speed: Annotated[Decimal, Field(ge=1, le=100_000, decimal_places=PLACES)] = Decimal(1)


class LiveSettings(Venue):
    """Live mode: real money."""

    rest_url: str = f"https://{checks.LIVE_REST_HOST}"
    ws_url: str = f"wss://{checks.LIVE_WS_HOST}"
    i_understand_real_money: Literal["yes", "no"] = "no"
    rehearsal_override: OptionalText = None


class TreasurySettings(Section):
    """What `arbbot treasury` may do."""

    sub_accounts: tuple[Word, ...] = ()


class JournalSettings(Section):
    """The append-only record."""

    sync: JournalSync = JournalSync.AUTO


class RecordingSettings(Section):
    """Raw frames and replies, for replay."""

    enabled: Switch = Switch.AUTO
    most_gb: Annotated[Decimal, Field(gt=0, le=100_000, decimal_places=PLACES)] = Decimal(20)


class RadarSettings(Section):
    """The edges that were there at each fee tier, looked for beside trading."""

    enabled: Switch = Switch.AUTO


class DashboardSettings(Section):
    """The operator's page."""

    enabled: bool = True
    host: str = "127.0.0.1"
    port: int = Field(default=8780, ge=0, le=65_535)
    names: tuple[HostName, ...] = ()
    token_file: OptionalPath = None


class TelemetrySettings(Section):
    """Logs and metrics."""

    statsd: OptionalText = None
    env: Word = "dev"
    service: Word = "arbbot"
    prometheus: OptionalText = None


class AlertSettings(Section):
    """Messages to a webhook. Its address never stands in the settings file."""

    url: OptionalSecret = None
    url_file: OptionalPath = None
    form: Form = Form.JSON
    least: Severity = Severity.WARNING
    also: tuple[Word, ...] = ("order_done", "started", "stopped")
    never: tuple[Word, ...] = ()
    per_minute: int = Field(default=20, ge=1, le=600)
    repeat_s: Seconds = Decimal(300)


class Settings(BaseSettings):
    """Everything the program can be told, cross-checked. Constructing one reads neither environment nor files."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", validate_default=True, env_prefix="ARBBOT_", env_nested_delimiter="__"
    )

    mode: RunMode = RunMode.SANDBOX
    state_dir: Path = Path("state")
    route: RouteSettings = RouteSettings()
    trade: TradeSettings = TradeSettings()
    hedge: HedgeSettings = HedgeSettings()
    fx: FxSettings = FxSettings()
    feed: FeedSettings = FeedSettings()
    spike: SpikeSettings = SpikeSettings()
    limits: LimitSettings = LimitSettings()
    ramp: RampSettings = RampSettings()
    drill: DrillSettings = DrillSettings()
    account: AccountSettings = AccountSettings()
    rest: RestSettings = RestSettings()
    paper: PaperSettings = PaperSettings()
    sandbox: SandboxSettings = SandboxSettings()
    live: LiveSettings = LiveSettings()
    keys: KeySettings = KeySettings()
    treasury: TreasurySettings = TreasurySettings()
    settlement: SettlementSettings = SettlementSettings()
    journal: JournalSettings = JournalSettings()
    recording: RecordingSettings = RecordingSettings()
    radar: RadarSettings = RadarSettings()
    dashboard: DashboardSettings = DashboardSettings()
    telemetry: TelemetrySettings = TelemetrySettings()
    alerts: AlertSettings = AlertSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is given: `load` reads the sources one by one, so that an error can name the one to mend."""
        return (init_settings,)

    @model_validator(mode="after")
    def _cross_checked(self) -> Self:
        checks.cross_check(self)
        return self

    @property
    def venue(self) -> Venue:
        """The endpoints of the present mode."""
        venues: dict[RunMode, Venue] = {
            RunMode.PAPER: self.paper,
            RunMode.SANDBOX: self.sandbox,
            RunMode.LIVE: self.live,
        }
        return venues[self.mode]

    @property
    def speed(self) -> Decimal:
        """Market seconds per second: 1 but in a compressed rehearsal."""
        return self.sandbox.speed if self.mode is RunMode.SANDBOX else Decimal(1)

    @property
    def journal_full_sync(self) -> bool:
        """True when a commit waits for the disk."""
        if self.journal.sync is JournalSync.AUTO:
            return self.mode is RunMode.LIVE
        return self.journal.sync is JournalSync.FULL

    @property
    def recording_on(self) -> bool:
        """True when everything that comes in is recorded."""
        if self.recording.enabled is Switch.AUTO:
            return self.mode is RunMode.PAPER
        return self.recording.enabled is Switch.ON

    @property
    def radar_on(self) -> bool:
        """True when the running daemon keeps a radar of the edges at each tier."""
        if self.radar.enabled is Switch.AUTO:
            return self.mode is RunMode.PAPER
        return self.radar.enabled is Switch.ON

    @property
    def recordings_dir(self) -> Path:
        """Where recordings go unless the command line says otherwise."""
        return self.state_dir / "recordings"

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens to the command line."""
        return self.state_dir / "control.sock"
