"""How far a service is behind, in one cheap row: nothing while all is in its figures, and since when while something
waits."""

from datetime import datetime
from importlib import import_module
from typing import Any

import pytest

from shared.postgres.setup import SERVICES
from shared.topics.usage_ingest import USAGE_EVENTS
from tests.conftest import TestDatabase
from tests.services.rating.deployment import Deployment, event, folder_held, utc
from tests.serving import serving
from tests.waiting import until


async def _read(deployment: Deployment) -> Any:
    answer = await deployment.client.get("/v1/freshness")
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_says_how_fresh_it_is(name: str) -> None:
    paths = import_module(f"services.{name}.main").app.openapi()["paths"]
    answer = paths["/v1/freshness"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/FreshnessAnswer"}


async def test_usage_is_fresh_once_it_is_folded(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving("rating", database, monkeypatch, reprice_min_s="0") as (context, client):
        rating = Deployment(database, context, client)
        first = await _read(rating)
        assert (first["service"], first["lag_s"], first["records"]) == ("rating", 0, 0)
        await rating.send(event("one", "acme", utc("2024-01-01T10:00:00")))
        await rating.metered()
        async with folder_held(rating):
            sent = event("two", "acme", utc("2024-01-01T11:00:00"))
            await rating.send(sent)

            async def behind() -> Any:
                found = await _read(rating)
                return found if found["lag_s"] and not found["records"] else None

            waiting = await until(behind)
            assert 0 < waiting["lag_s"] < 3600
        await rating.metered()
        again = await _read(rating)
        assert (again["lag_s"], again["records"]) == (0, 0)
        assert again["covers_until"] > waiting["covers_until"]


async def test_one_partition_that_is_stuck_is_behind_however_far_the_others_are(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving("rating", database, monkeypatch, reprice_min_s="0") as (context, client):
        rating, bus, topic = Deployment(database, context, client), context.bus, USAGE_EVENTS.name
        await rating.send(event("one", "acme", utc("2024-01-01T10:00:00")))
        await rating.metered()
        [stuck] = [partition for partition, head in (await bus.heads(topic)).items() if head]
        written = await bus.written_at(topic, stuck, 0)
        await rating.send(*(event(f"e{n}", "acme", utc("2024-01-01T11:00:00")) for n in range(20)))
        await rating.metered()
        assert sum(head > 0 for head in (await bus.heads(topic)).values()) > 1
        assert ((await _read(rating))["lag_s"], (await _read(rating))["records"]) == (0, 0)
        positions = bus.positions

        async def as_if_stuck(group: str, of: str) -> Any:
            return {**await positions(group, of), **({stuck: 0} if of == topic else {})}

        monkeypatch.setattr(bus, "positions", as_if_stuck)
        behind = await _read(rating)
        assert behind["records"] == (await bus.heads(topic))[stuck]
        assert written is not None and behind["lag_s"] > 0
        assert datetime.fromisoformat(behind["covers_until"]) == written

        async def says_nothing(topic: str, partition: int, offset: int) -> None: ...

        monkeypatch.setattr(bus, "written_at", says_nothing)
        unknown = await _read(rating)
        assert (unknown["covers_until"], unknown["lag_s"]) == (None, None)
