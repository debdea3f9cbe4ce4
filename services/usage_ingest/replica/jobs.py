"""Keeps the catalogue in memory close behind the tables, in every replica: only one of them consumes a
partition, all of them judge events."""

from dataclasses import dataclass, field

from services.usage_ingest.domain.catalogue import Catalogue
from services.usage_ingest.replica.repository import HeardRepository
from shared.runtime.service import Context, Job

REFRESH_S = 0.4


@dataclass
class Heard:
    """The catalogue of this process, and the transaction from which on it may not know everything."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    since: int = 0


def catalogue_of(context: Context) -> Catalogue:
    heard: Heard = context.state["heard"]
    return heard.catalogue


async def refresh(context: Context) -> None:
    """Read what was heard since the last look."""
    heard: Heard = context.state.setdefault("heard", Heard())
    async with context.db.transaction() as uow:
        repository = HeardRepository(uow.connection)
        next_since = await repository.oldest_running()
        heard.catalogue.hear_meters(await repository.meters_since(heard.since))
        heard.catalogue.hear_customers(await repository.customers_since(heard.since))
    heard.since = next_since


JOBS = (Job("catalogue", REFRESH_S, refresh),)
