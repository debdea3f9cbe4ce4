"""K3's decision table, as SQL evaluates it, over every combination of facts: disjoint, exhaustive, and as the
protocol says."""

from itertools import product

import asyncpg
from hypothesis import given
from hypothesis import strategies as st

from services.billing.conservation.checks.facts import BUCKET, CONDITIONS, REASON
from services.billing.conservation.domain.dispositions import SUSPENSE_REASONS, Bucket, Reason
from tests.conftest import TestServer

FACTS = ("void", "void_late", "known", "metered", "in_force", "lined", "late", "waived", "held", "counted")
ALL = list(product((False, True), repeat=len(FACTS)))
TABLE = f"""
    select {", ".join(FACTS)}, {BUCKET} as bucket, {REASON} as reason,
        {" + ".join(f"{c}::integer" for c in CONDITIONS.values())} as true_conditions
    from unnest({", ".join(f"${n}::boolean[]" for n in range(1, len(FACTS) + 1))}) as fact
        ({", ".join(FACTS)})
"""


async def test_every_event_is_in_exactly_one_bucket(postgres_server: TestServer) -> None:
    connection = await asyncpg.connect(postgres_server.admin_url)
    try:
        rows = await connection.fetch(TABLE, *(list(column) for column in zip(*ALL, strict=True)))
    finally:
        await connection.close()
    assert len(rows) == len(ALL) and list(CONDITIONS) == list(Bucket)
    for row in rows:
        facts = {name: row[name] for name in FACTS}
        assert row["true_conditions"] == 1, facts
        assert (row["bucket"], row["reason"]) == as_the_protocol_says(**facts), facts


def as_the_protocol_says(
    *,
    void: bool,
    void_late: bool,
    known: bool,
    metered: bool,
    in_force: bool,
    lined: bool,
    late: bool,
    waived: bool,
    held: bool,
    counted: bool,
) -> tuple[Bucket, Reason | None]:
    """The decision table, read line by line by a person."""
    if void:
        # A final statement that counted it before its void came keeps it; everywhere else nothing is left of
        # it to bill.
        return (Bucket.APPLIED if counted and void_late else Bucket.VOIDED), None
    if known and metered and in_force and lined and late:
        return (Bucket.WAIVED_LATE if waived else Bucket.HELD_LATE), None
    if counted:
        return Bucket.APPLIED, None  # whatever became since of its subject, its meter or its terms
    if not known:
        return Bucket.SUSPENSE, Reason.NO_CUSTOMER
    if not metered:
        return Bucket.SUSPENSE, Reason.NO_METER
    if not in_force:
        return Bucket.SUSPENSE, Reason.NO_CONTRACT
    if not lined:
        return Bucket.UNPRICED, None
    if held:
        # its period cannot be priced: on no statement, whatever an older revision said
        return (
            Bucket.HELD,
            Reason.PRICING_FAILED,
        )
    return Bucket.APPLIED, None


@given(st.tuples(*(st.booleans() for _ in FACTS)))
def test_what_is_not_there_is_never_billed(facts: tuple[bool, ...]) -> None:
    named = dict(zip(FACTS, facts, strict=True))
    bucket, reason = as_the_protocol_says(**named)
    assert (bucket is Bucket.SUSPENSE) == (reason in SUSPENSE_REASONS) and (bucket is Bucket.HELD) == (
        reason is Reason.PRICING_FAILED
    )
    if bucket is Bucket.APPLIED and not named["counted"]:
        assert (
            named["known"]
            and named["metered"]
            and named["in_force"]
            and named["lined"]
            and not named["late"]
            and not named["held"]
        )
