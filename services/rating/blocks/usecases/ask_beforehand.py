"""Ask for blocks beforehand: what a period has of it is kept as the period opens, and told on its date."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.rows import AskedBeforehand, DueBeforehand, HeldBlock, ToldBeforehand
from services.rating.contracts.memory import Chain, load_chains
from services.rating.contracts.repository import ContractRepository
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.blocks.parts import Share, parts_due, prepayment_of
from shared.pricing.in_force import version_at
from shared.pricing.language import Terms
from shared.runtime.clock import machine_us
from shared.topics.rating import STATEMENTS, StatementLine, StatementMessage
from shared.topics.statement_steps import told
from shared.values.ids import line_id, statement_id
from shared.values.instants import to_us
from shared.values.made_from import made_from
from shared.values.period import ServicePeriod, local_midnight

TOLD_MAX = 200  # documents one transaction tells


async def keep_asked(uow: UnitOfWork, contract: str, chain: Chain, periods: Iterable[ServicePeriod]) -> None:
    """Keep what is asked for within these periods; what is kept already stays as it is."""
    periods, blocks = list(periods), BlockRepository(uow.connection)
    if any(version.terms.commitments or version.terms.credits for version in chain):
        parts = [(part, period.start) for period in periods for part in parts_due(chain, period)]
        await blocks.ask_beforehand([AskedBeforehand.of(part, contract, start) for part, start in parts])
    if not periods:
        return
    for block in await blocks.unasked(contract, max(period.end for period in periods)):
        first = next(period for period in periods if block.effective < period.end)
        await keep_prepayment(uow, block, chain[-1].terms, first.start)


async def keep_prepayment(uow: UnitOfWork, block: HeldBlock, terms: Terms, period_start: datetime) -> None:
    """Keep what is asked for a block that a call granted to a contract of these terms. The period is the one that it begins in,
    or, where it began before all of them, the first."""
    part = prepayment_of(block.block(), block.bought_minor, terms, block.cost_basis)
    await BlockRepository(uow.connection).ask_beforehand(
        [AskedBeforehand.of(part, terms.contract, period_start)]
    )


async def tell_asked(uow: UnitOfWork, now: datetime) -> int:
    """Tell what is due as statements of occasions of their own; return how many were told."""
    blocks = BlockRepository(uow.connection)
    due = await blocks.due_beforehand(now, TOLD_MAX)
    if not due:
        return 0
    chains = await load_chains(ContractRepository(uow.connection), sorted({asked.contract for asked in due}))
    said: list[ToldBeforehand] = []
    for asked in due:
        message = _message(asked, chains[asked.contract], now)
        text = STATEMENTS.encode(message).decode()
        said.append(ToldBeforehand(asked.contract, asked.occasion, message.statement_id, text))
        uow.tell(STATEMENTS, message)
    await blocks.told_beforehand(said)
    return len(due)


def _message(asked: DueBeforehand, chain: Chain, now: datetime) -> StatementMessage:
    """A document's whole statement: one line, by its steps. It is of no usage."""
    in_force = version_at(chain, asked.due_at) or chain[0]
    terms = in_force.terms
    line = _line(asked, in_force.version)
    share = made_from(Share, asked, clause=asked.clause_id)
    return StatementMessage(
        statement_id=statement_id(asked.contract, asked.period_start, asked.occasion),
        revision=machine_us(),
        contract=asked.contract,
        customer_id=asked.customer_id,
        customer=asked.customer,
        legal_entity=terms.legal_entity,
        currency=terms.currency,
        timezone=terms.timezone,
        period_start_us=to_us(asked.period_start),
        period_end_us=to_us(local_midnight(asked.end_date + timedelta(days=1), terms.timezone)),
        period_start_date=asked.start_date.isoformat(),
        period_end_date=asked.end_date.isoformat(),
        lines=(line,),
        subtotal_minor=asked.amount_minor,
        watermark={},
        watermark_us=0,
        final=True,
        priced_us=to_us(now),
        close_due_us=to_us(asked.due_at),
        net_days=terms.billing.net_days,
        contract_versions=(in_force.version,),
        occasion=asked.occasion,
        block=asked.block_id,
        explanation=told({line.line_id: share.steps(terms.money)}),
    )


def _line(asked: DueBeforehand, version: int) -> StatementLine:
    return StatementLine(
        line_id=line_id(asked.contract, asked.clause_id, asked.period_start, asked.occasion),
        key=asked.key,
        clause_id=asked.clause_id,
        version=version,
        clause_hash=asked.clause_hash,
        kind=asked.kind,
        quantity=Decimal(1),
        amount_minor=asked.amount_minor,
        description=_SHOWN[asked.kind].format(asked.key),
    )


_SHOWN: Final = {"commitment": "Commitment {}", "prepayment": "Prepaid credit {}"}
