"""Planted faults: each damages one row of a real book, inside a transaction that is rolled back, and says
which break must name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from services.billing.conservation.domain.breaks import Break, K, Row


@dataclass(frozen=True, slots=True)
class Sabotage:
    """`find` picks a row worth damaging (null: the book has none, `needs` says what is missing), `harm`
    damages it."""

    k: K
    fault: str
    table: str
    find: str
    harm: str
    needs: str


@dataclass(frozen=True, slots=True)
class Planted:
    """What was damaged: the break must have this fault, this table and at least this key."""

    kind: str
    sabotage: Sabotage
    row: Row

    def named_by(self, found: Break) -> bool:
        return (
            found.k is self.sabotage.k
            and found.fault == self.sabotage.fault
            and found.where.table == self.row.table
            and all(str(found.where.key.get(name)) == str(value) for name, value in self.row.key.items())
        )


class NothingToSabotage(Exception):
    """The book has no row of this kind yet. The message says what to do first."""


KINDS: Mapping[str, Sabotage] = {
    "event-deleted": Sabotage(
        K.DISPOSITION,
        "event_missing",
        "rating.events",
        """select e.batch_id, e.seq from rating.events e
           order by exists (select from rating.voids v where v.key = e.key),
               not exists (select from rating.subjects s where s.subject = e.subject)
           limit 1""",
        "delete from rating.events where batch_id = $1 and seq = $2",
        "a stored event",
    ),
    "aggregate-off": Sabotage(
        K.QUANTITY,
        "aggregate_off",
        "rating.usage_hours",
        """select u.subject, u.meter, u.grp, u.hour from rating.usage_hours u
            join rating.meters m using (meter)
           where u.events > 0 and m.backfilled order by u.events desc, u.subject, u.meter, u.hour limit 1""",
        "update rating.usage_hours set events = events + 1, value = value + 1 where subject = $1 and meter = $2 and grp = $3 and hour = $4",
        "an hour of metered usage",
    ),
    "statement-dropped": Sabotage(
        K.MONEY,
        "statement_missing",
        "rating.statements",
        """select s.contract, s.period_start from rating.statements s
            join billing.statements h using (contract, period_start)
           order by s.final desc, s.subtotal_minor desc, s.contract, s.period_start limit 1""",
        "delete from rating.statements where contract = $1 and period_start = $2",
        "a statement that billing has heard",
    ),
    "line-changed": Sabotage(
        K.MONEY,
        "line_differs",
        "billing.document_lines",
        """select l.document_id, l.position from billing.document_lines l
            join billing.documents d using (document_id)
           where d.status = 'finalized' and d.kind = 'invoice'
               order by l.amount_minor desc, l.document_id, l.position limit 1""",
        "update billing.document_lines set amount_minor = amount_minor + 1 where document_id = $1 and position = $2",
        "a finalized document",
    ),
    "batch-row-removed": Sabotage(
        K.TRANSPORT,
        "batch_row_missing",
        "bus.batches",
        """select b.grp, b.topic, b.partition, b.from_offset from bus.batches b
           order by b.grp = 'rating' and b.topic = 'usage.events' desc, b.to_offset desc, b.partition
               limit 1""",
        "delete from bus.batches where grp = $1 and topic = $2 and partition = $3 and from_offset = $4",
        "a batch that some group has consumed",
    ),
    "message-set-aside": Sabotage(
        K.DOOR,
        "message_set_aside",
        "bus.dead_letters",
        "select 'rating' as grp, 'usage.events' as topic, 'sabotaged' as source from rating.events limit 1",
        """insert into bus.dead_letters (grp, topic, partition, offset_, index_, key, value, error, batch_id)
           select $1, $2, e.partition, b.from_offset, 2147483647, e.key,
                  convert_to(jsonb_build_object('source', $3::text, 'id', e.id, 'type', e.type, 'data',
                      e.data)::text, 'UTF8'), 'sabotage', e.batch_id
           from rating.events e join bus.batches b using (batch_id) order by e.batch_id desc, e.seq
               limit 1""",
        "a stored event",
    ),
}


async def plant(connection: asyncpg.Connection, kind: str) -> Planted:
    """Damage a row, in the caller's transaction, past every trigger; the connection is an administrator's.
    Raises NothingToSabotage."""
    sabotage = KINDS[kind]
    row: Any = await connection.fetchrow(sabotage.find)
    if row is None:
        raise NothingToSabotage(f"{kind} needs {sabotage.needs}, and this book has none.")
    await connection.execute("set local session_replication_role = replica")
    done = await connection.execute(sabotage.harm, *row.values())
    assert done.endswith(" 1"), f"{kind} must damage one row: {done}"
    await connection.execute("set local session_replication_role = origin")
    return Planted(kind, sabotage, Row(sabotage.table, dict(row)))
