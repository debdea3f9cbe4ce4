"""How well the score foretold what became of renewals."""

from services.signals.domain.score_report import RenewalTold
from services.signals.renewals.repository import RenewalRepository
from shared.db.unit_of_work import UnitOfWork


async def list_told_renewals(uow: UnitOfWork) -> list[RenewalTold]:
    """Return each contract's term that ended or was told of, those that end last first, with what was said and judged of
    it."""
    return await RenewalRepository(uow.connection).told()
