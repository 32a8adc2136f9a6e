"""What all tests share: exact decimals, and property tests that give the same cases every time."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from arbbot.domain.money import use_exact_context

settings.register_profile(
    "repeatable",
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _exact_money() -> None:
    """Money is computed under the same decimal context as in the daemon."""
    use_exact_context()
