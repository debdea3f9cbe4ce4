"""Keep an exception open for each break, in billing's own schema: the only thing conservation writes."""

from datetime import datetime

from services.billing.conservation.domain.breaks import Checked
from services.billing.conservation.repository.cases import resolve_all_but
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import UnitOfWork

#: Breaks of one statement that get an exception each.
NAMED_MAX = 50


async def keep_exceptions(uow: UnitOfWork, checked: Checked, now: datetime) -> None:
    """Let the open exceptions of a check be its breaks: new ones open, gone ones resolve.

    Of very many breaks the first get an exception; one that is open resolves only where its break is seen to
    be gone, never because a list was too short for it.
    """
    kind = f"conservation_break_{checked.k.lower()}"
    if not checked.more:
        await resolve_all_but(uow.connection, kind, [broken.reference for broken in checked.breaks], now)
    for broken in checked.breaks[:NAMED_MAX]:
        detail = f"{broken.says} Expected {broken.expected}, found {broken.found}."
        # an exception has one currency; of several the detail says all
        price = broken.worth[0] if len(broken.worth) == 1 else None
        await open_exception(
            uow,
            NewCase(
                kind,
                broken.reference,
                detail,
                owner=broken.owner,
                amount_minor=price.minor if price else None,
                currency=price.currency.code if price else None,
            ),
            now,
        )
