"""Refuse a version that would charge usage which another contract of the customer charges already."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from services.rating.contracts.domain.chain import FOREVER, span_of
from services.rating.contracts.memory import Chain, load_chains
from services.rating.contracts.repository import ContractRepository
from shared.errors import AppError, Kind
from shared.pricing.inputs import VersionInForce
from shared.values.instants import written

LISTED_MAX = 20


class MeterPricedTwice(AppError):
    """Another contract of this customer prices the same meter at the same time."""

    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class PricedTwice:
    """A meter that a line (by its place in the terms) and another contract price from `start` to `end`
    (exclusive)."""

    line: int
    meter: str
    contract: str
    start: datetime
    end: datetime

    @property
    def reach(self) -> str:
        return (
            f"from {written(self.start)} on"
            if self.end == FOREVER
            else f"from {written(self.start)} to {written(self.end)}"
        )


async def refuse_double_pricing(contracts: ContractRepository, customer_id: str, chain: Chain) -> None:
    """Raise MeterPricedTwice when the newest version of the chain prices a meter beside another contract
    without saying so.

    Only the newest version can bring a new overlap: where an older one is in force it was when it was
    accepted. Several lines of one contract may price one meter: whoever signs it sees them side by side.
    """
    if not chain[-1].terms.usage_lines:
        return
    others = await contracts.others_of_customer(customer_id, chain[-1].terms.contract)
    twice = [
        found
        for other in (await load_chains(contracts, others)).values()
        for found in priced_twice(chain, other)
    ]
    if twice:
        raise MeterPricedTwice(_explained(twice), errors=[_error(found) for found in twice[:LISTED_MAX]])


def priced_twice(chain: Chain, other: Chain) -> list[PricedTwice]:
    """Return the meters that the newest version of `chain` and any version of `other` price at the same time
    and neither calls shared."""
    newest, lasts = chain[-1], span_of(chain, chain[-1])
    if lasts is None:
        return []
    return [
        PricedTwice(line, meter, version.terms.contract, max(lasts[0], start), min(lasts[1], end))
        for version, start, end in _spans(other)
        if max(lasts[0], start) < min(lasts[1], end)
        for line, meter in _unshared(newest, version)
    ]


def _spans(chain: Chain) -> Iterator[tuple[VersionInForce, datetime, datetime]]:
    for version in chain:
        span = span_of(chain, version)
        if span is not None:
            yield version, *span


def _unshared(one: VersionInForce, other: VersionInForce) -> list[tuple[int, str]]:
    shared = {*one.terms.shares_meters, *other.terms.shares_meters}
    priced = {line.meter for line in other.terms.usage_lines} - shared
    return [
        (index, line.meter)
        for index, line in enumerate(one.terms.lines)
        if line.kind == "usage" and line.meter in priced
    ]


def _explained(twice: Sequence[PricedTwice]) -> str:
    first = twice[0]
    more = f" (and {len(twice) - 1} more, see errors)" if len(twice) > 1 else ""
    return (
        f"the meter {first.meter} is priced by the contract {first.contract} as well, {first.reach}{more}: each event would be charged twice. "
        f"Amend {first.contract} so that its term or its line ends before, let this one take force after it, or, if both shall charge "
        f"the same usage, name the meter in shares_meters"
    )


def _error(found: PricedTwice) -> dict[str, str]:
    return {
        "path": f"lines[{found.line}].meter",
        "code": "meter_priced_twice",
        "detail": f"{found.meter} is priced by the contract {found.contract} {found.reach}",
    }
