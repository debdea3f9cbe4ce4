"""A whole deployment: up, killed, back, and gone without a trace."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import httpx2
import psutil
import pytest

from shared.environment_fault import EnvironmentFault
from shared.postgres.embedded import EmbeddedPostgres
from shared.postgres.setup import PROCESSES, SERVICES
from tests.conftest import TestDatabase
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.state import ROOT

BACK_TIMEOUT_S = 60
STOP_TIMEOUT_S = 30


async def test_all_services_answer_know_the_key_and_come_back_when_killed(
    cluster_options: Callable[..., ClusterOptions],
) -> None:
    told: list[str] = []
    async with Cluster(cluster_options(report=told.append)) as cluster:
        pids = cluster.pids()
        assert set(pids) == set(SERVICES)
        async with httpx2.AsyncClient(trust_env=False) as client:
            for service in SERVICES:
                assert (await client.get(f"{cluster.urls[service]}/readyz")).status_code == 200
            refused = await client.get(f"{cluster.urls['billing']}/v1/invoices")
            taken = await client.get(
                f"{cluster.urls['billing']}/v1/invoices",
                headers={"Authorization": f"Bearer {cluster.admin_key}"},
            )
            assert (refused.status_code, taken.status_code) == (401, 200)
        cluster.kill("billing")
        async with asyncio.timeout(BACK_TIMEOUT_S):
            while cluster.pids().get("billing", pids["billing"]) == pids["billing"]:
                await asyncio.sleep(0.05)
        await cluster.wait_ready("billing")
        assert any("billing ended with -9" in line for line in told)
        last = cluster.pids()
    assert not [pid for pid in last.values() if psutil.pid_exists(pid)]


async def test_a_fresh_deployment_starts_at_the_instant_asked_for(
    cluster_options: Callable[..., ClusterOptions], database: TestDatabase
) -> None:
    instant = datetime(2013, 1, 1, tzinfo=UTC)
    async with Cluster(cluster_options(services=("signals",), clock_at=instant, restart=False)):
        connection = await asyncpg.connect(database.admin_url)
        assert await connection.fetchval("select moved_to from clock.business") == instant
        await connection.close()


@pytest.mark.parametrize(("known", "asked"), [("postgres", "kafka"), ("kafka", "postgres")])
async def test_a_book_of_another_bus_is_refused_before_a_service_starts(
    cluster_options: Callable[..., ClusterOptions],
    database: TestDatabase,
    known: str,
    asked: str,
) -> None:
    connection = await asyncpg.connect(database.admin_url)
    await connection.execute("insert into bus.cluster (kind, cluster_id) values ($1, 'the first')", known)
    await connection.close()
    told: list[str] = []
    cluster = Cluster(cluster_options(bus=asked, report=told.append))
    with pytest.raises(
        EnvironmentFault, match=f"positions of bus {known}:the first, but the configured bus is {asked}"
    ) as fault:
        await cluster.start()
    assert f"--bus {known}" in fault.value.remedy and "--database NAME" in fault.value.remedy
    assert (cluster.processes, told) == ({}, [])


@pytest.fixture
def up(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`u2c up --json` in a state folder of its own; its data is deleted afterwards."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("U2C_")}
    command = [sys.executable, "-m", "u2c", "up", "--base-port", "0", "--json"]
    with subprocess.Popen(
        command, env={**environment, "U2C_STATE": str(tmp_path)}, cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        process.kill()
    EmbeddedPostgres(tmp_path).remove()


@pytest.mark.long
def test_up_prints_one_object_serves_and_ends_all_at_sigterm(up: subprocess.Popen[str]) -> None:
    assert up.stdout is not None
    document = json.loads(up.stdout.readline())
    pids = document["pids"]
    assert set(pids) == {*PROCESSES, "postgres"}
    answer = httpx2.get(f"{document['urls']['usage_ingest']}/healthz", trust_env=False)
    assert answer.status_code == 200
    up.send_signal(signal.SIGTERM)
    assert up.wait(STOP_TIMEOUT_S) == 0
    assert up.stdout.read() == ""
    assert not [pid for pid in pids.values() if psutil.pid_exists(pid)]


@pytest.mark.long
def test_services_do_not_survive_a_command_that_is_killed(up: subprocess.Popen[str]) -> None:
    assert up.stdout is not None
    pids = json.loads(up.stdout.readline())["pids"]
    up.kill()
    up.wait()
    processes = [psutil.Process(pid) for pid in pids.values() if psutil.pid_exists(pid)]
    _gone, alive = psutil.wait_procs(processes, timeout=STOP_TIMEOUT_S)
    assert alive == []
