"""The statements of final periods, read once as they were corrected last, and then priced from memory."""

import gc
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lab.bench.rounds import Round
from services.rating.contracts.memory import load_chains
from services.rating.contracts.repository import ContractRepository
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import Place
from services.rating.statements.domain.balances import from_stored
from services.rating.statements.domain.due import DueStatement
from services.rating.statements.usecases.price import meters_of
from services.rating.statements.usecases.read_usage import read_usage
from shared.db.unit_of_work import Database, UnitOfWork
from shared.pricing import VersionInForce, price_period
from shared.pricing.balances import Balances
from shared.pricing.needs import Usage

READ_MAX = 1000


@dataclass(frozen=True, slots=True)
class Remembered:
    """What a period is priced from, and what its last correction comes to."""

    due: DueStatement
    chain: tuple[VersionInForce, ...]
    usage: Usage
    opening: Balances

    def price(self) -> int:
        return price_period(self.chain, self.due.period, self.usage, self.opening).subtotal_minor

    def explain(self) -> int:
        priced = price_period(self.chain, self.due.period, self.usage, self.opening, explain=True)
        return priced.subtotal_minor


async def remember(rating_url: str, places: Sequence[Place]) -> list[Remembered]:
    """Read these periods as rating does to correct them. Their contracts are laid out anew by whoever prices them
    first."""
    database = Database(rating_url, "rating")
    await database.open()
    try:
        found: list[Remembered] = []
        for start in range(0, len(places), READ_MAX):
            async with database.transaction(isolation="repeatable_read") as uow:
                found += await _remembered(uow, places[start : start + READ_MAX])
        return found
    finally:
        await database.close()


async def _remembered(uow: UnitOfWork, places: Sequence[Place]) -> list[Remembered]:
    names = sorted({contract for contract, _ in places})
    chains = await load_chains(ContractRepository(uow.connection), names)
    due = [
        period.claimed.due(chains[period.claimed.contract])
        for period in await CorrectionRepository(uow.connection).hold(places)
    ]
    usage = await read_usage(uow, due, await meters_of(uow, due))
    fresh = {contract: tuple([replace(version) for version in chain]) for contract, chain in chains.items()}
    return [
        Remembered(one, fresh[one.contract], quantities, from_stored(one.opening))
        for one, quantities in zip(due, usage, strict=True)
    ]


def priced_from_memory(statements: Sequence[Remembered]) -> Round:
    """Seconds to price all of these: for the first time and with their explanations, as a correction does, and once
    more without, as a draft is priced again. Each comes to what its correction came to."""
    gc.collect()
    began_s = time.perf_counter()
    first = [one.explain() for one in statements]
    first_s = time.perf_counter() - began_s
    began_s = time.perf_counter()
    again = [one.price() for one in statements]
    again_s = time.perf_counter() - began_s
    assert first == again == [one.due.subtotal_minor for one in statements], "the corrections come to this"
    return {"memory_s": first_s, "memory_again_s": again_s}
