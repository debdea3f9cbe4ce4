"""Facts that were told: find and list them, say who looks after one, and what came of it."""

from datetime import datetime

from services.signals.facts.repository import FactRepository
from services.signals.facts.rows import FactFilter, FactRow, JudgedRenewalRow
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound
from shared.db.unit_of_work import UnitOfWork


async def list_facts(
    uow: UnitOfWork, wanted: FactFilter, after: tuple[datetime, str] | None, rows_max: int, now: datetime
) -> list[FactRow]:
    """Return facts, the newest first, after the one named. The state `open` includes a snooze that has run
    out."""
    return await FactRepository(uow.connection).page(wanted, after, rows_max, now)


async def list_judged_renewals(uow: UnitOfWork) -> list[JudgedRenewalRow]:
    """Return each contract and term with an outcome: whether it was called at risk, and what came of it."""
    return await FactRepository(uow.connection).renewals_judged()


async def find_fact(uow: UnitOfWork, signal_id: str) -> FactRow:
    """Return the fact, or raise FactNotFound, as all verbs below."""
    return _known(await FactRepository(uow.connection).fact(signal_id), signal_id)


async def acknowledge(uow: UnitOfWork, signal_id: str, actor: str) -> FactRow:
    return _known(await FactRepository(uow.connection).acknowledge(signal_id, actor), signal_id)


async def snooze(uow: UnitOfWork, signal_id: str, until: datetime) -> FactRow:
    return _known(await FactRepository(uow.connection).snooze(signal_id, until), signal_id)


async def record_outcome(uow: UnitOfWork, signal_id: str, outcome: str, now: datetime) -> FactRow:
    return _known(await FactRepository(uow.connection).record_outcome(signal_id, outcome, now), signal_id)


def _known(row: FactRow | None, signal_id: str) -> FactRow:
    if row is None:
        raise FactNotFound(f"no signal {signal_id!r}")
    return row
