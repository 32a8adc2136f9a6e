"""The command lines of both simulations: what plays nothing, or asks for what is not there, is no success."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from tests.shell import command as shell
from tests.sim import command as core

Main = Callable[[Sequence[str] | None], int]


@pytest.mark.parametrize(
    ("main", "arguments"),
    [
        *((core.main, each) for each in ("--seeds 0", "--seeds -3", "--jobs 0", "--hash 0 0", "--shrink", "--seeds x")),
        *((shell.main, each) for each in ("--seeds 0", "--processes 0", "--stride 0", "--stride -1", "--shorten")),
        *((shell.main, each) for each in ("--days 0", "--days -1", "--days nan", "--days inf", "--scenes --days 1")),
    ],
)
def test_nothing_to_play_is_wrong_usage(main: Main, arguments: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and a line that names the option; nothing is played and no promise said to hold."""
    with pytest.raises(SystemExit) as left:
        main(arguments.split())
    told = capsys.readouterr()
    assert left.value.code == 2
    assert told.out == ""
    assert arguments.split()[0] in told.err.splitlines()[-1]


@pytest.mark.parametrize("main", [core.main, shell.main])
def test_help_tells_defaults_examples_and_exit_codes(main: Main, capsys: pytest.CaptureFixture[str]) -> None:
    """So that nobody has to read the source."""
    with pytest.raises(SystemExit) as left:
        main(["--help"])
    told = capsys.readouterr().out
    assert left.value.code == 0
    assert all(word in told for word in ("default 0", "examples:", "exit codes: 0"))
