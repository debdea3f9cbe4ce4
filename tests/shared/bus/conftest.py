"""Tests of the bus kill their server."""

import pytest

from tests.conftest import TestServer


@pytest.fixture(scope="session")
def postgres_server(durable_server: TestServer) -> TestServer:
    """Overrides the run's server for this folder."""
    return durable_server
