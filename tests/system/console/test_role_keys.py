"""A whole deployment with its console: each role has a key by which the services know it, refuse what it may not do,
and say in their audit rows who it was."""

from collections.abc import AsyncIterator, Callable, Iterator
from importlib import import_module

import httpx2
import pytest

from services.console.domain.roles import AUTHORITY, ROLES, Role, key_name
from services.console.upstream.domain.faults import NotAllowed
from services.console.upstream.domain.told import Told
from shared.http.guard import Guard, ScopedRoute
from shared.http.keys import ANY_KEY
from shared.postgres.setup import CONSOLE, PROCESSES, SERVICES
from tests.conftest import TestDatabase
from tests.system.console.deployment import Deployment, deployed
from tests.waiting import until
from u2c.deployment.cluster import ClusterOptions


@pytest.fixture
async def deployment(
    cluster_options: Callable[..., ClusterOptions], database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Deployment]:
    options = cluster_options(services=PROCESSES, restart=False, environment={CONSOLE: {"U2C_DEMO": "true"}})
    async with deployed(options, database, monkeypatch) as running:
        yield running


async def test_each_role_does_what_it_may_and_nothing_else(deployment: Deployment) -> None:
    await _signs_in_at_the_process_itself(deployment)
    await _is_refused_by_the_services(deployment)
    await _stands_in_the_audit_rows(deployment)


async def _signs_in_at_the_process_itself(deployment: Deployment) -> None:
    url = deployment.cluster.urls[CONSOLE]
    said = {"Sec-Fetch-Site": "same-origin"}
    async with httpx2.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
        done = await client.post("/sign-in/demo", data={"role": "leader", "next": "/account"}, headers=said)
        assert (done.status_code, done.headers["location"]) == (303, "/account"), done.text

        async def knows_the_time() -> bool:
            page = await client.get("/account")
            return page.status_code == 200 and "<dt>Business time</dt>" in page.text and "UTC" in page.text

        await until(knows_the_time, "the page with rating's clock")


async def _is_refused_by_the_services(deployment: Deployment) -> None:
    """By every route of every service that the role has no scope for."""
    refused = 0
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as client:
        for role in ROLES:
            headers = {"Authorization": f"Bearer {deployment.keys[key_name(role)]}", "U2C-Actor": f"a-{role}"}
            for service in SERVICES:
                me = (await client.get(f"{deployment.cluster.urls[service]}/v1/me", headers=headers)).json()
                assert (me["name"], set(me["scopes"])) == (key_name(role), set(AUTHORITY[role].scopes))
                assert set(me["seats"]) == set(AUTHORITY[role].seats)
                for method, path in _not_for(role, service):
                    url = f"{deployment.cluster.urls[service]}{path}"
                    answer = await client.request(method, url, headers=headers)
                    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing"), (
                        f"{role} {url}"
                    )
                    refused += 1
    assert refused > 100


def _not_for(role: Role, service: str) -> Iterator[tuple[str, str]]:
    app = import_module(f"services.{service}.main").app
    [guard] = [middleware for middleware in app.user_middleware if middleware.cls is Guard]
    routes: tuple[ScopedRoute, ...] = guard.kwargs["routes"]
    for one in routes:
        if set(one.scopes) - {ANY_KEY, *AUTHORITY[role].scopes}:
            path = one.route.path.format(**dict.fromkeys(one.route.param_convertors, "x"))
            yield from ((method, path) for method in one.route.methods or ())


async def _stands_in_the_audit_rows(deployment: Deployment) -> None:
    """And a form that is sent twice is one effect."""
    plan = {"plan": "pro", "currency": "USD"}
    for _ in range(2):
        made = await deployment.services("finance").change("rating", "POST", "/v1/plans", document=plan)
        assert made.document["plan"] == "pro"
    with pytest.raises(NotAllowed, match="contracts:write"):
        await deployment.services("leader").change("rating", "POST", "/v1/plans", document=plan)
    rows = await deployment.services("admin").get("rating", "/v1/audit", verb="put_plan")
    assert isinstance(rows, Told)
    assert [(row["actor"], row["verb"]) for row in rows.document["data"]] == [("a-finance", "put_plan")]
