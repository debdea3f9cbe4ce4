"""What usage that is not metered is worth at list price, read from records of the bus as this checker reads
events."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Generic, TypeVar

import asyncpg
import msgspec

from services.billing.conservation.checks.facts import ADDS, METERS, TAKES
from shared.values.money import Money, Rounding, currency, settle

# whose records are usage, as our message or as a CloudEvent: the names are the same
USAGE_TOPICS = (
    "usage.events",
    "usage.raw",
)
CHUNK = 5_000
Pile = TypeVar("Pile", bound=Hashable)

# `data` of a record nobody could take may be anything: what this database does not read as JSON is worth
# nothing that we know of.
AT_LIST_PRICE = f"""
    with {METERS},
    e as materialized (
        select pile, type, case when pg_input_is_valid(data, 'jsonb') then data::jsonb end as data
        from unnest($1::integer[], $2::text[], $3::text[]) u (pile, type, data)
    )
    select e.pile, m.list_currency as currency, sum(({ADDS}) * m.list_unit) as amount
    from e join meter m on m.list_unit is not null and {TAKES}
    where e.data is not null group by 1, 2 having sum(({ADDS}) * m.list_unit) is not null
"""


class Usage(msgspec.Struct):
    """What a check needs of a record of usage; a void is worth nothing."""

    source: str = ""
    kind: str = "event"
    type: str = ""
    data: msgspec.Raw = msgspec.Raw(b"{}")


class _Sourced(msgspec.Struct):
    source: str = ""


_usage, _sourced = msgspec.json.Decoder(Usage).decode, msgspec.json.Decoder(_Sourced).decode
UNREADABLE: tuple[type[Exception], ...] = (
    msgspec.DecodeError,
    msgspec.ValidationError,
    UnicodeDecodeError,
    RecursionError,
)


def source_of(value: bytes) -> str:
    """The source a record names; "" where nobody can read one, or no database could hold it."""
    try:
        source = _sourced(value).source
    except UNREADABLE:
        return ""
    return "" if "\0" in source else source


@dataclass
class Worth(Generic[Pile]):
    """Adds up usage by pile, a chunk at a time; amounts stay exact until they are asked for."""

    connection: asyncpg.Connection
    _waiting: list[tuple[Pile, str, str]] = field(default_factory=list)
    _amounts: dict[Pile, dict[str, Decimal]] = field(default_factory=dict)

    async def add(self, pile: Pile, value: bytes) -> None:
        """Add a record of one of USAGE_TOPICS."""
        try:
            usage = _usage(value)
            if usage.kind == "event" and usage.type and "\0" not in usage.type:
                self._waiting.append((pile, usage.type, bytes(usage.data).decode()))
        except UNREADABLE:
            return
        if len(self._waiting) >= CHUNK:
            await self._ask()

    async def of(self, pile: Pile) -> tuple[Money, ...]:
        """The pile's worth by currency, rounded once, half up."""
        await self._ask()
        found = sorted(self._amounts.get(pile, {}).items())
        return tuple(settle(amount, currency(code), Rounding.HALF_UP) for code, amount in found)

    async def _ask(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        piles = {pile: n for n, pile in enumerate(dict.fromkeys(pile for pile, _, _ in waiting))}
        names = list(piles)
        rows = await self.connection.fetch(
            AT_LIST_PRICE,
            [piles[pile] for pile, _, _ in waiting],
            [type_ for _, type_, _ in waiting],
            [data for _, _, data in waiting],
        )
        for row in rows:
            of = self._amounts.setdefault(names[row["pile"]], {})
            of[row["currency"]] = of.get(row["currency"], Decimal(0)) + row["amount"]


def in_words(worth: tuple[Money, ...]) -> str:
    """ ", worth 299.00 USD at list price", or nothing where no list price says."""
    return (
        f", worth {' and '.join(f'{money} {money.currency.code}' for money in worth)} at list price"
        if worth
        else ""
    )
