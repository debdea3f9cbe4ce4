"""What is told of many customers at once is written at once, and numbered for each by itself."""

from datetime import timedelta

from asyncpg.connection import LoggedQuery

from services.signals.facts.usecases.tell import Told, tell
from tests.services.signals.deployment import START, Signals, fact


async def _told(signals: Signals, *told: Told) -> int:
    """How many statements that took."""
    asked: list[LoggedQuery] = []
    async with signals.context.db.transaction() as uow:
        with uow.connection.query_logger(asked.append):
            await tell(uow, told, START)
    return len(asked)


def _of(customer: str, number: int) -> Told:
    """Of two numbers the higher was true before the lower."""
    name = sum(customer.encode()) * 1000 + number
    return Told(f"cus_{customer}", customer, START - timedelta(days=number), fact(name))


async def _sequences(signals: Signals) -> dict[str, list[tuple[int, int]]]:
    found: dict[str, list[tuple[int, int]]] = {}
    for customer, sequence, number in await signals.context.db.pool.fetch(
        "select customer, sequence, (data ->> 'number')::int % 1000 from signals.facts order by 1, 2"
    ):
        found.setdefault(customer, []).append((sequence, number))
    return found


async def test_each_customer_has_its_own_numbers_in_the_order_in_which_things_became_true(
    signals: Signals,
) -> None:
    await _told(signals, _of("acme", 1), _of("bolt", 1), _of("acme", 3), _of("acme", 2))
    await _told(signals, _of("bolt", 2), _of("acme", 3), _of("acme", 9), _of("cord", 5))
    assert await _sequences(signals) == {
        "acme": [(1, 3), (2, 2), (3, 1), (4, 9)],
        "bolt": [(1, 1), (2, 2)],
        "cord": [(1, 5)],
    }


async def test_of_many_customers_it_takes_as_many_statements_as_of_one(signals: Signals) -> None:
    one = await _told(signals, _of("acme", 1))
    assert await _told(signals, *(_of(f"c{n}", m) for n in range(20) for m in range(3))) == one
    assert await _told(signals, _of("acme", 1)) < one  # it is known
