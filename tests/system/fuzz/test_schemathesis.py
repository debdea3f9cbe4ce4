"""Whatever is sent to any route of any service: never a 5xx, never a status or a shape its OpenAPI document
does not name."""

import asyncio
import re
from collections.abc import Callable

import httpx2
import pytest

from shared.postgres.setup import SERVICES
from tests.conftest import Sized
from tests.system.fuzz.contract import EXCLUDED, Findings, fuzz
from tests.system.fuzz.things import things
from u2c.deployment.cluster import Cluster, ClusterOptions

OPERATIONS_MIN = 40


@pytest.mark.timeout(600)
async def test_cases_of_every_route(cluster_options: Callable[..., ClusterOptions], sized: Sized) -> None:
    cases_max = sized(1, 5, 10)  # of an operation, that fit; and as many that do not
    async with Cluster(cluster_options(restart=False)) as cluster:
        known = await things(cluster)
        found = [
            await asyncio.to_thread(fuzz, cluster.urls[service], cluster.admin_key, cases_max, known)
            for service in SERVICES
        ]
        assert cluster.pids().keys() >= set(SERVICES), "a service died"
        for service in SERVICES:
            await _refuses_unknown_parameters(cluster, service)
            await _refuses_unasked_bodies(cluster, service)
    faults = [f"{what}: {first}" for findings in found for what, first in findings.faults.items()]
    assert not faults, "\n\n".join(faults)
    _worth_it(found)


async def _refuses_unknown_parameters(cluster: Cluster, service: str) -> None:
    """A misspelt filter is refused by every route, whatever else it takes: an answer to another question
    looks like a good one."""
    headers = {"Authorization": f"Bearer {cluster.admin_key}"}
    async with httpx2.AsyncClient(
        base_url=cluster.urls[service], headers=headers, trust_env=False, timeout=30
    ) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        asked = [
            (verb, re.sub(r"{\w+}", "x", path))
            for path, verbs in paths.items()
            if path.startswith("/v1/")
            for verb in verbs
        ]
        answers = [
            (verb, path, await client.request(verb, path, params={"custmer": "UA"})) for verb, path in asked
        ]
    assert answers
    for verb, path, answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "query_parameter_unknown"), (
            f"{verb} {path}: {answer.text}"
        )


async def _refuses_unasked_bodies(cluster: Cluster, service: str) -> None:
    """So is a body by every route whose document names none."""
    headers = {"Authorization": f"Bearer {cluster.admin_key}"}
    async with httpx2.AsyncClient(
        base_url=cluster.urls[service], headers=headers, trust_env=False, timeout=30
    ) as client:
        paths = (await client.get("/openapi.json")).json()["paths"]
        for path, verbs in paths.items():
            for verb in verbs.keys() - {"get"}:
                if path.startswith("/v1/") and "requestBody" not in verbs[verb]:
                    answer = await client.request(verb, re.sub(r"{\w+}", "x", path), json={"by": "maria"})
                    assert (answer.status_code, answer.json()["code"]) == (422, "body_not_taken"), (
                        f"{verb} {path}: {answer.text}"
                    )


def _worth_it(found: list[Findings]) -> None:
    """A run that only met closed doors would hold too: most routes must have been seen to succeed, and to
    refuse."""
    answers = {
        label: {status for findings in found for other, status in findings.answers if other == label}
        for findings in found
        for label, _ in findings.answers
    }
    assert len(answers) >= OPERATIONS_MIN
    assert not EXCLUDED.keys() & answers.keys()
    assert sum(any(status < 300 for status in statuses) for statuses in answers.values()) > len(answers) // 3
    assert not any(status == 401 for statuses in answers.values() for status in statuses)
