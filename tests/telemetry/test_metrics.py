from __future__ import annotations

import socket
from pathlib import Path

import pytest

from arbbot.telemetry.address import Agent, parse_agent
from arbbot.telemetry.metrics import TAG_VALUES_MAX, Metrics, UndeclaredMetric
from arbbot.telemetry.redact import Redactor
from tests.telemetry.conftest import TAGS, UdpAgent


def test_a_declared_metric_reaches_the_agent_with_all_its_tags(agent: UdpAgent) -> None:
    """What is emitted arrives by UDP under the namespace, with the constant tags of the process."""
    metrics = Metrics(parse_agent(agent.address), TAGS, Redactor())
    metrics.count("hedges.closed", 2, outcome="completed")
    metrics.gauge("exposure.low", -0.25)
    metrics.distribution("orders.answer_ms", 12.5, market="btcusd")
    assert agent.received() == []  # buffered until flushed
    metrics.close()
    constant = "venue:bitstamp,mode:sandbox,route:btc-usd-eur"
    assert agent.received() == [
        f"arbbot.hedges.closed:2|c|#outcome:completed,{constant}",
        f"arbbot.exposure.low:-0.25|g|#{constant}",
        f"arbbot.orders.answer_ms:12.5|d|#market:btcusd,{constant}",
    ]


def test_checks_and_events_reach_the_agent(agent: UdpAgent) -> None:
    """Service checks and events go out by the names the monitors ask for."""
    metrics = Metrics(parse_agent(agent.address), TAGS, Redactor())
    metrics.service_check("feed", 2, "gone")
    metrics.event("stopped", "exit code 0", "info")
    metrics.close()
    check, event = agent.received()
    assert check.startswith("_sc|arbbot.feed|2|")
    assert "stopped|exit code 0" in event


def test_a_unix_socket_works_too(tmp_path: Path) -> None:
    """The agent may listen on a Unix socket."""
    path = tmp_path / "dsd.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        metrics = Metrics(parse_agent(f"unix://{path}"), TAGS, Redactor())
        metrics.count("starts")
        metrics.close()
        assert receiver.recv(4096).startswith(b"arbbot.starts:1|c|")


@pytest.mark.parametrize("where", ["closed port", "no socket", "nowhere"])
def test_a_dead_agent_changes_nothing(where: str, agent: UdpAgent, tmp_path: Path) -> None:
    """With nobody listening, with no socket file and with no agent set, emitting neither raises nor blocks."""
    agent.close()
    addresses = {"closed port": agent.address, "no socket": f"unix://{tmp_path}/none"}
    target = parse_agent(addresses[where]) if where in addresses else None
    metrics = Metrics(target, TAGS, Redactor())
    for number in range(500):
        metrics.gauge("exposure.low", number)
        metrics.flush()
    metrics.event("stopped", "x", "info")
    metrics.service_check("feed", 0)
    metrics.close()


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        ("no.such.metric", {}),
        ("hedges.closed", {}),
        ("hedges.closed", {"outcome": "completed", "market": "x"}),
        ("exposure.low", {}),
    ],
)
def test_what_is_not_declared_so_is_a_mistake(name: str, tags: dict[str, str]) -> None:
    """An unknown name, missing or extra tags and the wrong type each raise, agent or no agent."""
    with pytest.raises(UndeclaredMetric):
        Metrics(None, TAGS, Redactor()).count(name, 1, **tags)


def test_tags_stay_a_closed_set(agent: UdpAgent) -> None:
    """Values that are no names, secrets, and more names than any closed set has, all become "other"."""
    redactor = Redactor()
    redactor.learn("sesame-open")
    metrics = Metrics(parse_agent(agent.address), {}, redactor)
    for value in ("Not A Name", "x" * 100, "sesame-open", ""):
        metrics.count("refusals", refusal=value)
    for number in range(TAG_VALUES_MAX + 10):
        metrics.count("refusals", refusal=f"name{number}")
    metrics.close()
    values = [line.split("refusal:")[1] for line in agent.received()]
    assert values[:4] == ["other"] * 4
    assert len(set(values)) == TAG_VALUES_MAX + 1


def test_events_carry_no_secret(agent: UdpAgent) -> None:
    """A secret in an event's text or a check's message is blotted out."""
    redactor = Redactor()
    redactor.learn("sesame-open")
    metrics = Metrics(parse_agent(agent.address), {}, redactor)
    metrics.event("sesame-open", "text with sesame-open", "error")
    metrics.service_check("feed", 1, "sesame-open")
    metrics.close()
    output = "".join(agent.received())
    assert "sesame" not in output
    assert output.count("[secret]") == 3


def test_half_a_character_costs_no_packet(agent: UdpAgent) -> None:
    """What a venue wrote into a reason goes out with the rest of its packet."""
    metrics = Metrics(parse_agent(agent.address), {}, Redactor())
    metrics.event("halted", "half \ud800", "error")
    metrics.service_check("feed", 1, "half \ud800")
    metrics.count("starts")
    metrics.close()
    assert len(agent.received()) == 3
    assert metrics.packets_lost == 0


@pytest.mark.parametrize(
    ("address", "agent_"),
    [
        ("127.0.0.1:8125", Agent("127.0.0.1", 8125, None)),
        ("[::1]:8125", Agent("::1", 8125, None)),
        ("unix:///var/run/datadog/dsd.socket", Agent(None, None, "/var/run/datadog/dsd.socket")),
    ],
)
def test_literal_addresses_are_understood(address: str, agent_: Agent) -> None:
    """IPv4, IPv6 and a Unix socket path."""
    assert parse_agent(address) == agent_


@pytest.mark.parametrize(
    "address", ["localhost:8125", "datadog-agent:8125", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:x", "unix://rel", ""]
)
def test_host_names_and_nonsense_are_refused(address: str) -> None:
    """A name that would have to be resolved on every packet is refused before anything starts."""
    with pytest.raises(ValueError, match="agent address"):
        parse_agent(address)


@pytest.mark.parametrize("where", ["closed port", "no socket"])
def test_packets_that_nobody_takes_are_counted(where: str, agent: UdpAgent, tmp_path: Path) -> None:
    """A packet lost is a packet counted, also when the buffer overflows between two flushes."""
    agent.close()
    target = parse_agent(agent.address if where == "closed port" else f"unix://{tmp_path}/none")
    metrics = Metrics(target, TAGS, Redactor())
    for number in range(500):
        metrics.gauge("exposure.low", number)
    metrics.flush()
    lost = metrics.packets_lost
    assert lost > 0
    metrics.gauge("exposure.low", 1)
    metrics.flush()
    metrics.gauge("exposure.low", 1)
    metrics.close()
    assert metrics.packets_lost > lost


def test_an_agent_that_does_not_read_blocks_nothing(tmp_path: Path) -> None:
    """A Unix socket whose queue is full takes no more: dropped at once, counted, and with room again it goes on."""
    path = tmp_path / "dsd.socket"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
        receiver.bind(str(path))
        receiver.setblocking(False)
        metrics = Metrics(parse_agent(f"unix://{path}"), TAGS, Redactor())
        for number in range(5_000):
            metrics.gauge("exposure.low", number)
            metrics.flush()
        assert 0 < metrics.packets_lost < 5_000
        lost, taken = metrics.packets_lost, 0
        while taken < 5_000 - lost:
            receiver.recv(65_536)
            taken += 1
        metrics.gauge("exposure.low", -1)
        metrics.close()
        assert receiver.recv(65_536).startswith(b"arbbot.exposure.low:-1|g")
        assert metrics.packets_lost == lost


def test_an_agent_that_comes_back_is_found(tmp_path: Path) -> None:
    """A socket that was not there, or was made anew by a restarted agent, gets the next packets."""
    path = tmp_path / "dsd.socket"
    metrics = Metrics(parse_agent(f"unix://{path}"), TAGS, Redactor())
    for _ in range(2):
        metrics.gauge("exposure.low", 1)
        metrics.flush()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(str(path))
            for _ in range(2):  # the first may still go where the old one was
                metrics.gauge("exposure.low", 2)
                metrics.flush()
            assert receiver.recv(4096).startswith(b"arbbot.exposure.low:2|g")
        path.unlink()
    metrics.close()


def test_checks_are_repeated_as_they_stand(agent: UdpAgent) -> None:
    """An agent that is new hears of each check, the last word of each, and of none that was never told."""
    metrics = Metrics(parse_agent(agent.address), TAGS, Redactor())
    metrics.repeat_checks()
    metrics.service_check("feed", 2, "gone")
    metrics.service_check("feed", 0)
    metrics.flush()
    agent.received()
    metrics.repeat_checks()
    metrics.close()
    assert [line.split("|")[1:3] for line in agent.received()] == [["arbbot.feed", "0"]]
