"""In which order usage passes the services, and what goes against it. Whoever waits for everything asks them
in this order: one pass will do."""

from collections.abc import Sequence

from shared.topics import ALL
from shared.topics.registry import Topic

FLOW = ("usage_ingest", "rating", "billing", "signals")


def in_flow(services: Sequence[str]) -> list[str]:
    """These services in order; one that usage does not pass comes last."""
    return sorted(
        services, key=lambda service: (FLOW.index(service) if service in FLOW else len(FLOW), service)
    )


def goes_back(topic: Topic) -> bool:
    """Whether somebody who is asked no later than its producer hears it: then what was said meanwhile takes
    another pass."""
    told = [FLOW.index(producer) for producer in topic.producers if producer in FLOW]
    heard = [FLOW.index(consumer) for consumer in topic.consumers if consumer in FLOW]
    return not topic.apart and bool(told and heard) and max(told) >= min(heard)


BACK = tuple(topic.name for topic in ALL.values() if goes_back(topic))
