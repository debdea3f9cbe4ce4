"""One customer's rows, multiplied: each once more for every further customer, with names of its own, by COPY."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import asyncpg

from lab.bench.event_key import event_key
from lab.bench.workload import subject

SCHEMAS: Final = ("rating", "billing", "signals", "usage_ingest")
#: What services have done and have still to do: nobody's, or of what is no more.
LEFT_OUT: Final = frozenset(
    {
        "outbox",
        "outbox_refused",
        "retold",
        "access_keys",
        "api_keys",
        "receipts",
        "door_hours",
        "conservation_checks",
        "conservation_results",
        "exceptions",
        "exception_acts",
        "idempotency_keys",
        "audit",
    }
)
#: Of which table not all rows are multiplied.
ONLY: Final[Mapping[str, str]] = {
    "signals.standings": "day = (select max(day) from signals.standings)",
}
#: Of which table one customer in so many has rows.
SHARES: Final[Mapping[str, int]] = {"usage_ingest.quarantine": 100}
#: Numbers that name something: a customer has less than a thousand of each.
NUMBERED: Final = frozenset({"subject_no", "seq"})
#: Tables with the key of an event → where its source and id stand beside them.
KEYED: Final[Mapping[str, str]] = {
    "rating.event_keys": "rating.event_keys t join rating.events e using (batch_id, seq)",
    "rating.events": "rating.events t cross join lateral (select t.source, t.id) e",
}
CUSTOMERS_A_CHUNK: Final = 500
#: What of a row is its customer's own, in COPY's text → what of a customer `n` stands there.
NAMED: Final = re.compile(
    rb"(?P<subject>%s)" % subject(0).encode()
    + rb"|(?P<called>Customer 0(?![0-9]))"
    + rb"|(?P<id>\b[a-z]{3}_[0-9A-Za-z]{16,26})[0-9A-Za-z]{6}\b"
    + rb"|(?P<uuid>\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-)[0-9a-f]{12}\b"
    + rb"|(?P<number>\b[A-Z]+(?:-[A-Z]+)?-[0-9]{4}-)[0-9]{4}(?P<last>[0-9]{2})\b"
)


@dataclass(frozen=True)
class Table:
    """A table with the columns that are written, and its rows as templates of those of customer `n`."""

    name: str
    columns: Sequence[str]
    rows: Sequence[bytes]

    def of(self, customers: Sequence[int]) -> bytes:
        """The rows of these customers, as COPY reads them."""
        return b"".join(row % {b"n": number} for number in customers for row in self.rows)


@dataclass(frozen=True)
class Keyed(Table):
    """A table with the key of an event, which is made from its source and id: templates of both, a pair a row."""

    named: Sequence[tuple[bytes, bytes]]

    def of(self, customers: Sequence[int]) -> bytes:
        return b"".join(
            row % {b"n": number, b"key": _key(source % {b"n": number}, id_ % {b"n": number})}
            for number in customers
            for row, (source, id_) in zip(self.rows, self.named, strict=True)
        )


def _key(source: bytes, id_: bytes) -> bytes:
    return event_key(source.decode(), id_.decode()).hex().encode()


def template(row: bytes, columns: Sequence[str]) -> bytes | None:
    """A row of COPY's text as that of customer `n`; None where nothing in it is a customer's own."""
    fields = [named(field) for field in row.rstrip(b"\n").split(b"\t")]
    for place, column in enumerate(columns):
        if column in NUMBERED:
            assert int(fields[place]) < 1000, f"{column} {fields[place]!r} of one customer"
            fields[place] = b"%%(n)d%03d" % int(fields[place])
    made = b"\t".join(fields) + b"\n"
    return made if b"%(n)" in made else None


def named(field: bytes) -> bytes:
    """A field as that of customer `n`."""
    return NAMED.sub(_named, field.replace(b"%", b"%%"))


def _named(found: re.Match[bytes]) -> bytes:
    if found["subject"]:
        return b"customer-%(n)05d"
    if found["called"]:
        return b"Customer %(n)d"
    if found["id"]:
        return found["id"] + b"%(n)06d"
    if found["number"]:
        return found["number"] + b"%(n)06d" + found["last"]
    return found["uuid"] + b"%(n)012x"


async def tables_of(connection: asyncpg.Connection) -> list[Table]:
    """All that is multiplied of a database with one customer."""
    rows = await connection.fetch(
        """select c.table_schema || '.' || c.table_name as name, array_agg(c.column_name::text order by c.ordinal_position) as columns
            from information_schema.columns c
            join pg_class t on t.oid = format('%I.%I', c.table_schema, c.table_name)::regclass
            where c.table_schema = any($1) and c.is_generated = 'NEVER' and t.relkind in ('r', 'p') and not t.relispartition
            group by 1 order by 1""",
        list(SCHEMAS),
    )
    found = [
        await _table(connection, row["name"], row["columns"])
        for row in rows
        if row["name"].split(".")[1] not in LEFT_OUT
    ]
    return [table for table in found if table.rows]


async def _table(connection: asyncpg.Connection, name: str, columns: Sequence[str]) -> Table:
    of = ", ".join(f't."{column}"' for column in columns)
    if name in KEYED:
        return await _keyed(connection, name, columns, of)
    rows = await _text(connection, f"select {of} from {name} t where {ONLY.get(name, 'true')}")
    made = (template(row, columns) for row in rows)
    return Table(name, columns, [row for row in made if row is not None])


async def _keyed(connection: asyncpg.Connection, name: str, columns: Sequence[str], of: str) -> Keyed:
    rows = await _text(connection, f"select {of}, e.source, e.id from {KEYED[name]}")
    made, pairs, place = [], [], columns.index("key")
    for row in rows:
        *fields, source, id_ = row.rstrip(b"\n").split(b"\t")
        if (found := template(b"\t".join(fields), columns)) is not None:
            key = found.split(b"\t")
            key[place] = b"\\\\x%(key)s"
            made.append(b"\t".join(key))
            pairs.append((named(source), named(id_)))
    return Keyed(name, columns, made, pairs)


async def _text(connection: asyncpg.Connection, query: str) -> list[bytes]:
    """What a query says, a row each, as COPY writes it."""
    text = bytearray()

    async def take(data: bytes) -> None:
        text.extend(data)

    await connection.copy_from_query(query, output=take)
    return bytes(text).split(b"\n")[:-1]


async def multiply(connection: asyncpg.Connection, table: Table, customers: int) -> None:
    """Write the rows of all customers but the first, whose are there; no trigger fires, and no foreign key is looked at."""

    async def text() -> AsyncIterator[bytes]:
        numbers = range(1, customers, SHARES.get(table.name, 1))
        for first in range(0, len(numbers), CUSTOMERS_A_CHUNK):
            yield table.of(numbers[first : first + CUSTOMERS_A_CHUNK])

    schema, name = table.name.split(".")
    async with connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        await connection.copy_to_table(
            name, schema_name=schema, columns=list(table.columns), source=text(), timeout=None
        )
