"""All scenes that the run asks for are played together, once; each test then asks for the ending of its own."""

from __future__ import annotations

import pytest

from tests.e2e.playbill import Played, Scene, play_all


@pytest.fixture(scope="session")
def played(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Played:
    """How every selected scene of every module here ended; `pytest -s` prints the table."""
    wanted: dict[str, Scene] = {}
    for item in request.session.items:
        params = getattr(getattr(item, "callspec", None), "params", {})
        if "scene" in params:
            wanted[params["scene"]] = getattr(item, "module").SCENES[params["scene"]]  # noqa: B009 - pytest's Item has none
    played = play_all(tmp_path_factory.mktemp("scenes"), wanted)
    print(f"\n{played.table()}")  # noqa: T201 - the table is a result of its own
    return played
