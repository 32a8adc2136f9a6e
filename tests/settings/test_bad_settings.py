"""Each wrong setting gets one clear line that names where to mend it, and an exit code of its own."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import RateWindow, RunMode, Settings, SettingsError, load

LOCAL = 'rest_url = "http://127.0.0.1:8787"\nws_url = "ws://127.0.0.1:8787"'
SECRET = "Secret000000000000000000000000001"


def refusal(toml: str, place: Path, mode: str | None = None) -> SettingsError:
    """What `load` says of a settings file."""
    (place / "settings.toml").write_text(toml)
    with pytest.raises(SettingsError) as caught:
        load(mode=mode)
    return caught.value


@pytest.mark.parametrize(
    ("toml", "line"),
    [
        ("[trade]\nweight_percent = 500", "trade.weight_percent: should be less than or equal to 100, not 500"),
        ("[trade]\nweight_percent = -1", "trade.weight_percent: should be greater than 0, not -1"),
        ('[trade]\ntarget_size = "much"', "trade.target_size: should be a valid decimal, not 'much'"),
        ("[trade]\ntarget_size = nan", "trade.target_size: should be a finite number, not NaN"),
        ("[trade]\ntarget_size = inf", "trade.target_size: should be a finite number, not Infinity"),
        ("[trade]\ntarget_size = true", "trade.target_size: "),
        ("[trade]\ntarget_size = 1e-9", "trade.target_size: should have no more than 8 decimal places, not 1E-9"),
        ("[trade]\nwieght_percent = 5", "trade.wieght_percent: no such setting; did you mean trade.weight_percent?"),
        ("weight_percent = 5", "weight_percent: no such setting; did you mean trade.weight_percent?"),
        ("[trade]\nfoo = 1", "trade.foo: no such setting"),
        ("[zzz]\nqqq = 5", "zzz: no such setting"),
        ("trade = 5", "trade: "),
        ('mode = "fast"', "mode: should be 'paper', 'sandbox' or 'live', not 'fast'"),
        ('[route]\nforeign = "BTC/EUR"', "route.foreign: string should match pattern"),
        ('[route]\nforeign = "btcusd"', "route.foreign: three different markets"),
        ("[hedge]\nforce_s = 5", "hedge.force_s: the exit is forced after waiting: 5 s must be more than wait_s 5 s"),
        ("[hedge]\nwait_s = 20", "hedge.wait_s: the exit is forced after waiting: 15 s must be more than wait_s 20 s"),
        ("[hedge]\nexit_loss_percent = 4", "hedge.exit_loss_percent: a forced exit may lose no less"),
        ("[hedge]\ndust_cap = 0.0025", "hedge.dust_cap: dust of 0.0025 must be less than one hedge"),
        ("[trade]\ntarget_size = 0.001", "trade.target_size: dust of 0.0005 must be less than one hedge"),
        ("[trade]\nnet_floor_percent = 0.35", "trade.net_floor_percent: net floor 0.35 % must be below"),
        (
            '[trade]\nthreshold_mode = "cost_plus"\nnet_floor_percent = 0.06',
            "trade.net_floor_percent: net floor 0.06 % exceeds cost_margin_percent 0.05 %",
        ),
        ("[trade]\ncollar_percent = 0.01", "trade.collar_percent: collar 0.01 % must not be below"),
        ("[trade]\nmin_depth_levels = 101", "trade.min_depth_levels: should be less than or equal to 100, not 101"),
        (
            '[trade]\nmin_depth_levels = 101\n[feed]\nbooks = "diff"',
            "trade.min_depth_levels: should be less than or equal to 100, not 101",
        ),
        ("[feed]\nticker_max_age_s = 30", "feed.ticker_max_age_s: 30 s must be more than ticker_every_s"),
        ("[spike]\npersist_s = 0.4", "spike.persist_s: 0.4 s must not be less than max_skew_s 0.5 s"),
        ("[spike]\nmax_skew_s = 2", "spike.max_skew_s: 1 s must not be less than max_skew_s 2 s"),
        ("[spike]\nmedian_window_s = 5", "spike.median_window_s: 20 samples, one every 0.5 s, exceed 5 s"),
        ("[spike]\nmedian_samples = 601", "spike.median_samples: 601 samples, one every 0.5 s, exceed 300 s"),
        ("[spike]\nmax_gross_percent = 0.35", "spike.max_gross_percent: 0.35 % must be more than the gross threshold"),
        ("[spike]\nmedian_distance_percent = 0.2", "spike.median_distance_percent: 0.2 % must be more than"),
        (
            "[trade]\ngross_threshold_percent = 1.5",
            "trade.gross_threshold_percent: 1.5 % must be more than the gross thre",
        ),
        ("[spike]\nrate_max_age_s = 30", "spike.rate_max_age_s: 30 s must be more than rate_every_s 30 s"),
        ('mode = "live"\n[spike]\nenabled = false', "spike.enabled: live mode trades on no unguarded signal"),
        ("[trade]\nmax_notional = 20000", "trade.max_notional: 15000 must not be less than trade.max_notional 20000"),
        ("[limits]\nnotional_per_hour = 9000", "limits.notional_per_hour: 9000 must not be less than trade.max_not"),
        ("[limits]\nnotional_per_day = 90000", "limits.notional_per_day: 90000 must not be less than limits.notional"),
        ("[limits]\nunhedged_notional = 9999", "limits.unhedged_notional: 9999 must not be less than trade.max_not"),
        ("[limits]\nequity_loss = 400", "limits.equity_loss: 400 must not be less than limits.daily_loss 500"),
        ("[limits]\nunhedged_s = 15", "limits.unhedged_s: 15 s must be more than hedge.force_s 15 s"),
        ("[limits]\nunhedged_s = 185", "limits.unhedged_s: 185 s must be more than the 185 s that a lost order may be"),
        ("[limits]\nmax_rejects = 21", "limits.max_rejects: 21 of the last 20 orders can never be refused"),
        ("[limits]\nmax_hedges = 257", "limits.max_hedges: should be less than or equal to 256, not 257"),
        ("[ramp]\nmax_weight_percent = 4", "ramp.max_weight_percent: 4 % must not be less than trade.weight_percent 5"),
        ("[ramp]\nmin_edge_hedges = 11", "ramp.min_edge_hedges: 11 cannot be settled among 10 hedges"),
        (
            'mode = "live"\n[settlement]\ncooling_off_s = 3599\nenabled = true\n'
            'allowed = [{ currency = "usdt", network = "tron", address = "T000000000000001" }]',
            "settlement.cooling_off_s: in live mode a change of [settlement] cools off for 3600 s at least",
        ),
        ('mode = "live"\n[ramp]\nperiod_s = 3600', "ramp.period_s: live mode enlarges its hedges once a day at most"),
        ("[drill]\nenabled = true\nbudget = 501", "drill.budget: 501 must not be more than limits.daily_loss 500"),
        ("[account]\nlag_s = 600", "account.lag_s: 600 s must be more than lag_s 600 s"),
        ("[account]\ndoubt_alert_s = 30", "account.doubt_alert_s: 30 s must be more than the 30 s that two looks"),
        ("[account]\ndoubt_bound_s = 149", "account.doubt_bound_s: the venue accepts requests for 150 s"),
        ("[account]\nstop_grace_s = 15", "account.stop_grace_s: 15 s must be more than hedge.force_s"),
        ("[rest]\nconnect_timeout_s = 11", "rest.connect_timeout_s: 11 s must not be more than order_timeout_s"),
        ("[rest]\nlimits = []", "rest.limits: "),
        ("[rest]\nlimits = [{ count = 2, seconds = 1 }]", "rest.limits.0.count: should be greater than or equal to 3"),
        ("[rest]\nask_timeout_s = 101", "rest.ask_timeout_s: a question is given up after 100 s, not 101 s"),
        ("[rest]\nlimits = [{ count = 5 }]", "rest.limits.0.seconds: field required"),
        ('[sandbox]\nrest_url = "https://www.bitstamp.net"', "sandbox.rest_url: this mode may only name sandbox"),
        ('[sandbox]\nrest_url = "http://sandbox.bitstamp.net"', "sandbox.rest_url: only https:// leaves this machine"),
        ('[sandbox]\nws_url = "ws://127.0.0.1.example.org"', "sandbox.ws_url: this mode may only name"),
        ('[sandbox]\nrest_url = "https://sandbox.bitstamp.net@example.org"', "sandbox.rest_url: want https://host"),
        ('[sandbox]\nrest_url = "https://sandbox.bitstamp.net/api"', "sandbox.rest_url: want https://host"),
        ('[sandbox]\nrest_url = "https://[::1"', "sandbox.rest_url: not an address"),
        ("[sandbox]\nspeed = 60", "sandbox.speed: only an exchange on this machine can run faster"),
        (
            f"[sandbox]\n{LOCAL}\nspeed = 600",
            "sandbox.speed: at 600 market seconds a second feed.fresh_s of 10 s is less",
        ),
        (f"[sandbox]\n{LOCAL}\nspeed = 101\n[feed]\nfresh_s = 60\n[hedge]\nwait_s = 5", "sandbox.speed: at 101 mar"),
        ('[sandbox]\nca_file = "none.pem"', "sandbox.ca_file: no such file: none.pem"),
        ('[live]\nrest_url = "http://127.0.0.1:8000"', "live.rest_url: this mode may only name www.bitstamp.net"),
        ('[live]\nws_url = "ws://ws.bitstamp.net"', "live.ws_url: only wss:// leaves this machine"),
        ('[live]\ni_understand_real_money = "maybe"', "live.i_understand_real_money: should be 'yes' or 'no'"),
        ('[paper]\nrest_url = "https://sandbox.bitstamp.net"', "paper.rest_url: this mode may only name www.bitstamp"),
        ("[paper]\nmaker_fee_percent = 1", "paper.maker_fee_percent: the maker fee of 1 % must not be"),
        ('[telemetry]\nstatsd = "agent.example:8125"', "telemetry.statsd: agent address 'agent.example:8125'"),
        ('[telemetry]\nenv = "My Env"', "telemetry.env: string should match pattern"),
        (
            '[telemetry]\nprometheus = "localhost:9464"',
            "telemetry.prometheus: address 'localhost:9464': want a literal",
        ),
        ('[alerts]\nalso = ["order_dine"]', "alerts.also: no such alert: order_dine; there are account_unread, "),
        ('[alerts]\nnever = ["a", "leg_open"]', "alerts.never: no such alert: a; there are "),
        ('[alerts]\nleast = "loud"', "alerts.least: should be 'notice', 'warning' or 'critical', not 'loud'"),
        ('[alerts]\nform = "xml"', "alerts.form: should be 'json' or 'slack', not 'xml'"),
        ("[alerts]\nper_minute = 0", "alerts.per_minute: should be greater than or equal to 1, not 0"),
    ],
)
def test_a_wrong_setting_is_one_line_naming_file_key_and_reason(toml: str, line: str, place: Path) -> None:
    """File, key and reason, and nothing else; exit code SETTINGS."""
    error = refusal(toml, place)
    assert error.code is ExitCode.SETTINGS
    assert len(error.problems) == 1
    assert "\n" not in str(error)
    assert str(error).startswith(f"settings.toml: {line}")


def test_every_problem_of_a_file_is_told_at_once(place: Path) -> None:
    """Two wrong settings give two lines, so that they are mended together."""
    error = refusal("[trade]\nweight_percent = 500\nwieght = 1", place)
    assert len(error.problems) == 2
    error = refusal("[hedge]\nforce_s = 5\n[paper]\nmaker_fee_percent = 1\n[account]\nlag_s = 600", place)
    assert [line.split(": ")[1] for line in error.problems] == [
        "hedge.force_s", "account.lag_s", "paper.maker_fee_percent",
    ]  # fmt: skip


def test_a_likeness_of_the_section_alone_suggests_nothing(place: Path) -> None:
    """A suggestion is a key that could have been meant, not one that begins alike."""
    assert "did you mean" not in str(refusal("[trade]\nfoo = 1", place))


@pytest.mark.parametrize(
    "text", ["", "not a certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"]
)
def test_a_ca_file_must_hold_certificates(text: str, place: Path) -> None:
    """A file that no connection could trust is told in one line before any is made."""
    (place / "ca.pem").write_text(text)
    error = refusal('[sandbox]\nca_file = "ca.pem"', place)
    assert error.code is ExitCode.SETTINGS
    assert error.problems == ("settings.toml: sandbox.ca_file: ca.pem: no certificate in PEM form",)


@pytest.mark.parametrize("toml", ["mode = ", "[trade", "mode = 'a'\nmode = 'b'"])
def test_what_is_not_toml_names_the_line(toml: str, place: Path) -> None:
    """A syntax error is told with its place in the file."""
    error = refusal(toml, place)
    assert str(error).startswith("settings.toml: not TOML: ")
    assert "at " in str(error)


def test_an_unreadable_settings_file_is_told(place: Path) -> None:
    """A file that was named must be there, be a file, and be text."""
    (place / "bytes.toml").write_bytes(b"mode = \xff")
    for name, reason in (("none.toml", "No such file"), (".", "Is a directory"), ("bytes.toml", "not TOML: not UTF-8")):
        with pytest.raises(SettingsError, match=reason) as caught:
            load(Path(name))
        assert caught.value.code is ExitCode.SETTINGS
        assert str(caught.value).startswith(f"{name}: ")


def test_without_a_file_the_defaults_hold() -> None:
    """The file is optional as long as nobody names one."""
    assert load() == Settings()


def test_stronger_sources_win(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """--mode beats the environment, which beats .env, which beats the file; keys beside them are untouched."""
    (place / "settings.toml").write_text('mode = "live"\n[trade]\nweight_percent = 1\ntarget_size = 1\nmax_notional=7')
    (place / ".env").write_text("ARBBOT_TRADE__WEIGHT_PERCENT=2\nARBBOT_TRADE__TARGET_SIZE=2\nOTHER=x\n")
    monkeypatch.setenv("ARBBOT_TRADE__WEIGHT_PERCENT", "3")
    monkeypatch.setenv("ARBBOT_MODE", "sandbox")
    monkeypatch.setenv("ARBBOT_REST__LIMITS", '[{"count": 800, "seconds": 10}]')
    settings = load(mode="paper")
    assert settings.mode is RunMode.PAPER
    trade = settings.trade
    assert [trade.weight_percent, trade.target_size, trade.max_notional] == [Decimal(3), Decimal(2), Decimal(7)]
    assert settings.rest.limits == (RateWindow(count=800, seconds=Decimal(10)),)


def test_the_file_can_be_named_in_the_environment(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """ARBBOT_SETTINGS stands for --settings."""
    (place / "other.toml").write_text('mode = "paper"')
    monkeypatch.setenv("ARBBOT_SETTINGS", "other.toml")
    assert load().mode is RunMode.PAPER


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("ARBBOT_TRADE__WEIGHT_PERCENT", "500", "environment: ARBBOT_TRADE__WEIGHT_PERCENT: should be less than"),
        (
            "ARBBOT_TRADE__WIEGHT_PERCENT",
            "5",
            "environment: ARBBOT_TRADE__WIEGHT_PERCENT: no such setting; did you mean trade.weight_percent?",
        ),
        ("ARBBOT_REST__LIMITS", "garbage", "environment: ARBBOT_REST__LIMITS: a table or list is written as JSON"),
        (
            "ARBBOT_REST__LIMITS",
            '[{"count": 10, "seconds": "x"}]',
            "environment: ARBBOT_REST__LIMITS, 0.seconds: should be a valid decimal, not 'x'",
        ),
        ("ARBBOT_MODUS", "paper", "environment: ARBBOT_MODUS: no such setting; did you mean ARBBOT_MODE?"),
        ("ARBBOT_REST__LIMITS", "many", "environment: "),
        ("ARBBOT_HEDGE__FORCE_S", "1", "environment: ARBBOT_HEDGE__FORCE_S: the exit is forced after waiting"),
    ],
)
def test_a_wrong_variable_is_named_as_it_is_written(
    name: str, value: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the environment names the variable."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith(line)
    assert "\n" not in str(caught.value)


FULL_FILE = Path(__file__).parents[2] / "settings.toml"


@pytest.mark.parametrize(
    ("name", "value", "blamed"),
    [
        ("ARBBOT_HEDGE__WAIT_S", "20", "environment: ARBBOT_HEDGE__WAIT_S: the exit"),
        ("ARBBOT_ROUTE__FX", "btcusd", "environment: ARBBOT_ROUTE__FX: three different markets"),
        ("ARBBOT_ROUTE__DOMESTIC", "btceur", "environment: ARBBOT_ROUTE__DOMESTIC: three different markets"),
        ("ARBBOT_TRADE__WEIGHT_PERCENT", "0.5", "environment: ARBBOT_TRADE__WEIGHT_PERCENT: dust"),
    ],
)
def test_of_keys_that_clash_the_changed_one_is_blamed(
    name: str, value: str, blamed: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside a file that spells every default out, the line names the variable that broke it."""
    (place / "settings.toml").write_text(FULL_FILE.read_text())
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith(blamed)


def test_a_weaker_source_is_blamed_when_it_alone_changed_something(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A variable that repeats the default is not at fault for what the file says."""
    (place / "settings.toml").write_text("[hedge]\nwait_s = 20")
    monkeypatch.setenv("ARBBOT_HEDGE__FORCE_S", "15.0")
    with pytest.raises(SettingsError) as caught:
        load()
    assert str(caught.value).startswith("settings.toml: hedge.wait_s: ")


def test_live_mode_wants_its_second_switch(place: Path) -> None:
    """Choosing live alone is refused with an exit code of its own; with the switch it is accepted."""
    error = refusal("", place, mode="live")
    assert error.code is ExitCode.LIVE_SWITCH
    assert "i_understand_real_money" in str(error)
    (place / "settings.toml").write_text('[live]\ni_understand_real_money = "yes"')
    settings = load(mode="live")
    assert settings.journal_full_sync
    assert not settings.recording_on


def test_live_mode_keeps_orders_over_a_power_cut(place: Path) -> None:
    """Live mode refuses the weaker journal."""
    error = refusal('[live]\ni_understand_real_money = "yes"\n[journal]\nsync = "normal"', place, mode="live")
    assert str(error).startswith("settings.toml: journal.sync: live mode needs full")


@pytest.mark.parametrize("host", ["127.0.0.1:8787", "localhost:8787", "[::1]:8787", "127.9.9.9"])
def test_an_exchange_on_this_machine_is_allowed_in_rehearsals(host: str, place: Path) -> None:
    """Sandbox and paper mode may name loopback, unencrypted too; a compressed rehearsal only there."""
    urls = f'rest_url = "http://{host}"\nws_url = "ws://{host}"'
    (place / "settings.toml").write_text(f"[sandbox]\n{urls}\nspeed = 60\n[paper]\n{urls}")
    settings = load()
    assert settings.venue.rest_url == f"http://{host}"
    assert settings.speed == Decimal(60)
    assert load(mode="paper").speed == Decimal(1)


def test_recording_and_sync_follow_the_mode_unless_set(place: Path) -> None:
    """Paper mode records by itself; what the operator sets wins."""
    assert (load(mode="paper").recording_on, load().recording_on) == (True, False)
    assert not load().journal_full_sync
    (place / "settings.toml").write_text('[recording]\nenabled = "off"\n[journal]\nsync = "full"')
    assert not load(mode="paper").recording_on
    assert load().journal_full_sync


def test_settings_cannot_be_changed() -> None:
    """Frozen, through and through."""
    settings = Settings()
    with pytest.raises(ValueError, match="frozen"):
        settings.mode = RunMode.LIVE  # type: ignore[misc]  # what must fail
    with pytest.raises(ValueError, match="frozen"):
        settings.trade.min_depth_levels = 1  # type: ignore[misc]  # what must fail
