"""Customers side by side in one deployment, each with a quarter of its own that is closed, and then, run by run, with what comes
late for it or is taken back of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count, zip_longest
from typing import Any

import asyncpg

from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from shared.topics.rating import STATEMENTS
from shared.topics.usage_ingest import UsageMessage
from tests.services.rating.deployment import Deployment, event, terms, utc, void

PROMISE = {"key": "promise", "amount": "20.00", "period": {"months": 3}}
PRICE = 2
CLOSED = utc("2024-04-04T00:00:00")
MONTHS = (1, 2, 3)
#: (month, so many calls): those that come late for it, or, below zero, are taken back of it.
Change = tuple[int, int]


@dataclass(frozen=True)
class Quarter:
    """Three months with so many calls at 2.00 and a promise of 20.00 that ends with March; then runs of changes, each
    corrected before the next."""

    customer: str
    calls: Sequence[int]
    runs: Sequence[Sequence[Change]] = ()
    agreed: dict[str, Any] = field(default_factory=dict)

    @property
    def contract(self) -> str:
        return f"{self.customer}-1"

    def oracle(self, runs: int) -> Fraction:
        """What is paid in all after so many runs, whenever it came and whatever was taken back of it: the usage, and at
        least what was promised; what exceeds that costs more."""
        late = sum(calls for run in self.runs[:runs] for _, calls in run)
        promised, used = Fraction(20), Fraction((sum(self.calls) + late) * PRICE)
        beyond = max(used - promised, Fraction(0))
        percent = int(self.agreed.get("overage_percent", 100))
        return max(promised, used) + beyond * Fraction(percent - 100, 100)


class Calls:
    """The ids of the calls that count, by month, of one quarter."""

    def __init__(self, quarter: Quarter) -> None:
        self._customer = quarter.customer
        self._numbers = count()
        self._there: dict[int, list[str]] = {month: [] for month in MONTHS}

    def come(self, month: int, day: int, calls: int) -> list[UsageMessage]:
        """So many new calls of that day; none where that is below zero."""
        at = utc(f"2024-0{month}-{day}T12:00:00")
        new = [f"{self._customer}-{next(self._numbers)}" for _ in range(calls)]
        self._there[month] += new
        return [event(one, self._customer, at) for one in new]

    def taken_back(self, month: int, calls: int) -> list[UsageMessage]:
        """Voids of the newest; none where there are more."""
        return [void(self._there[month].pop()) for _ in range(-calls)]


async def close(rating: Deployment, *quarters: Quarter) -> dict[str, Calls]:
    """Let these come in time, and close them; the meter is there from then on."""
    await rating.meter("calls")
    calls = {quarter.customer: Calls(quarter) for quarter in quarters}
    sent = []
    for quarter in quarters:
        await rating.customer(quarter.customer)
        agreed = [{**PROMISE, **quarter.agreed}]
        await rating.apply(terms(quarter.contract, quarter.customer, commitments=agreed))
        for month, in_time in zip(MONTHS, quarter.calls, strict=True):
            sent += calls[quarter.customer].come(month, 10, in_time)
    await rating.send(*sent)
    await rating.settled()
    await rating.advance(CLOSED)
    return calls


async def corrected(rating: Deployment, *contracts: str) -> None:
    """Everything that came is corrected now."""
    await rating.settled()
    for contract in contracts:
        answer = await rating.client.post(f"/v1/contracts/{contract}/corrections")
        assert answer.status_code == 200, answer.text


async def asked(rating: Deployment, contract: str) -> Fraction:
    """What all documents of the contract ask for in money."""
    rows = await rating.context.db.pool.fetch(
        """select said from rating.statements s join rating.periods p using (contract, period_start)
               where p.final and contract = $1
           union all select said from rating.corrections where outcome = 'note' and contract = $1""",
        contract,
    )
    said = [STATEMENTS.decode(row["said"].encode()) for row in rows]
    return sum((Fraction(one.document_minor - one.drawn_minor, 100) for one in said), Fraction(0))


async def holds(auditor: asyncpg.Connection, *contracts: str) -> None:
    periods = [(contract, utc(f"2024-0{month}-01T00:00:00")) for contract in contracts for month in MONTHS]
    assert (await draws_of(auditor, periods)).breaks == ()
    assert (await blocks(auditor, None, drained=False)).breaks == ()


async def come_to_what_they_would_have(
    rating: Deployment, auditor: asyncpg.Connection, quarters: Sequence[Quarter]
) -> None:
    """Play their runs together, and hold what each has paid after each against the oracle."""
    calls = await close(rating, *quarters)
    await _paid(rating, auditor, quarters, 0)
    for number in range(max(len(quarter.runs) for quarter in quarters)):
        playing = [quarter for quarter in quarters if number < len(quarter.runs)]
        for changes in zip_longest(*(quarter.runs[number] for quarter in playing)):
            of_each = [
                (calls[quarter.customer], *change)
                for quarter, change in zip(playing, changes, strict=True)
                if change is not None
            ]
            await rating.send(*(one for its, month, more in of_each for one in its.come(month, 20, more)))
            await rating.settled()
            await rating.send(*(one for its, month, more in of_each for one in its.taken_back(month, more)))
        await corrected(rating, *(quarter.contract for quarter in playing))
        await _paid(rating, auditor, playing, number + 1)


async def _paid(
    rating: Deployment, auditor: asyncpg.Connection, quarters: Sequence[Quarter], runs: int
) -> None:
    paid = [await asked(rating, quarter.contract) for quarter in quarters]
    assert [quarter for quarter, sum in zip(quarters, paid, strict=True) if sum != quarter.oracle(runs)] == []
    await holds(auditor, *(quarter.contract for quarter in quarters))
