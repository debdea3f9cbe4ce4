"""Hold a draft, release it, mark it as seen, approve it. Who comes second is told what has changed."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Final

from services.billing.documents.domain.reviewed import (
    AWAITING_APPROVAL,
    HELD_BY_PERSON,
    Approval,
    Hold,
    Revisions,
    Seen,
    State,
)
from services.billing.documents.usecases import DocumentNotFound
from services.billing.reviews.repository import PolicyRepository, ReviewRepository
from services.billing.reviews.requests import SeenBody
from services.billing.reviews.rows import ReviewedDocument
from shared.cases import NewCase, open_exception, resolve_exceptions
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.values.instants import written
from shared.values.money import currency, exactly, format_minor

OWNER: Final = "finance"


class DocumentFinalized(AppError):
    """It has its number, and what is finalized never changes."""

    kind = Kind.CONFLICT


class NewerRevision(AppError):
    """What was looked at is no longer what stands; look at it again."""

    kind = Kind.CONFLICT


class StillOpen(AppError):
    """An open draft still changes: it can be marked as seen, and is approved once it is final."""

    kind = Kind.CONFLICT


class NoLongerOpen(AppError):
    """Only an open draft is marked as seen; a final one is approved, or held."""

    kind = Kind.CONFLICT


class NothingToApprove(AppError):
    """No approval is waited for."""

    kind = Kind.CONFLICT


class ApprovedAlready(AppError):
    """Somebody else has approved it."""

    kind = Kind.CONFLICT


class AskerApproves(AppError):
    """Who asks for approvals does not give them."""

    kind = Kind.FORBIDDEN


class HeldAlready(AppError):
    """Somebody holds it."""

    kind = Kind.CONFLICT


class NotHeld(AppError):
    """Nobody holds it."""

    kind = Kind.CONFLICT


class NeverWaits(AppError):
    """What is bought beforehand waits for nobody: the customer waits for it."""

    kind = Kind.CONFLICT


async def hold(
    uow: UnitOfWork, document: ReviewedDocument, by: str, reason: str, now: datetime
) -> ReviewedDocument:
    """Keep the draft from becoming an invoice until it is released. Raises DocumentFinalized, NeverWaits, HeldAlready."""
    _refuse_finalized(document)
    if not document.kind.waits_for_people:
        raise NeverWaits(
            f"{document.document_id} is a {document.kind.name}; void the block in rating if it is wrong"
        )
    if document.hold is not None:
        raise HeldAlready(f"{_since(document.hold)}, because: {document.hold.reason}")
    made = Hold(by, now, reason)
    await ReviewRepository(uow.connection).hold(document.document_id, made, HELD_BY_PERSON)
    await open_exception(
        uow,
        NewCase(
            HELD_BY_PERSON,
            document.reference,
            f"held by {by}: {reason}; release it with POST /v1/invoices/{document.document_id}/release",
            OWNER,
            document.total_minor,
            document.currency,
        ),
        now,
    )
    return replace(document, hold=made, state="held")


async def release(uow: UnitOfWork, document: ReviewedDocument, now: datetime) -> ReviewedDocument:
    """Let it go on: the gate, and the policy, look at it again. Raises DocumentFinalized and NotHeld."""
    _refuse_finalized(document)
    if document.hold is None:
        raise NotHeld(f"{document.document_id} is {_in_words(document)}; there is nothing to release")
    await ReviewRepository(uow.connection).release(document.document_id)
    await resolve_exceptions(uow, HELD_BY_PERSON, [document.reference], now)
    return await _as_it_is(uow, document)


async def approve(
    uow: UnitOfWork, document: ReviewedDocument, by: str, looked_at: Revisions, now: datetime
) -> ReviewedDocument:
    """Approve the revisions that were looked at. Who approves what they have approved changes nothing.

    Raises DocumentFinalized, NewerRevision, StillOpen, HeldAlready, ApprovedAlready, NothingToApprove, AskerApproves.
    """
    _refuse_finalized(document)
    _refuse_other_revisions(document, looked_at)
    if not document.complete:
        raise StillOpen(f"{document.document_id} is open until its period closes; mark it as seen")
    if document.hold is not None:
        raise HeldAlready(f"{_since(document.hold)}, because: {document.hold.reason}; it is released first")
    if document.approval is not None and document.approval.revisions == looked_at:
        if document.approval.by == by:
            return document
        raise ApprovedAlready(f"{document.approval.by} has approved it at {written(document.approval.at)}")
    policy = await PolicyRepository(uow.connection).in_force()
    if not policy.lacks_approval(document):
        raise NothingToApprove(
            f"version {policy.version} of the review policy does not ask for it: {document.document_id} is "
            f"{_in_words(document)}"
        )
    if policy.set_by == by:
        raise AskerApproves(
            f"{by} has set version {policy.version} of the review policy; somebody else approves"
        )
    made = Approval(by, now, policy.version, dict(looked_at), document.total_minor)
    await ReviewRepository(uow.connection).approve(document.document_id, made)
    await resolve_exceptions(uow, AWAITING_APPROVAL, [document.reference], now)
    return await _as_it_is(uow, document)


async def mark_seen(
    uow: UnitOfWork, document: ReviewedDocument, by: str, looked_at: SeenBody, now: datetime
) -> ReviewedDocument:
    """Note that somebody has looked at an open draft, which may be newer than what was heard of it. Raises
    DocumentFinalized, NoLongerOpen, NewerRevision, AmountNotOfCurrency."""
    _refuse_finalized(document)
    if document.complete:
        raise NoLongerOpen(f"{document.document_id} is final; approve it, or hold it")
    seen = looked_at.revisions
    if seen.keys() != document.revisions.keys() or any(
        number < document.revisions[name] for name, number in seen.items()
    ):
        raise _newer(document)
    made = Seen(by, now, dict(seen), exactly(Decimal(looked_at.total), currency(document.currency)))
    await ReviewRepository(uow.connection).mark_seen(document.document_id, made)
    return replace(document, seen=made)


async def _as_it_is(uow: UnitOfWork, document: ReviewedDocument) -> ReviewedDocument:
    """It may wait for something else than a person."""
    return (await ReviewRepository(uow.connection).lock([document.document_id]))[document.document_id]


def found(documents: Mapping[str, ReviewedDocument], document_id: str) -> ReviewedDocument:
    """The document of that id, of those that are locked; raises DocumentNotFound."""
    if document_id not in documents:
        raise DocumentNotFound(f"no document {document_id[:60]!r}; GET /v1/invoices lists them")
    return documents[document_id]


async def lock(uow: UnitOfWork, document_ids: list[str]) -> dict[str, ReviewedDocument]:
    """Those of these documents that are there, locked until the transaction ends."""
    return await ReviewRepository(uow.connection).lock(document_ids)


def _refuse_finalized(document: ReviewedDocument) -> None:
    if document.state == "finalized":
        raise DocumentFinalized(f"it is {document.number}; what is wrong with it is corrected by a note")


def _refuse_other_revisions(document: ReviewedDocument, looked_at: Revisions) -> None:
    if document.revisions != looked_at:
        raise _newer(document)


def _newer(document: ReviewedDocument) -> NewerRevision:
    stands = ", ".join(f"{name} is at {number}" for name, number in sorted(document.revisions.items()))
    total = format_minor(document.total_minor, currency(document.currency))
    return NewerRevision(
        f"{stands}, and comes to {total} {document.currency}; look at GET /v1/invoices/{document.document_id} and send "
        "the revisions that it shows"
    )


def _since(hold: Hold) -> str:
    return f"{hold.by} holds it since {written(hold.at)}"


_WORDS: Final[Mapping[State, str]] = {
    "open": "open",
    "due": "on its way to a number",
    "held": "held by what its exceptions say",
    "awaiting_approval": "waiting for an approval",
    "finalized": "finalized",
}


def _in_words(document: ReviewedDocument) -> str:
    return _WORDS[document.state]
