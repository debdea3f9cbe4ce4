"""Keep the terms that ended: they are judged once the three months after them are known."""

from collections.abc import Sequence

from services.signals.domain.outcomes import Term
from services.signals.renewals.repository import RenewalRepository
from services.signals.renewals.rows import EndedTerm
from shared.db.unit_of_work import UnitOfWork


async def note_ended(uow: UnitOfWork, ended: Sequence[tuple[str, Term]]) -> None:
    """Keep each term of a customer id; of one that is said twice the last word holds."""
    newest = {(term.contract, term.end): (customer_id, term) for customer_id, term in ended}
    rows = [
        EndedTerm(term.contract, term.end, customer_id, term.goes_on, term.after)
        for customer_id, term in newest.values()
    ]
    if rows:
        await RenewalRepository(uow.connection).note(rows)
