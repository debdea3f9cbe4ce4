"""The order in which usage passes the services, and every wait, follow from the topic table: one more link of
the chain is a row of it."""

from collections import Counter
from dataclasses import dataclass, field, replace
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import pytest

from services.rating.clock import usecases as clock
from shared.bus.waiting import until_heard
from shared.postgres.setup import SERVICES
from shared.topics import ALL, Topic, TopicKind
from shared.topics.graph import GRAPH, Graph, Hearing
from shared.topics.registry import fields
from shared.topics.usage_ingest import USAGE_EVENTS, UsageMessage

CHAIN = ("usage_ingest", "rating", "billing", "signals")


def facts(name: str, producer: str, *consumers: str) -> Topic:
    return Topic(name, UsageMessage, TopicKind.FACT, fields("id"), producer, consumers)


def with_topics(*more: Topic) -> Graph:
    return Graph({**ALL, **{topic.name: topic for topic in more}}.values())


#: A service between the door and rating: it hears events and says them again, enriched.
ENRICHED = with_topics(
    replace(USAGE_EVENTS, consumers=("enricher",)), facts("usage.enriched", "enricher", "rating")
)
#: A sixth link: a ledger hears documents and tells signals.
LEDGER = with_topics(
    replace(ALL["billing.documents"], consumers=("signals", "ledger")),
    facts("ledger.entries", "ledger", "signals"),
)


def test_usage_passes_the_services_in_the_order_of_what_they_tell_each_other() -> None:
    assert GRAPH.order == CHAIN
    assert set(CHAIN) == set(SERVICES), "every service is passed"
    assert GRAPH.way_to("rating") == (Hearing("usage.raw", "usage_ingest"), Hearing("usage.events", "rating"))
    assert set(GRAPH.back) == {
        "usage.quarantine",
        "usage.receipts",
        "catalogue.meters",
        "customers.customers",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_the_table_says_who_hears_a_topic(name: str) -> None:
    """What a service subscribes to and what the table says of it are one: waits, rights and documents follow the
    table."""
    subscribed = {row.topic.name for row in import_module(f"services.{name}.main").SERVICE.subscriptions}
    assert subscribed == {
        topic.name for topic in ALL.values() if name in topic.consumers and not topic.own_consumer
    }


def test_one_more_link_takes_its_place_in_the_order() -> None:
    assert LEDGER.order == ("usage_ingest", "rating", "billing", "ledger", "signals")
    assert LEDGER.in_order(["signals", "zebra", "ledger", "billing"]) == [
        "billing",
        "ledger",
        "signals",
        "zebra",
    ]
    assert ENRICHED.order == ("usage_ingest", "enricher", "rating", "billing", "signals")
    assert ENRICHED.way_to("rating") == (
        Hearing("usage.raw", "usage_ingest"),
        Hearing("usage.events", "enricher"),
        Hearing("usage.enriched", "rating"),
    )
    assert set(LEDGER.back) == set(ENRICHED.back) == set(GRAPH.back)


def test_what_a_later_service_tells_an_earlier_one_takes_another_pass() -> None:
    told_back = with_topics(facts("billing.disputes", "billing", "rating"))
    assert told_back.order == CHAIN and "billing.disputes" in told_back.back
    assert told_back.way_to("rating") == GRAPH.way_to("rating"), "nobody waits for what comes later"


@dataclass
class Slow:
    """A bus on which every group is a look behind, and what was asked of it."""

    asked: list[Hearing] = field(default_factory=list)

    async def heads(self, topic: str) -> dict[int, int]:
        return {0: 1}

    async def positions(self, group: str, topic: str) -> dict[int, int]:
        self.asked.append(Hearing(topic, group))
        return {0: Counter(self.asked)[Hearing(topic, group)] - 1}


async def test_the_barrier_waits_for_one_more_link() -> None:
    bus: Any = Slow()
    pauses: list[str] = []

    async def pause() -> None:
        pauses.append("pause")

    way = ENRICHED.way_to("rating")
    await until_heard(bus, way, pause)
    assert bus.asked == [hearing for hearing in way for _look in range(2)] and len(pauses) == len(way)


class Asked:
    """Instances of every service run, and are quiet once asked."""

    def __init__(self, services: tuple[str, ...]) -> None:
        self._services, self.order = services, list[str]()

    async def services(self) -> list[str]:
        return sorted(self._services)

    async def ask_quiet(self, service: str) -> int:
        self.order.append(service)
        return len(self.order)

    async def not_quiet(self, service: str, request: int) -> list[str]:
        return []


async def test_a_moved_clock_waits_for_one_more_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "GRAPH", LEDGER)
    context: Any = SimpleNamespace(bus=Slow())
    asked: Any = Asked(LEDGER.order)
    await clock.wait_until_quiet(context, asked)
    assert tuple(asked.order) == LEDGER.order, "in order, and once: nothing went back meanwhile"
