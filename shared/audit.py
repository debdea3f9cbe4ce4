"""Who changed what: a row for each object that a call changed, written in the transaction of the change and never
changed again (ADR 0035)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Annotated

from shared.db.columns import JSONB, Bulk, insert, names_of
from shared.db.filters import narrowed
from shared.db.unit_of_work import UnitOfWork

#: Who acts where no key does: whoever may run commands on the deployment's own machine.
COMMAND_LINE = "command line"

#: Where a row stands in time: its instant and its id.
Place = tuple[datetime, str]
Shown = Annotated[Mapping[str, object], JSONB]


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A row of `audit`. `actor`: whom U2C-Actor named, else the key; `key_id`: None for the command line.

    `verb`: the operation of the API; `object`, `object_id`: what it changed. `before`, `after`: how the API shows it,
    without secrets; None where there was, or is, none.
    """

    audit_id: str
    at: datetime  # machine clock
    actor: str
    key_id: str | None
    verb: str
    object: str
    object_id: str
    before: Shown | None
    after: Shown | None
    request_id: str


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """What a list of rows is narrowed to: rows of [since, until)."""

    actor: str | None = None
    key_id: str | None = None
    verb: str | None = None
    object: str | None = None
    object_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None


_CONDITIONS = {"since": "at >= {}", "until": "at < {}"}
#: The index has an id below its kind of object, of which there are a dozen: each is looked up (Postgres does so by itself
#: from 18 on, and reads the whole table before).
_OF_ANY_KIND = """object = any(array(
    with recursive kinds as (
        select min(object) as object from {audit}
        union all select (select min(object) from {audit} where object > kinds.object) from kinds
        where kinds.object is not null)
    select object from kinds where object is not null))"""


async def write_audit(uow: UnitOfWork, rows: Sequence[AuditRow]) -> None:
    """Write the rows in the transaction of what they tell."""
    audit = _audit(uow.schema)
    await uow.connection.execute(audit.sql, *audit.columns_of(rows))


async def newest_audit(
    uow: UnitOfWork, wanted: AuditFilter, before: Place | None, rows_max: int
) -> list[AuditRow]:
    """Rows that fit, newest first, those after this place in that order."""
    where = narrowed(wanted, _CONDITIONS)
    if wanted.object_id is not None and wanted.object is None:
        where = where.also(_OF_ANY_KIND.format(audit=f"{uow.schema}.audit"))
    if before is not None:
        where = where.also("(at, audit_id) < ({}, {})", *before)
    rows = await uow.connection.fetch(
        f"""select {names_of(AuditRow)} from {uow.schema}.audit where {where.sql}
            order by at desc, audit_id desc limit {rows_max:d}""",
        *where.parameters,
    )
    return [AuditRow(**row) for row in rows]


@cache
def _audit(schema: str) -> Bulk[AuditRow]:
    return insert(f"{schema}.audit", AuditRow)
