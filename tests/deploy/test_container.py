"""The image and the compose file: run as they promise, and saying of the program what is true."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from arbbot.cli import main
from arbbot.domain.exit_codes import ExitCode
from arbbot.settings import Settings, read_sources
from arbbot.settings.options import RunMode
from tests.deploy.test_systemd import AFTER_THE_GRACE_S

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
FOLDER = ROOT / "deploy" / "container"
COMPOSE = (FOLDER / "compose.yaml").read_text()
REAL_MONEY = {"ARBBOT_MODE": "live", "ARBBOT_LIVE__I_UNDERSTAND_REAL_MONEY": "yes"}
DAEMON = COMPOSE.split("  datadog-agent:")[0]


def instructions(name: str) -> list[str]:
    """What follows an instruction, wherever it stands."""
    return [line.split(None, 1)[1] for line in DOCKERFILE.splitlines() if line.startswith(f"{name} ")]


def test_the_image_runs_the_program_itself() -> None:
    """Signals reach it, nobody is root, and what it writes is one volume."""
    assert json.loads(instructions("ENTRYPOINT")[-1]) == ["python", "-m", "arbbot"]
    assert json.loads(instructions("CMD")[-1]) == ["run"]
    assert instructions("STOPSIGNAL") == ["SIGTERM"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", instructions("USER")[-1])
    (volume,) = json.loads(instructions("VOLUME")[-1])
    assert f"ARBBOT_STATE_DIR={volume}" in DOCKERFILE
    assert "--require-hashes --only-binary :all:" in DOCKERFILE


def test_what_is_copied_into_the_image_is_let_in() -> None:
    """Everything else stays out of the build: no journal, no key, no checkout."""
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]}
    assert {word.split("/")[0] for word in copied} == let_in


def test_the_health_check_is_a_verb_that_fails_without_a_daemon(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The very words of the image, but for the socket's place."""
    words = json.loads(instructions("HEALTHCHECK")[0].split("CMD", 1)[1])
    assert words[:3] == ["python", "-m", "arbbot"]
    assert words[-2:] == ["--socket", f"{json.loads(instructions('VOLUME')[-1])[0]}/control.sock"]
    assert main([*words[3:-1], str(tmp_path / "control.sock")]) == ExitCode.DAEMON
    assert "no daemon answers" in capsys.readouterr().err


def test_compose_gives_a_stop_its_time() -> None:
    """More than the daemon's own grace; docker's usual 10 s would kill it in the middle."""
    grace = re.search(r"stop_grace_period: (\d+)s", DAEMON)
    assert grace is not None
    assert int(grace[1]) >= Settings().account.stop_grace_s + AFTER_THE_GRACE_S
    for word in ("read_only: true", "cap_drop: [ALL]", "no-new-privileges:true", "restart: on-failure"):
        assert word in DAEMON


def test_what_compose_wants_is_what_its_page_prepares() -> None:
    """The keys lie where it looks for them, and what it takes from outside stands in the file that each command reads;
    neither gets into git.
    """
    page = (FOLDER / "README.md").read_text()
    installed = re.findall(r"^install .* (\S+)$", page, re.MULTILINE)
    secrets = re.findall(r"^  \w+: \{ file: \./(.*) \}$", COMPOSE, re.MULTILINE)
    assert {f"deploy/container/{each}" for each in secrets} <= set(installed)
    assert "deploy/container/.env" in installed
    assert not re.search(r"[A-Z_]+=\S+ docker compose", page), "the next command would forget it"
    told = dict(re.findall(r"^([A-Z_]+)=(.*)$", page, re.MULTILINE))
    assert set(told) == set(re.findall(r"\$\{(\w+)", COMPOSE))
    assert {name: told[name] for name in REAL_MONEY} == REAL_MONEY
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert {"deploy/container/.env", "deploy/container/secrets/"} <= set(ignored)


def test_compose_sets_what_there_is_to_set() -> None:
    """Each variable is a setting, its value is accepted, and the page is published on this machine alone."""
    given = re.findall(r"^ +(ARBBOT_\w+): (.+)$", DAEMON, re.MULTILINE)
    variables = {name: re.sub(r"\$\{\w+:-(\w+)\}", r"\1", value.strip("'\"")) for name, value in given}
    assert len(variables) >= 6
    settings = read_sources(environ=variables).settings()
    assert read_sources(environ={**variables, **REAL_MONEY}).settings().mode is RunMode.LIVE
    assert all((name, f"${{{name}:-{variables[name]}}}") in given for name in REAL_MONEY), "passed through from outside"
    assert settings.dashboard.names == ("127.0.0.1:8780", "localhost:8780")
    assert all(str(path).startswith("/run/secrets/") for path in (settings.keys.key_file, settings.keys.secret_file))
    (agent,) = re.findall(r"env_file: (\S+)", COMPOSE)
    told = (FOLDER / agent).read_text()
    assert f"DD_DOGSTATSD_SOCKET={(settings.telemetry.statsd or '').removeprefix('unix://')}\n" in told
    assert f'ports: ["127.0.0.1:{settings.dashboard.port}:{settings.dashboard.port}"]' in DAEMON
