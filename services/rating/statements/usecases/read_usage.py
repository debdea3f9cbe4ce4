"""Read the usage that statements are priced by: each need by the reader of its kind, all needs of a kind at
once."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.apart import Left
from services.rating.metering.domain.stretches import TakenOut
from services.rating.metering.usecases.read_quantities import UsageAsked, read_quantities
from services.rating.statements.domain.due import DueStatement
from services.rating.statements.repository.charged import charged_elsewhere, of_meter
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.needs import Need, Totals, TotalsRead, Usage
from shared.pricing.pipeline import usage_needs


@dataclass(frozen=True, slots=True)
class Settled:
    """What a final period keeps though its subject has left, and what is out of it."""

    left: tuple[Left, ...] = ()
    out: TakenOut | None = None


OPEN: Final = Settled()
Meters = Mapping[str, Meter]
Reader = Callable[[UnitOfWork, Sequence[UsageAsked], Meters | None], Awaitable[Sequence[TotalsRead]]]
READERS: Final[Mapping[type[Need], Reader]] = {Totals: read_quantities}
"""How usage is read → who reads it so: one answer an asked need, in order."""


async def read_usage(
    uow: UnitOfWork,
    due: Sequence[DueStatement],
    meters: Meters,
    settled: Sequence[Settled] | None = None,
) -> list[Usage]:
    """The usage of each statement, read for all of them at once. What a meter that is none of `meters` would have
    told is left out: pricing then refuses. `settled`: of each, where it is final already, what stays and what is out."""
    known = [
        [
            need
            for need in usage_needs(statement.chain, statement.period, statement.blocks)
            if need.meter in meters
        ]
        for statement in due
    ]
    elsewhere = await charged_elsewhere(uow.connection, [statement.customer_id for statement in due])
    asked = [
        UsageAsked(
            statement.customer_id,
            need,
            of_meter(elsewhere.get(statement.customer_id, ()), need.meter, need.start, need.end),
            before.left,
            before.out,
        )
        for statement, wanted, before in zip(due, known, settled or [OPEN] * len(due), strict=True)
        for need in wanted
    ]
    found = iter(await _read(uow, asked, meters))
    return [{need: next(found) for need in wanted} for wanted in known]


async def read_needs(uow: UnitOfWork, customer_id: str, needs: Sequence[Totals]) -> Usage:
    """The usage of these needs of one customer, as it is now."""
    if not needs:
        return {}
    elsewhere = (await charged_elsewhere(uow.connection, [customer_id])).get(customer_id, ())
    asked = [
        UsageAsked(customer_id, need, of_meter(elsewhere, need.meter, need.start, need.end)) for need in needs
    ]
    return dict(zip(needs, await _read(uow, asked), strict=True))


async def _read(
    uow: UnitOfWork, asked: Sequence[UsageAsked], meters: Meters | None = None
) -> list[TotalsRead]:
    found: dict[int, TotalsRead] = {}
    for kind, read in READERS.items():
        numbers = [n for n, one in enumerate(asked) if isinstance(one.need, kind)]
        found |= zip(numbers, await read(uow, [asked[n] for n in numbers], meters), strict=True)
    return [found[n] for n in range(len(asked))]
