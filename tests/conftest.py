"""Fixtures that every kind of test uses."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("anyrig", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("anyrig")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
