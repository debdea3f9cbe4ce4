"""One law for names, through the real services on both buses: what is answered 2xx can be found and asked for
by its names, whatever they are."""

import asyncio
import os
import unicodedata
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from itertools import count

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

from tests.conftest import Sized
from tests.system.spine.names import EVENTS, Asker, Sent, segment, spellings
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.kafka_broker import KafkaBroker, missing

CODES = {"name_character", "name_length"}
NEEDS_KAFKA = pytest.mark.skipif(
    missing() is not None and os.environ.get("U2C_REQUIRE_KAFKA") != "1",
    reason=f"Kafka cannot run here: {missing()}",
)
ODD = [
    "a/b",
    "a%2Fb",
    "100%",
    "a?b=c",
    "a#b",
    "a b c",
    "acme.html",
    "a:b",
    "👩\u200d💻/❤\ufe0f\u200d🔥",
    "x" * 255,
    "é" * 255,
    "😀" * 255,
]
LOOK_ALIKES = [
    "caf\u00e9",
    "cafe\u0301",
    "caf\u00e9 ",
    " caf\u00e9",
    "caf\u200b\u00e9",
    "caf\u00ad\u00e9",
    "\ufeffcaf\u00e9",
    "caf\u00e9\u00a0",
    "caf\u2060\u00e9",
    "caf\u200d\u00e9",
]


@contextmanager
def on_bus(bus: str, folders: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What a deployment on this bus needs: options of its cluster."""
    if bus == "postgres":
        yield {}
        return
    broker = KafkaBroker(folders.mktemp("kafka"))
    broker.start()
    try:
        yield {"bus": bus, "kafka_brokers": broker.brokers}
    finally:
        broker.stop()


@pytest.fixture(params=["postgres", pytest.param("kafka", marks=[NEEDS_KAFKA, pytest.mark.long])])
async def asker(
    request: pytest.FixtureRequest,
    cluster_options: Callable[..., ClusterOptions],
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Asker]:
    with on_bus(request.param, tmp_path_factory) as options:
        async with Cluster(cluster_options(restart=False, **options)) as cluster:
            asker = Asker(cluster.urls, cluster.admin_key)
            meter = {"meter": "calls", "event_type": "call", "aggregation": "count"}
            assert (await asyncio.to_thread(asker.ask, "rating", "/v1/meters", meter))[0] == 201
            yield asker


@pytest.mark.timeout(600)
async def test_whatever_is_answered_2xx_is_found_by_its_names(asker: Asker, sized: Sized) -> None:
    await asyncio.to_thread(hold, asker, sized(2, 10, 25))


def hold(asker: Asker, examples: int) -> None:
    contracts = count()

    @settings(
        max_examples=examples,
        database=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(sent=EVENTS)
    @example(sent=[Sent("crm", f"e{n}", "call", subject) for n, subject in enumerate(ODD)])
    @example(
        sent=[
            Sent(source, name, "call", "caf\u00e9") for source in ("crm", "x" * 1024) for name in LOOK_ALIKES
        ]
    )
    def law(sent: list[Sent]) -> None:
        status, answer = asker.ask("usage_ingest", "/v1/events", [event.cloud_event() for event in sent])
        assert status == 202, answer
        refused = {
            result["index"]: result["code"]
            for result in answer["results"]
            if result["status"] == "quarantined"
        }
        assert set(refused.values()) <= CODES
        taken = [event for index, event in enumerate(sent) if index not in refused]
        for index in refused:
            is_quarantined(asker, sent[index], refused[index])
        for event in taken:
            is_explained(asker, event)
        for subject in {event.subject: None for event in taken}:
            can_be_asked_for(asker, subject, f"c-{next(contracts)}")
        voids_are_found(asker, sent)

    law()


def is_quarantined(asker: Asker, event: Sent, code: str) -> None:
    for source, name in zip(sorted(spellings(event.source)), sorted(spellings(event.id)), strict=False):
        rows = asker.found(
            "usage_ingest", "/v1/quarantine", lambda answer: answer["data"], source=source, id=name, code=code
        )["data"]
        assert {(row["by"], row["status"]) for row in rows} == {("door", "open")}


def is_explained(asker: Asker, event: Sent) -> None:
    for source in spellings(event.source):
        for name in spellings(event.id):
            found = asker.found(
                "rating",
                "/v1/events/explain",
                lambda answer: answer["verdict"] != "unknown",
                source=source,
                id=name,
            )
            assert (found["source"], found["id"]) == (composed(event.source), composed(event.id))


def can_be_asked_for(asker: Asker, subject: str, contract: str) -> None:
    """A customer of that name, its contract, and every route that names it, in all four services."""
    status, answer = asker.ask("rating", "/v1/customers", {"external_id": subject, "name": "x"})
    if subject in (".", ".."):
        assert status == 422
        return
    assert status in (201, 409), answer
    terms = {
        "contract": contract,
        "customer": subject,
        "currency": "USD",
        "timezone": "UTC",
        "term": {"start": "2024-01-01", "months": 1200},
        "lines": [{"key": "fee", "kind": "recurring", "amount": "1"}],
    }
    assert asker.ask("rating", "/v1/contracts", terms)[0] == 201
    for spelling in spellings(subject):
        part = segment(spelling)
        assert asker.found("rating", f"/v1/customers/{part}")["external_id"] == composed(subject)
        assert asker.found("rating", f"/v1/customers/{part}/cost")["customer"] == composed(subject)
        assert contract in [
            row["contract"] for row in asker.found("rating", "/v1/contracts", customer=spelling)["data"]
        ]
        assert asker.found("rating", "/v1/usage", meter="calls", customer=spelling)["customer"] == composed(
            subject
        )
        for path in ("/v1/suspense", "/v1/statements"):
            asker.found("rating", path, customer=spelling)
        for path in ("/v1/invoices", "/v1/journal", "/v1/reconciliation/events", "/v1/held-late"):
            asker.found("billing", path, customer=spelling)
        assert asker.found("signals", f"/v1/customers/{part}/signals")["customer"] == composed(subject)
        assert asker.found("signals", f"/v1/customers/{part}/activity")["customer"] == composed(subject)
        asker.found("signals", "/v1/signals", customer=spelling)


def voids_are_found(asker: Asker, sent: list[Sent]) -> None:
    """A void has no quarantine: it is refused, or there."""
    for event in sent[:4]:
        status, answer = asker.ask(
            "usage_ingest", "/v1/events/void", {"source": event.source, "id": event.id}
        )
        assert status in (202, 422), answer
        if status == 202:
            asker.found(
                "rating",
                "/v1/events/explain",
                lambda answer: answer["void"] is not None,
                source=event.source,
                id=event.id,
            )


def composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)
