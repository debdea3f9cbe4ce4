"""Who says what to whom, worked out from the topic table: in which order usage passes the services, what goes
against that order, and what lies on the way to one of them.

Whoever waits for everything asks the services in this order, so that one pass will do; what goes back takes
another. A new link of the chain is a row of the topic table, and every wait includes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from shared.topics import ALL
from shared.topics.registry import PRODUCTS, Topic


@dataclass(frozen=True, slots=True)
class Hearing:
    """A topic and a consumer group that hears it: what somebody may wait for."""

    topic: str
    group: str


@dataclass(frozen=True, slots=True)
class Edge:
    """One service tells another something on a topic."""

    topic: str
    producer: str
    consumer: str


class Graph:
    """The graph of some topics. A topic with a consumer of its own (`own_consumer`) carries no usage: nobody
    waits for it."""

    def __init__(self, topics: Iterable[Topic]) -> None:
        self.edges = [
            Edge(topic.name, producer, consumer)
            for topic in topics
            if not topic.own_consumer
            for producer in topic.producers
            for consumer in topic.consumers
        ]
        self._passed = _in_order(self.edges)
        self._place = {service: place for place, service in enumerate(self._passed)}

    @property
    def order(self) -> tuple[str, ...]:
        """The services that usage passes, in that order."""
        return self._passed[1:]

    @property
    def back(self) -> tuple[str, ...]:
        """Topics that go against the order: some service that hears them comes no later in it than one of
        their producers."""
        return tuple(dict.fromkeys(edge.topic for edge in self.edges if self._goes_back(edge)))

    def in_order(self, services: Iterable[str]) -> list[str]:
        """These services in the order in which usage passes them; one that usage does not pass comes last."""
        return sorted(services, key=lambda service: (self._place.get(service, len(self._place)), service))

    def way_to(self, service: str) -> tuple[Hearing, ...]:
        """What usage passes on its way to and into this service: whoever waits for one after the other has
        waited for all that lay at the beginning."""
        way: list[Hearing] = []
        passed = {service}
        for consumer in reversed(self._passed):
            if consumer in passed:
                into = [
                    edge for edge in self.edges if edge.consumer == consumer and not self._goes_back(edge)
                ]
                passed |= {edge.producer for edge in into}
                way = [*dict.fromkeys(Hearing(edge.topic, consumer) for edge in into), *way]
        return tuple(way)

    def said(self, *, by: str, to: str) -> tuple[Hearing, ...]:
        """What one service hears from another."""
        return tuple(
            Hearing(edge.topic, to) for edge in self.edges if (edge.producer, edge.consumer) == (by, to)
        )

    def _goes_back(self, edge: Edge) -> bool:
        last = len(self._place)
        return self._place.get(edge.consumer, last) <= self._place.get(edge.producer, last)


def _in_order(edges: Iterable[Edge]) -> tuple[str, ...]:
    """The products, then the services: whoever is told something stands behind who tells it, but where that
    would close a circle. Depth first, and last left first."""
    told: dict[str, list[str]] = {}
    for edge in edges:
        told.setdefault(edge.producer, []).append(edge.consumer)
    seen: set[str] = set()
    left: list[str] = []

    def visit(service: str) -> None:
        seen.add(service)
        for consumer in told.get(service, ()):
            if consumer not in seen:
                visit(consumer)
        left.append(service)

    visit(PRODUCTS)
    return tuple(reversed(left))


GRAPH = Graph(ALL.values())
