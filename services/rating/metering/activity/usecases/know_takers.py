"""Know by which terms readers see each meter: while events are added anew by new ones, by those before."""

from collections.abc import Iterable, Mapping

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.repository import CatalogueRepository
from services.rating.metering.activity.domain import Takers
from shared.db.unit_of_work import UnitOfWork


async def know_takers(uow: UnitOfWork, meters: Iterable[Meter], since: Mapping[str, int]) -> Takers:
    """These meters as they count since the revisions that readers see."""
    current = {meter.meter: meter for meter in meters}
    others = {
        name: since[name]
        for name, meter in current.items()
        if since.get(name, meter.counts_since) != meter.counts_since
    }
    before = await CatalogueRepository(uow.connection).versions_since(others) if others else {}
    return Takers({**current, **before}.values())
