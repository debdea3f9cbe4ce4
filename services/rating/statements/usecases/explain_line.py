"""Explain a line: a final statement's by the steps that were kept with it, a draft's by pricing it again, up to its own
watermark, with every step kept."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from services.rating.contracts.memory import chain_of
from services.rating.contracts.repository import ContractRepository
from services.rating.statements.domain.balances import from_stored
from services.rating.statements.rows import StoredStatement
from services.rating.statements.usecases.find import find, find_correction
from services.rating.statements.usecases.read_usage import read_needs
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.pricing.models.matrix import NoRateForGroup
from shared.pricing.needs import Totals
from shared.pricing.pipeline import price_period, usage_needs
from shared.pricing.steps.without_rate import UsageWithoutRate
from shared.topics.rating import (
    PERIOD,
    AskedLine,
    Explanation,
    StatementLine,
    StatementMessage,
    StatementStep,
)
from shared.topics.statement_steps import told
from shared.values.groups import Group
from shared.values.instants import to_us
from shared.values.made_from import made_from


class LineNotFound(AppError):
    """This statement has no line of this id."""

    kind = Kind.NOT_FOUND


class ExplanationDiffers(AppError):
    """Pricing the draft again gives another amount: whatever changed meanwhile is on its way, or somebody must look."""

    kind = Kind.CONFLICT


Explained = tuple[StatementMessage, StatementLine, tuple[StatementStep, ...] | None]


def line_of(statement: StatementMessage, line_id: str) -> StatementLine:
    """Return a line, or raise LineNotFound."""
    found = next((line for line in statement.lines if line.line_id == line_id), None)
    if found is None:
        raise LineNotFound(f"{line_id[:60]} is none of its {len(statement.lines)} lines")
    return found


def taken_back(statement: StatementMessage, line_id: str) -> StatementLine | None:
    """Return a line that a correction took back whole, as what it comes to now: nothing; None: it has the line, or never
    had."""
    if any(line.line_id == line_id for line in statement.lines):
        return None
    asked = next((line for line in statement.asked if line.line_id == line_id), None)
    return None if asked is None else _nothing_of(asked)


def _nothing_of(asked: AskedLine) -> StatementLine:
    return made_from(StatementLine, asked, quantity=Decimal(0), amount_minor=0, description=asked.description)


async def explain_line(
    uow: UnitOfWork, contract: str, start_date: date, line_id: str, occasion: str = PERIOD
) -> Explained:
    """Return the statement, the line and the steps that lead to its amount; the amounts of the steps sum to
    the line's. None: the statement was final before steps were kept.

    A final statement is explained as it was, whatever came late and however terms are priced today, and so is a correction:
    a line that it took back whole comes to nothing, by no step.
    """
    if occasion != PERIOD:
        corrected = (await find_correction(uow, contract, start_date, occasion)).said.message
        line = taken_back(corrected, line_id) or line_of(corrected, line_id)
        return corrected, line, (corrected.explanation or {}).get(line_id, ())
    row = await find(uow, contract, start_date)
    statement = row.document
    line = line_of(statement, line_id)
    if not statement.final:
        return statement, line, (await _priced_again(uow, row, line))[line_id]
    explanation = statement.explanation
    return statement, line, None if explanation is None else explanation.get(line_id, ())


async def _priced_again(uow: UnitOfWork, row: StoredStatement, line: StatementLine) -> Explanation:
    """The quantities are those of the draft's own segments."""
    statement = row.document
    versions = await ContractRepository(uow.connection).versions(statement.contract)
    chain = chain_of(version for version in versions if version.version <= row.known_version)
    period = row.in_zone(statement.timezone)
    opening = from_stored(row.opening)
    usage = await _as_counted(uow, statement, usage_needs(chain, period, opening.blocks))
    try:
        priced = price_period(chain, period, usage, opening, explain=True)
    except (UsageWithoutRate, NoRateForGroup) as fault:
        # usage that came since, up to where a block begins or ends
        raise ExplanationDiffers(f"it cannot be priced as it is now: {fault}") from fault
    again = next((one for one in priced.lines if one.line_id == line.line_id), None)
    if again is None or again.amount_minor != line.amount_minor:
        raise ExplanationDiffers(
            f"line {line.line_id} is {line.amount_minor} minor units and comes to {again.amount_minor if again else 'nothing'} now"
        )
    return told(priced.explanation)


async def _as_counted(
    uow: UnitOfWork, statement: StatementMessage, needs: tuple[Totals, ...]
) -> Mapping[Totals, Mapping[Group, Decimal]]:
    """What each need read when the statement was priced: the quantities of the segments with its key and
    span; what was counted up to where a block begins or ends is no segment, and read."""
    counted: dict[tuple[str, int, int], dict[Group, Decimal]] = {}
    for line in statement.lines:
        for segment in line.segments:
            groups = counted.setdefault((line.key, segment.start_us, segment.end_us), {})
            group = tuple(sorted(segment.group.items()))
            groups[group] = groups.get(group, Decimal(0)) + segment.quantity
    found = {need: counted.get((need.line_key, to_us(need.start), to_us(need.end))) for need in needs}
    cut = [need for need, groups in found.items() if groups is None]
    return {
        **{need: groups for need, groups in found.items() if groups is not None},
        **await read_needs(uow, statement.customer_id, cut),
    }
