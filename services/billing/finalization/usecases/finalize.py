"""Finalize: every final statement becomes exactly one document, however many workers try at once. Each run of
a series is a transaction of its own, and none is held while the gate is asked."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from typing import Final

import asyncpg
import structlog
from prometheus_client import Counter

from services.billing.documents.domain.reviewed import AWAITING_APPROVAL
from services.billing.documents.domain.told import told_line
from services.billing.finalization.domain.drafts import (
    DOCUMENT_REFUSED,
    Draft,
    Numbered,
    Obstacle,
    numbered,
)
from services.billing.finalization.domain.numbering import CHUNK_MAX
from services.billing.finalization.domain.posting import entry_of
from services.billing.finalization.repository import FinalizationRepository
from services.billing.finalization.rows import HeldDraft
from services.billing.finalization.usecases.ask_conservation import Gate
from services.billing.journal.usecases import post
from services.billing.reviews.domain.policy import ReviewPolicy
from services.billing.reviews.repository import PolicyRepository
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import Database, UnitOfWork
from shared.runtime import failpoints
from shared.runtime.clock import machine_us
from shared.topics.billing import DOCUMENTS, DocumentMessage
from shared.values.made_from import made_from
from shared.values.period import local_date

log = structlog.get_logger()
#: What the database says of a row that it will never take.
REFUSALS: Final = (asyncpg.IntegrityConstraintViolationError, asyncpg.DataError)
DETAIL_CHARACTERS: Final = 500
#: Drafts one pass of the gate looks at.
LOOKED_AT_MAX = 500
FINALIZED = Counter(
    "u2c_billing_finalized_total", "Final statements settled: documents, and drafts that leave none"
)
HELD = Counter("u2c_billing_held_total", "Times a draft was held, by the first thing in its way", ["kind"])
#: A held draft is looked at again after so long, and one that waits for a person alone, whose word has it looked at at
#: once, after so long.
HOLD_S, DECISION_S = 5, 600


@dataclass(frozen=True, slots=True)
class Look:
    """The drafts that are due, and the policy of that moment."""

    drafts: Sequence[Draft]
    policy: ReviewPolicy


async def finalize_due(db: Database, gate: Gate, now: datetime, zone: str) -> int:
    """Finalize what is due and hold what may not be yet; return how many documents were finalized. Safe to
    run many times at once. `zone`: where the legal entities have their days."""
    finalized, today = 0, local_date(now, zone)
    while (look := await _due(db)).drafts:
        found, obstacles = look.drafts, await _obstacles(look, gate)
        held = [draft for draft in found if obstacles[draft.document_id]]
        clear = [draft for draft in found if not obstacles[draft.document_id]]
        await _hold(held, obstacles, db, now)
        taken = sum([await _settle(chunk, db, now, today) for chunk in _chunks(clear, today)])
        finalized += taken
        FINALIZED.inc(taken)
        if clear and not taken:
            # Another worker has them under its locks.
            break
    return finalized


async def nothing_due(uow: UnitOfWork) -> bool:
    """Whether every final statement that was heard of is finalized or held."""
    return not await FinalizationRepository(uow.connection).is_any_due()


async def _due(db: Database) -> Look:
    async with db.transaction() as uow:
        policy = await PolicyRepository(uow.connection).in_force()
        return Look(await FinalizationRepository(uow.connection).due(LOOKED_AT_MAX), policy)


async def _obstacles(look: Look, gate: Gate) -> dict[str, list[Obstacle]]:
    """Document id → what stands in its way: in the draft itself, in the books of its contracts and periods, or that
    nobody has approved it."""
    drafts = look.drafts
    asked = dict.fromkeys(pair for draft in drafts for pair in draft.contract_periods)
    breaks = await gate.obstacles(list(asked))
    return {
        draft.document_id: [
            *draft.obstacles(),
            *(
                obstacle
                for pair in draft.contract_periods
                for obstacle in breaks.get(pair, ())
                if draft.is_held_by(obstacle)
            ),
            *_awaited(draft, look.policy),
        ]
        for draft in drafts
    }


def _awaited(draft: Draft, policy: ReviewPolicy) -> Iterator[Obstacle]:
    if why := policy.lacks_approval(draft):
        yield Obstacle(
            AWAITING_APPROVAL,
            f"{' and '.join(why)}: by version {policy.version} of the review policy somebody but {policy.set_by}, who set "
            f"it, approves it (POST /v1/invoices/{draft.document_id}/approve) before it gets a number",
            "finance",
        )


async def _hold(
    drafts: Sequence[Draft], obstacles: Mapping[str, list[Obstacle]], db: Database, now: datetime
) -> None:
    """Open an exception for each obstacle; these drafts wait, all others go on."""
    if not drafts:
        return
    async with db.transaction() as uow:
        repository = FinalizationRepository(uow.connection)
        held = await repository.hold([_held(draft, obstacles[draft.document_id]) for draft in drafts])
        for draft in [draft for draft in drafts if draft.document_id in held]:
            found = obstacles[draft.document_id]
            await repository.resolve_exceptions(
                [draft.reference], now, but=[obstacle.kind for obstacle in found]
            )
            HELD.labels(found[0].kind).inc()
            for obstacle in found:
                await open_exception(
                    uow,
                    NewCase(
                        obstacle.kind,
                        draft.reference,
                        obstacle.detail,
                        owner=obstacle.owner,
                        amount_minor=draft.total_minor,
                        currency=draft.currency,
                    ),
                    now,
                )


def _held(draft: Draft, found: Sequence[Obstacle]) -> HeldDraft:
    hold_s = DECISION_S if all(obstacle.is_a_decision for obstacle in found) else HOLD_S
    return HeldDraft(draft.document_id, found[0].kind, hold_s, draft.held_until)


def _chunks(drafts: Sequence[Draft], today: date) -> Iterator[list[Draft]]:
    """Cut into runs of one series, each at most one transaction long, older periods first."""
    ordered = sorted(drafts, key=lambda draft: (draft.series(today), draft.period_start, draft.contract))
    for _, of_series in groupby(ordered, key=lambda draft: draft.series(today)):
        rest = list(of_series)
        while rest:
            chunk, rest = rest[:CHUNK_MAX], rest[CHUNK_MAX:]
            yield chunk


async def _settle(chunk: Sequence[Draft], db: Database, now: datetime, today: date) -> int:
    """Finalize one run; what the database refuses of it stands alone in the end and is held, and the others go on."""
    try:
        return await _finalize_chunk(chunk, db, now, today)
    except REFUSALS as fault:
        if len(chunk) == 1:
            log.error("document_refused", document=chunk[0].document_id, fault=repr(fault))
            await _hold(chunk, {chunk[0].document_id: [_refused(fault)]}, db, now)
            return 0
    half = len(chunk) // 2
    return sum([await _settle(part, db, now, today) for part in (chunk[:half], chunk[half:])])


def _refused(fault: Exception) -> Obstacle:
    return Obstacle(
        DOCUMENT_REFUSED,
        f"it cannot be written as history: {fault}"[:DETAIL_CHARACTERS],
        "billing operations",
    )


async def _finalize_chunk(chunk: Sequence[Draft], db: Database, now: datetime, today: date) -> int:
    """Number, post and tell one run of one series in one transaction; return how many drafts it settled.

    The drafts are locked again here, so what another worker finalized or holds meanwhile falls out, as does what a
    policy that came meanwhile asks for, and no number is taken for it.
    """
    async with db.transaction() as uow:
        policy = await PolicyRepository(uow.connection).in_force_until_commit()
        repository = FinalizationRepository(uow.connection)
        mine = await repository.lock(
            [draft.document_id for draft in chunk if not policy.lacks_approval(draft)]
        )
        drafts = [draft for draft in chunk if draft.document_id in mine]
        await repository.drop_drafts([draft.document_id for draft in drafts if draft.leaves_no_document])
        kept = [draft for draft in drafts if not draft.leaves_no_document]
        if kept:
            series = kept[0].series(today)
            first, issued_on = await repository.take_numbers(series, len(kept), today)
            await _write_history(numbered(kept, series, first, issued_on), uow, repository, now)
        await repository.resolve_exceptions([draft.reference for draft in drafts], now)
    return len(drafts)


async def _write_history(
    documents: list[Numbered], uow: UnitOfWork, repository: FinalizationRepository, now: datetime
) -> None:
    await repository.insert_lines([document.draft for document in documents])
    await repository.finalize(documents, now)
    await post(uow, [entry_of(document) for document in documents])
    for document in documents:
        uow.tell(DOCUMENTS, message_of(document, document.draft))
    failpoints.reach("billing.after_number")


def message_of(numbered: Numbered, draft: Draft) -> DocumentMessage:
    """What others hear of a finalized document, numbered from this draft."""
    return made_from(
        DocumentMessage,
        draft,
        revision=machine_us(),
        kind=draft.kind.name,
        status="finalized",
        number=numbered.number,
        period_start_date=draft.start_date.isoformat(),
        period_end_date=draft.end_date.isoformat(),
        issued_on=numbered.issued_on.isoformat(),
        due_on=numbered.due_on.isoformat(),
        lines=tuple(map(told_line, draft.lines)),
        corrects=draft.corrects,
        occasion=draft.occasion,
    )
