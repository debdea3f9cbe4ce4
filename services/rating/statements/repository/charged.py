"""What stands on another customer's final statement stays there, whoever its subject means now: it is counted
once.

A final statement keeps the subjects it closed with, so its usage of them, up to its cut, is its customer's
for good. What it took out, held for a decision or waived, goes with its subject.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.rating.metering.domain.apart import Apart
from services.rating.metering.domain.stretches import Stretches

#: The meters a statement `st` charges: those it names, or, where it was priced before it named any, those of
#: its lines.
_METERS = """array(select jsonb_object_keys(st.document -> 'meters')
    union select line ->> 'meter' from jsonb_array_elements(coalesce(st.document -> 'lines', '[]')) line
        where line ? 'meter')"""
#: Few subjects ever leave a customer, so the search begins with those that did.
_CAME = """rating.departed_subjects d
    join rating.subjects s on s.subject = d.subject and s.customer_id <> d.customer_id"""
_ANY_CAME = f"select exists (select from {_CAME} where s.customer_id = any($1::text[]))"
_OF_CUSTOMERS = f"""
    select s.customer_id, d.subject, p.period_start, p.period_end, coalesce(k.batches, st.watermark) as watermark,
        k.taken_out, {_METERS} as meters
    from {_CAME}
    join rating.contracts c on c.customer_id = d.customer_id
    join rating.last_subjects k on k.contract = c.contract and k.subject = d.subject
    join rating.last_statements st on st.contract = k.contract and st.period_start = k.period_start
    join rating.periods p on p.contract = k.contract and p.period_start = k.period_start
    where s.customer_id = any($1::text[])
"""
_OF_SUBJECTS = f"""
    select d.subject, p.period_start, p.period_end, coalesce(k.batches, st.watermark) as watermark,
        k.taken_out, {_METERS} as meters
    from rating.departed_subjects d
    join rating.contracts c on c.customer_id = d.customer_id
    join rating.last_subjects k on k.contract = c.contract and k.subject = d.subject
    join rating.last_statements st on st.contract = k.contract and st.period_start = k.period_start
    join rating.periods p on p.contract = k.contract and p.period_start = k.period_start
    where d.subject = any($1::text[]) and c.customer_id is distinct from $2
        and ($3::bigint is null or st.final_revision < $3)
"""


@dataclass(frozen=True, slots=True)
class Charged:
    """Usage of a subject that a final statement charges, by these meters."""

    apart: Apart
    meters: frozenset[str]


async def charged_elsewhere(
    connection: asyncpg.Connection, customer_ids: Sequence[str]
) -> dict[str, list[Charged]]:
    """Customer id → what other customers' final statements charge of its subjects; nothing for most, which a
    question that is planned in no time says."""
    found: dict[str, list[Charged]] = {}
    asked = sorted(set(customer_ids))
    if not await connection.fetchval(_ANY_CAME, asked):
        return found
    for row in await connection.fetch(_OF_CUSTOMERS, asked):
        found.setdefault(row["customer_id"], []).append(_charged(row))
    return found


async def charged_before(
    connection: asyncpg.Connection,
    subjects: Sequence[str],
    customer_id: str | None,
    revision: int | None,
) -> list[Charged]:
    """What final statements of others than this customer charge of these subjects; with a revision, those
    that were final before it."""
    return [
        _charged(row) for row in await connection.fetch(_OF_SUBJECTS, list(subjects), customer_id, revision)
    ]


def of_meter(charged: Sequence[Charged], meter: str, start: datetime, end: datetime) -> tuple[Apart, ...]:
    """What stands apart from a meter's usage in [start, end)."""
    return tuple(
        one.apart
        for one in charged
        if meter in one.meters and one.apart.start < end and one.apart.end > start
    )


def _charged(row: asyncpg.Record) -> Charged:
    return Charged(
        Apart(
            row["subject"],
            row["period_start"],
            row["period_end"],
            Stretches.up_to(row["watermark"]).without(Stretches.stored(row["taken_out"])),
        ),
        frozenset(row["meters"]),
    )
