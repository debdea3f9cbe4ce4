"""What doors, handlers and jobs of one running service share, each service with settings and a state of its own.

A service states both as types: `RatingContext = Context[RatingSettings, RatingState]`. A folder that must not
know the rest of its service states the part it uses as a protocol (`MeteringState`); the whole fits it.
"""

from dataclasses import dataclass, field
from typing import Annotated, Generic, TypeVar

import httpx2
from fastapi import Depends, Request

from shared.bus import Bus
from shared.db.outbox import Relay
from shared.db.unit_of_work import Database
from shared.http.keys import Keys
from shared.runtime.clock import BusinessClock
from shared.runtime.consumer import Consumer
from shared.runtime.disk import Disk
from shared.runtime.settings import ServiceSettings
from shared.runtime.wake import News

Settings = TypeVar("Settings", bound=ServiceSettings, covariant=True)
State = TypeVar("State", covariant=True)


@dataclass(frozen=True)
class Foundation(Generic[Settings]):
    """What is open before a service's own state is: `Service.setup` builds that on it."""

    settings: Settings
    db: Database
    bus: Bus
    clock: BusinessClock
    instance_id: str


@dataclass
class Context(Generic[Settings, State]):
    """One running service. `state` is what its `setup` built; consumer and relay come when it begins to
    work."""

    name: str
    settings: Settings
    db: Database
    bus: Bus
    clock: BusinessClock
    keys: Keys
    http: httpx2.AsyncClient
    instance_id: str
    disk: Disk
    state: State
    key_consumer: "Consumer[Foundation[Settings]] | None" = None
    consumer: "Consumer[Context[Settings, State]] | None" = None
    relay: Relay | None = None
    #: Called when the consumer has committed something, a request has told something, or the relay published.
    progress: News = field(default_factory=News)

    def topics_by_group(self) -> dict[str, list[str]]:
        """What this process consumes, by consumer group."""
        consumers = (self.consumer, self.key_consumer)
        return {consumer.group: consumer.topics for consumer in consumers if consumer is not None}


#: Of whichever service: for what all of them do alike.
AnyContext = Context[ServiceSettings, object]
Served = TypeVar("Served", bound=AnyContext)


def context_of(request: Request) -> AnyContext:
    """The context of the service that answers this request."""
    context: AnyContext = request.app.state.context
    return context


#: A door's parameter: `FromRequest[RatingContext]`.
FromRequest = Annotated[Served, Depends(context_of)]
#: For a door that uses nothing of its service's own.
Ctx = FromRequest[AnyContext]
