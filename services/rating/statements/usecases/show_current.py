"""Answer what statements come to now, for who shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.rating.statements.domain.message import as_told
from services.rating.statements.memory import StatementsContext
from services.rating.statements.repository.statements import StatementRepository
from services.rating.statements.rows import KnownStatement, StatementName
from services.rating.statements.usecases.price_shown import price_at_once, price_shown
from shared.db.plans import keep_plans
from shared.runtime import failpoints
from shared.topics.rating import STATEMENTS
from shared.topics.registry import MESSAGE_MAX_BYTES


@dataclass(frozen=True, slots=True)
class CurrentStatement:
    """`current`: it covers all usage folded before it was asked for. `told`: a message of rating.statements;
    None where the asker knows the newest revision."""

    name: StatementName
    current: bool
    told: bytes | None


async def show_current(
    context: StatementsContext, asked: Sequence[KnownStatement], *, at_once: bool
) -> tuple[datetime, list[CurrentStatement]]:
    """Price what may be priced of these, and return as of when that is (machine clock) and each as it stands.

    What does not fit the answer, or is no statement, is not current. `at_once`: price also what has not rested,
    and answer when that is done.
    """
    names = [one.name for one in asked]
    shown = await (price_at_once(context, names) if at_once else price_shown(context, names))
    failpoints.reach("current.before_answer")
    async with context.db.transaction() as uow:
        await keep_plans(uow.connection)
        found = await StatementRepository(uow.connection).newer(
            [one.name.contract for one in asked],
            [one.name.start_date for one in asked],
            [one.revision for one in asked],
        )
    answered: list[CurrentStatement] = []
    room_bytes = MESSAGE_MAX_BYTES
    for name in (one.name for one in asked):
        newer = found.get(name)
        told = STATEMENTS.encode(as_told(newer)) if newer is not None else b""
        fits = len(told) <= room_bytes
        room_bytes -= len(told) if fits else 0
        current = name in shown.current and name in found and fits
        answered.append(CurrentStatement(name, current, told if told and fits else None))
    return shown.as_of, answered
