"""Facts that were told: find and list them, say who looks after one, and what came of it."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime

from services.signals.domain.outcomes import Outcome
from services.signals.facts.repository import FactRepository
from services.signals.facts.rows import FactFilter, FactRow, Note
from services.signals.renewals.repository import RENEWALS, RenewalRepository
from services.signals.renewals.rows import NamedWord
from services.signals.webhooks.usecases.manage_endpoints import FactNotFound
from shared.db.listing import Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class SignalIsNoRenewal(AppError):
    """Only a term has an outcome, so only a signal about a renewal takes one."""

    kind = Kind.CONFLICT


async def list_facts(uow: UnitOfWork, wanted: FactFilter, window: Window, now: datetime) -> list[FactRow]:
    """Return facts in the order that is asked for. The state `open` includes a snooze that has run out."""
    return await FactRepository(uow.connection).page(wanted, window, now)


async def count_facts(uow: UnitOfWork, wanted: FactFilter, now: datetime) -> int:
    """Return how many there are, or one more than are counted."""
    return await FactRepository(uow.connection).count(wanted, now)


async def find_fact(uow: UnitOfWork, signal_id: str) -> FactRow:
    """Return the fact, or raise FactNotFound, as all verbs below."""
    row = await FactRepository(uow.connection).fact(signal_id)
    if row is None:
        raise FactNotFound(f"no signal {signal_id!r}")
    return row


async def acknowledge(uow: UnitOfWork, signal_id: str, actor: str, now: datetime) -> FactRow:
    await FactRepository(uow.connection).acknowledge(signal_id, actor, now)
    return await find_fact(uow, signal_id)


async def snooze(uow: UnitOfWork, signal_id: str, until: datetime) -> FactRow:
    await FactRepository(uow.connection).snooze(signal_id, until)
    return await find_fact(uow, signal_id)


async def assign(uow: UnitOfWork, signal_id: str, to: str | None) -> FactRow:
    """Say who looks after it; None: nobody."""
    await FactRepository(uow.connection).assign(signal_id, to)
    return await find_fact(uow, signal_id)


async def add_note(uow: UnitOfWork, signal_id: str, note: Note) -> FactRow:
    """Write something down about it, beside what others wrote."""
    await find_fact(uow, signal_id)
    await FactRepository(uow.connection).add_note(signal_id, note)
    return await find_fact(uow, signal_id)


async def change_all(
    uow: UnitOfWork, signal_ids: Sequence[str], act: Callable[[str], Awaitable[FactRow]]
) -> list[tuple[FactRow, FactRow]]:
    """Do the same with each of these, once; return each before and after. One that is not there ends it: nothing is
    changed."""
    return [(await find_fact(uow, one), await act(one)) for one in sorted(set(signal_ids))]


async def name_outcome(
    uow: UnitOfWork, signal_id: str, outcome: Outcome, actor: str, now: datetime
) -> FactRow:
    """Say what came of the term that a fact is about: of every fact about that term. The last word of a person stands, before
    any judgement; those before it, and the judgement, are kept beside it. Who says the same again adds nothing. It may be said
    before the term ends: notice is given before.

    Raises SignalIsNoRenewal.
    """
    fact = await find_fact(uow, signal_id)
    contract, term_end = _term(fact)
    said = fact.named[0] if fact.named else None
    if said is None or (said.outcome, said.by) != (outcome, actor):
        word = NamedWord(signal_id, contract, term_end, outcome, actor, now)
        await RenewalRepository(uow.connection).name(word)
    return await find_fact(uow, signal_id)


def _term(fact: FactRow) -> tuple[str, date]:
    """The contract and the end of the term that a fact is about."""
    term_end = fact.data.get("term_end")
    if fact.type not in RENEWALS or fact.contract is None or not isinstance(term_end, str):
        raise SignalIsNoRenewal(
            f"{fact.signal_id} is {fact.type}, which is about no term; say it of a {' or '.join(RENEWALS)} of "
            f"{fact.customer}: GET /v1/signals?customer=&type={RENEWALS[0]} lists them"
        )
    return fact.contract, date.fromisoformat(term_end)
