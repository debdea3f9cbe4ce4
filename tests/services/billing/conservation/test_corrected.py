"""K5 of a period that was corrected: by its last correction, whatever became of those before."""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

import asyncpg
import msgspec
import pytest

from services.billing.conservation.checks.k5_money import money_of
from services.billing.conservation.usecases.check import breaks_of
from services.billing.finalization.usecases.finalize import finalize_due
from shared.db.unit_of_work import Database
from shared.topics.rating import STATEMENTS, AskedLine, LineDraw, StatementLine, StatementMessage
from shared.values.ids import statement_id
from shared.values.instants import from_us
from shared.values.made_from import made_from
from tests.conftest import TestDatabase
from tests.services.billing.conftest import Hear
from tests.services.billing.documents.test_many_statements import settled
from tests.services.billing.gates import OpenGate
from tests.services.billing.statements import NOW, ZONE, line_of, statement_of

STATEMENT = statement_of(final=True, amounts=(700,))
START = from_us(STATEMENT.period_start_us)
#: A line that costs 7.00, and one without usage.
INVOICED = msgspec.structs.replace(
    STATEMENT, lines=(STATEMENT.lines[0], line_of(STATEMENT.contract, START, "unused", "0", 0))
)
PERIOD = INVOICED.contract, START


@pytest.fixture
async def admin(database: TestDatabase) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database.admin_url)
    yield connection
    await connection.close()


def corrected(
    lines: Sequence[StatementLine],
    asked: Sequence[AskedLine] = (),
    *,
    run: int = 1,
    of: StatementMessage = INVOICED,
) -> StatementMessage:
    """A correction of the period to these lines."""
    return msgspec.structs.replace(
        of,
        statement_id=statement_id(*PERIOD, f"note:{run}"),
        revision=1 + run,
        occasion=f"note:{run}",
        lines=tuple(lines),
        asked=tuple(asked),
        subtotal_minor=sum(line.amount_minor for line in lines),
        explanation=None,
    )


def more(line: StatementLine, minor: int, *, drawn: int = 0) -> tuple[StatementLine, AskedLine]:
    """The line at so much more, of which a block pays a part, and what asks for that."""
    draws = (LineDraw("gift", "promotional", drawn),) if drawn else ()
    asked = made_from(
        AskedLine,
        line,
        meter=line.meter,
        description=line.description,
        amount_minor=minor,
        quantity=Decimal(0),
        segments=(),
        draws=draws,
    )
    return msgspec.structs.replace(line, amount_minor=line.amount_minor + minor, draws=draws), asked


async def kept(admin: asyncpg.Connection, said: StatementMessage, outcome: str, run: int) -> None:
    """Let rating have made a correction."""
    await admin.execute(
        """insert into rating.corrections (contract, period_start, run, number, outcome, statement_id, revision, watermark,
               watermark_us, subtotal_minor, asked_minor, currency, said, closing, known_version)
           values ($1, $2, $3, $4, $5, $6, $7, '{}', 0, $8, $9, 'USD', $10, '{}', 1)""",
        *PERIOD,
        run,
        None if outcome == "unchanged" else run,
        outcome,
        said.statement_id,
        said.revision,
        said.subtotal_minor,
        said.document_minor - said.drawn_minor,
        STATEMENTS.encode(said).decode(),
    )


async def looked_at(admin: asyncpg.Connection) -> dict[str, int]:
    """Nothing is named of the period, but that it is not among rating's; return its money."""
    checked = await money_of(admin, [PERIOD], NOW, drained=True)
    assert {broken.fault for broken in checked.breaks} == {"period_missing"}, checked.breaks
    (amounts,) = checked.amounts.values()
    assert amounts["settled"] == sum(
        amounts[name] for name in ("documented", "waived", "carried", "unbilled")
    )
    return dict(amounts)


async def invoiced(
    db: Database, admin: asyncpg.Connection, hear: Hear, statement: StatementMessage = INVOICED
) -> None:
    await hear(statement)
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    await settled(admin, statement)


async def test_what_was_carried_and_went_away_is_carried_no_more(
    db: Database, admin: asyncpg.Connection, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    await invoiced(db, admin, hear)
    raised, asked = more(INVOICED.lines[0], 3)
    await kept(admin, corrected([raised, INVOICED.lines[1]], [asked]), "carried", 1)
    assert (await looked_at(admin))["carried"] == 3
    await kept(admin, corrected(INVOICED.lines, run=2), "unchanged", 2)
    assert (await looked_at(admin))["carried"] == 0


@pytest.mark.parametrize("outcome", ["carried", "waived"])
async def test_what_a_block_pays_of_a_difference_is_a_part_of_it(
    db: Database, admin: asyncpg.Connection, hear: Hear, hear_customers: Hear, outcome: str
) -> None:
    await hear_customers()
    await invoiced(db, admin, hear)
    raised, asked = more(INVOICED.lines[0], 3, drawn=2)
    await kept(admin, corrected([raised, INVOICED.lines[1]], [asked]), outcome, 1)
    assert (await looked_at(admin))[outcome] == 3


@pytest.mark.parametrize("kept_lines", [slice(0, 1), slice(0, 3)], ids=["gone", "new"])
async def test_a_line_of_nothing_that_a_correction_brings_or_takes_is_on_no_document(
    db: Database, admin: asyncpg.Connection, hear: Hear, hear_customers: Hear, kept_lines: slice
) -> None:
    await hear_customers()
    await invoiced(db, admin, hear)
    new = line_of(INVOICED.contract, PERIOD[1], "new", "0", 0)
    await kept(admin, corrected((*INVOICED.lines, new)[kept_lines]), "unchanged", 1)
    assert (await looked_at(admin))["documented"] == 700


async def test_a_note_is_documented_where_the_period_came_to_nothing_and_has_no_invoice(
    db: Database, admin: asyncpg.Connection, hear: Hear, hear_customers: Hear
) -> None:
    await hear_customers()
    nothing = statement_of(final=True, amounts=(0,), skip_zero_invoices=True)
    await invoiced(db, admin, hear, nothing)
    raised, asked = more(nothing.lines[0], 5)
    note = corrected([raised], [asked], of=nothing)
    await kept(admin, note, "note", 1)
    await hear(note)
    assert await finalize_due(db, OpenGate(), NOW, ZONE) == 1
    assert await looked_at(admin) == {"settled": 5, "documented": 5, "waived": 0, "carried": 0, "unbilled": 0}


async def test_a_note_that_is_on_its_way_holds_no_document_of_its_period(
    db: Database, admin: asyncpg.Connection, hear: Hear, hear_customers: Hear
) -> None:
    """Rating has told it, and billing has not heard it yet: that is no lost message."""
    await hear_customers()
    await invoiced(db, admin, hear)
    raised, asked = more(INVOICED.lines[0], 3)
    await kept(admin, corrected([raised, INVOICED.lines[1]], [asked]), "note", 1)
    at_the_gate = {broken.fault for broken in (await breaks_of(admin, [PERIOD])).get(PERIOD, [])}
    assert "statement_not_heard" not in at_the_gate
    lost = await money_of(admin, [PERIOD], NOW, drained=True)
    assert "statement_not_heard" in {broken.fault for broken in lost.breaks}, "nothing is under way any more"
