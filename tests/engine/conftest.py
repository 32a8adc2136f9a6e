from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from arbbot.engine.rules import Rules
from tests.engine.rig import RULES, Rig

MakeRig = Callable[..., Rig]


@pytest.fixture
def make_rig() -> Iterator[MakeRig]:
    """Rigs that are held, at the end of the test, to what must always be true."""
    made: list[Rig] = []

    def make(rules: Rules = RULES) -> Rig:
        rig = Rig(rules)
        made.append(rig)
        return rig

    yield make
    for rig in made:
        rig.check()


@pytest.fixture
def rig(make_rig: MakeRig) -> Rig:
    """The usual rig."""
    return make_rig()
