"""Learn from outcomes what p_renew says: once for all customers, whenever an outcome is new."""

from datetime import datetime

from services.signals.domain.renewal_model import fit
from services.signals.renewals.repository import RenewalRepository
from services.signals.renewals.rows import KeptModel
from shared.db.unit_of_work import UnitOfWork


async def learn(uow: UnitOfWork, now: datetime) -> bool:
    """Keep what the outcomes of now come to, where one of them is new; return whether something was learned."""
    renewals = RenewalRepository(uow.connection)
    said_id = await renewals.unlearned()
    if said_id is None:
        return False
    model = fit(await renewals.learned())
    if model is None:
        return False
    await renewals.keep_model(KeptModel(said_id, now, model.outcomes, model))
    return True
