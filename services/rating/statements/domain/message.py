"""The statement as it is told: a priced period with the terms it is billed by."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

import msgspec

from services.rating.statements.domain.balances import from_stored
from services.rating.statements.domain.due import DueStatement
from shared.pricing.layout import Layout
from shared.pricing.layouts import layout_of
from shared.pricing.lines import NO_SPEND, TOP_UP, UsageLine
from shared.pricing.results import PricedLine, PricedPeriod
from shared.topics.rating import LineDraw, StatementHeld, StatementLine, StatementMessage, StatementSegment
from shared.topics.statement_pages import cut
from shared.topics.statement_steps import told
from shared.values.decimals import plain
from shared.values.ids import statement_id
from shared.values.instants import to_us
from shared.values.made_from import made_from

#: Why a statement is held, and the kind of the exception that says so.
PRICING_FAILED = "pricing_failed"
_NONE = Decimal(0)
L = TypeVar("L", bound=StatementLine)
NOTHING_PRICED = PricedPeriod((), 0, {})
# The edges of spans and the names of statements come again with every revision.
_us = lru_cache(10_000)(to_us)
_statement_id = lru_cache(20_000)(statement_id)


@dataclass(frozen=True, slots=True)
class PricedAt:
    """What a revision knows about itself: machine µs, what usage it covers, and the business time."""

    revision_us: int
    watermark: Mapping[str, int]  # usage.events partition → last batch id covered
    watermark_us: int
    now: datetime
    meters: Mapping[str, int]  # meter → its revision now


def message_of(due: DueStatement, priced: PricedPeriod, at: PricedAt) -> StatementMessage:
    """Return the whole statement, in one piece; a final one with the explanation it was priced with."""
    layout = layout_of(due.chain, due.period, due.blocks)
    terms = layout.terms or due.chain[0].terms
    return StatementMessage(
        statement_id=_statement_id(due.contract, due.period.start),
        revision=max(due.previous_revision + 1, at.revision_us),
        contract=due.contract,
        customer_id=due.customer_id,
        customer=due.customer,
        legal_entity=terms.legal_entity,
        currency=terms.currency,
        timezone=terms.timezone,
        period_start_us=to_us(due.period.start),
        period_end_us=to_us(due.period.end),
        period_start_date=due.period.start_date.isoformat(),
        period_end_date=due.period.end_date.isoformat(),
        lines=_lines(priced),
        subtotal_minor=priced.subtotal_minor,
        watermark=dict(at.watermark),
        watermark_us=at.watermark_us,
        final=due.final,
        priced_us=to_us(at.now),
        close_due_us=to_us(due.close_due_at),
        net_days=terms.billing.net_days,
        contract_versions=layout.versions,
        skip_zero_invoices=terms.skip_zero_invoices,
        consumption=_consumption(due, layout, priced.lines),
        meters={need.meter: at.meters[need.meter] for need in layout.needs if need.meter in at.meters},
        explanation=told(priced.explanation) if due.final else None,
    )


def at_cost(
    message: StatementMessage, costs: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]
) -> StatementMessage:
    """Return a final statement, or a correction, whose draws say what was paid for them. `costs`: (line, block) → that of
    what it draws now, `before` that of what the period drew before it; a block without a cost basis is in neither."""
    whole = cost_in_all(costs, before)
    if not whole:
        return message
    return msgspec.structs.replace(
        message,
        lines=tuple([_at_cost(line, whole) for line in message.lines]),
        asked=tuple([_at_cost(line, costs) for line in message.asked]),
    )


def cost_in_all(
    costs: Mapping[tuple[str, str], int], before: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """(line, block) → what was paid for its draws, now and before."""
    return {
        place: costs.get(place, 0) + before.get(place, 0)
        for place in [*before, *(costs.keys() - before.keys())]
    }


def _at_cost(line: L, costs: Mapping[tuple[str, str], int]) -> L:
    draws = tuple(
        [
            msgspec.structs.replace(draw, cost_minor=costs.get((line.line_id, draw.block)))
            for draw in line.draws
        ]
    )
    return msgspec.structs.replace(line, draws=draws)


def held_message(
    due: DueStatement, before: StatementMessage | None, held: StatementHeld, at: PricedAt
) -> StatementMessage:
    """Return the statement of a period that cannot be priced: what the last revision that could be said, or
    nothing yet, and why it is held."""
    said = before or message_of(due, NOTHING_PRICED, replace(at, watermark={}, watermark_us=0))
    return msgspec.structs.replace(
        said,
        revision=max(due.previous_revision + 1, at.revision_us),
        final=False,
        explanation=None,
        held=held,
        consumption=said.consumption if before else {},
    )


def as_told(statement: StatementMessage) -> StatementMessage:
    """Return the statement as others see it. Only a final one takes its segments and its explanation along: a draft
    is replaced again and again, and who asks why it is what it is asks rating."""
    if statement.final:
        return statement
    bare = tuple([msgspec.structs.replace(line, segments=()) for line in statement.lines])
    return msgspec.structs.replace(statement, lines=bare)


def pages_of(statement: StatementMessage) -> list[StatementMessage]:
    """Return the statement as it travels: whole, or in pages, each naming its place among them."""
    return cut(as_told(statement))


def _lines(priced: PricedPeriod) -> tuple[StatementLine, ...]:
    """The lines, each with what the blocks pay of it in the end."""
    if not priced.draws:
        return tuple([_line(line, ()) for line in priced.lines])
    kinds = {block.id: block.kind for block in priced.blocks}
    paid: dict[str, dict[str, int]] = {}
    for draw in priced.draws:
        of_line = paid.setdefault(draw.line_id, {})
        of_line[draw.block] = of_line.get(draw.block, 0) + draw.amount_minor
    return tuple(
        [
            _line(line, [LineDraw(block, kinds[block], minor) for block, minor in of.items() if minor])
            for line in priced.lines
            for of in (paid.get(line.line_id, {}),)
        ]
    )


def _line(line: PricedLine, draws: Sequence[LineDraw]) -> StatementLine:
    return made_from(
        StatementLine,
        line,
        meter=line.meter,
        description=line.description,
        draws=tuple(draws),
        segments=tuple(
            [
                StatementSegment(
                    start_us=_us(segment.start),
                    end_us=_us(segment.end),
                    version=segment.version,
                    clause_hash=segment.clause_hash,
                    quantity=segment.quantity,
                    allowance=segment.allowance,
                    priced=segment.priced,
                    exact=segment.exact,
                    group=segment.group,
                    unpriced=segment.unpriced,
                    converted=segment.converted,
                )
                for segment in line.segments
            ]
        ),
    )


def _consumption(due: DueStatement, layout: Layout, lines: Sequence[PricedLine]) -> dict[str, str]:
    """What the contract includes or guarantees in this period and how much of it is used, for signals.

    Keys: `spend_minor` (settled, without top-up and one-off charges), `minimum_minor`, and of each line with an allowance
    `included:<line>`, with what was rolled over to it, and `used:<line>`, both in the units that it prices.
    """
    said = {
        "spend_minor": str(sum(line.amount_minor for line in lines if line.kind not in {TOP_UP, *NO_SPEND}))
    }
    if layout.minimum and layout.minimum.exact:
        said["minimum_minor"] = str(layout.minimum.settled.minor)
    found = {line.key: line for line in lines}
    rolled_over = {row.line_key: row.units for row in from_stored(due.opening).rolled_over}
    for line in layout.lines:
        clause = line.last.clause
        if isinstance(clause, UsageLine) and clause.included_units and line.last.end == due.period.end:
            said[f"included:{line.key}"] = plain(line.last.allowance + rolled_over.get(line.key, _NONE))
            segments = found[line.key].segments if line.key in found else ()
            said[f"used:{line.key}"] = plain(sum([one.units for one in segments], _NONE))
    return said
