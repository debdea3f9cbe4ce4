"""Hold, release, approve, mark as seen: one draft or many; and the policy that asks for approvals."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter
from fastapi.responses import Response

from services.billing.context import BillingContext, Ctx
from services.billing.documents.usecases import DocumentNotFound
from services.billing.parameters import DocumentId
from services.billing.reviews.answers import (
    ActedAnswer,
    ActsAnswer,
    RefusedAnswer,
    ReviewAnswer,
    ReviewPolicyAnswer,
)
from services.billing.reviews.domain.policy import VERSION_MAX
from services.billing.reviews.requests import (
    Act,
    ActsBody,
    ApproveAct,
    HoldAct,
    HoldBody,
    LookedAt,
    PolicyBody,
    ReleaseAct,
    SeenAct,
    SeenBody,
)
from services.billing.reviews.rows import PolicyRow, ReviewedDocument
from services.billing.reviews.usecases import review as usecases
from services.billing.reviews.usecases.set_policy import (
    PolicyReplaced,
    list_policies,
    policy_in_force,
    set_policy,
)
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, refuses
from shared.http.answers import Listed
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.cursors import parts_in
from shared.http.keys import requires
from shared.http.paging import CursorInvalid, Page, Paged
from shared.values.money import AmountNotOfCurrency

router = APIRouter(prefix="/v1", tags=["Reviews"])
Change = Annotated[ChangingCall, changing("invoices:write")]
READ = requires("invoices:read")
Say = Callable[[UnitOfWork, ReviewedDocument], Awaitable[ReviewedDocument]]
OF_POLICY = Of("review_policy", "review_policy")


@router.post(
    "/invoices/{document_id}/hold",
    operation_id="hold_invoice",
    summary="Keep a draft from becoming an invoice",
    response_model=ReviewAnswer,
)
@refuses(DocumentNotFound, usecases.DocumentFinalized, usecases.NeverWaits, usecases.HeldAlready)
async def hold_invoice(document_id: DocumentId, body: HoldBody, context: Ctx, call: Change) -> Response:
    """It gets no number until somebody releases it, who may be the one that holds it."""
    now = context.clock.now()
    return await _say(
        context, call, document_id, lambda uow, draft: usecases.hold(uow, draft, call.actor, body.reason, now)
    )


@router.post(
    "/invoices/{document_id}/release",
    operation_id="release_invoice",
    summary="Let a draft that is held go on",
    response_model=ReviewAnswer,
)
@refuses(DocumentNotFound, usecases.DocumentFinalized, usecases.NotHeld)
async def release_invoice(document_id: DocumentId, context: Ctx, call: Change) -> Response:
    """Its books are checked, and where the policy asks for it, it waits for an approval."""
    now = context.clock.now()
    return await _say(context, call, document_id, lambda uow, draft: usecases.release(uow, draft, now))


@router.post(
    "/invoices/{document_id}/approve",
    operation_id="approve_invoice",
    summary="Approve the revision of a final draft that stands",
    response_model=ReviewAnswer,
)
@refuses(
    DocumentNotFound,
    usecases.DocumentFinalized,
    usecases.NewerRevision,
    usecases.StillOpen,
    usecases.HeldAlready,
    usecases.ApprovedAlready,
    usecases.NothingToApprove,
    usecases.AskerApproves,
)
async def approve_invoice(document_id: DocumentId, body: LookedAt, context: Ctx, call: Change) -> Response:
    """It is numbered a moment later, if its books still hold. Who set the policy that asks for it does not approve."""
    now = context.clock.now()
    return await _say(
        context,
        call,
        document_id,
        lambda uow, draft: usecases.approve(uow, draft, call.actor, body.revisions, now),
    )


@router.post(
    "/invoices/{document_id}/seen",
    operation_id="mark_invoice_seen",
    summary="Note that somebody has looked at an open draft",
    response_model=ReviewAnswer,
)
@refuses(
    DocumentNotFound,
    usecases.DocumentFinalized,
    usecases.NoLongerOpen,
    usecases.NewerRevision,
    AmountNotOfCurrency,
)
async def mark_invoice_seen(document_id: DocumentId, body: SeenBody, context: Ctx, call: Change) -> Response:
    """A mark approves nothing, and is gone where the final total is another."""
    now = context.clock.now()
    return await _say(
        context, call, document_id, lambda uow, draft: usecases.mark_seen(uow, draft, call.actor, body, now)
    )


@router.post(
    "/invoices/reviews",
    operation_id="review_invoices",
    summary="Hold, release, approve or mark many drafts, each answered by itself",
    response_model=ActsAnswer,
)
async def review_invoices(body: ActsBody, context: Ctx, call: Change) -> Response:
    """All that can be done is done, in the order given and in one transaction; what is refused says why, and keeps nothing
    else from being done."""
    now = context.clock.now()

    async def work() -> ActsAnswer:
        async with context.db.transaction(trace=call.request_id) as uow:
            documents = await usecases.lock(uow, [act.document for act in body.acts])
            acted, changes = list[ActedAnswer](), list[Changed]()
            for act in body.acts:
                try:
                    before = usecases.found(documents, act.document)
                    after = await _saying(act, call.actor, now)(uow, before)
                except AppError as refused:
                    acted.append(_acted(act, None, RefusedAnswer.of(refused)))
                    continue
                documents[act.document] = after
                changes.append(_changed(before, after))
                acted.append(_acted(act, ReviewAnswer.of(after), None))
            answer = ActsAnswer.of_acts(acted)
            uow.when_committed(context.progress.call)
            await call.note(uow, changes, answer)
        return answer

    return await call.in_steps(work)


@router.get(
    "/review-policy",
    operation_id="get_review_policy",
    dependencies=[READ],
    summary="When a final draft waits for an approval",
)
async def get_review_policy(context: Ctx) -> ReviewPolicyAnswer:
    async with context.db.transaction() as uow:
        return ReviewPolicyAnswer.of(await policy_in_force(uow))


@router.get(
    "/review-policy/versions",
    operation_id="list_review_policies",
    dependencies=[READ],
    summary="The versions of the review policy, newest first",
)
async def list_review_policies(context: Ctx, page: Paged) -> Listed[ReviewPolicyAnswer]:
    before = _before(page)
    async with context.db.transaction() as uow:
        found = await list_policies(uow, before, page.limit + 1)
    return Listed[ReviewPolicyAnswer].page(
        found, page, lambda policy: [policy.version], ReviewPolicyAnswer.of
    )


@router.put(
    "/review-policy",
    operation_id="set_review_policy",
    summary="Say when a final draft waits for an approval",
    response_model=ReviewPolicyAnswer,
)
@refuses(PolicyReplaced)
async def set_review_policy(body: PolicyBody, context: Ctx, call: Change) -> Response:
    """The next version; each is kept. What waits for an approval and no longer must goes on, and what is final and has no
    number yet waits from now on where it must."""
    wanted = PolicyRow(
        body.replaces + 1,
        body.above_minor(),
        body.changed_percent,
        body.reason,
        call.actor,
        context.clock.now(),
    )

    async def act(uow: UnitOfWork) -> Changed:
        before = await policy_in_force(uow)
        after = await set_policy(uow, wanted, before)
        uow.when_committed(context.progress.call)
        return Changed(OF_POLICY, ReviewPolicyAnswer.of(before), ReviewPolicyAnswer.of(after))

    return await call.once(act, OF_POLICY)


def _before(page: Page) -> int | None:
    """The version that a cursor names."""
    found = parts_in(page, int)
    if found is None:
        return None
    version: int = found[0]
    if not 0 < version <= VERSION_MAX:
        raise CursorInvalid()
    return version


async def _say(context: BillingContext, call: ChangingCall, document_id: str, say: Say) -> Response:
    async def act(uow: UnitOfWork) -> Changed:
        # So that the gate looks at once.
        uow.when_committed(context.progress.call)
        before = usecases.found(await usecases.lock(uow, [document_id]), document_id)
        return _changed(before, await say(uow, before))

    return await call.once(act, Of("document", document_id))


def _saying(act: Act, by: str, now: datetime) -> Say:
    """What an act of many does to its draft."""
    match act:
        case HoldAct():
            return lambda uow, draft: usecases.hold(uow, draft, by, act.reason, now)
        case ApproveAct():
            return lambda uow, draft: usecases.approve(uow, draft, by, act.revisions, now)
        case SeenAct():
            return lambda uow, draft: usecases.mark_seen(uow, draft, by, act, now)
        case ReleaseAct():
            return lambda uow, draft: usecases.release(uow, draft, now)


def _changed(before: ReviewedDocument, after: ReviewedDocument) -> Changed:
    return Changed(
        Of("document", before.document_id),
        ReviewAnswer.of(before),
        ReviewAnswer.of(after),
        same=after == before,
    )


def _acted(act: Act, review: ReviewAnswer | None, refused: RefusedAnswer | None) -> ActedAnswer:
    return ActedAnswer(act=act.act, document=act.document, review=review, refused=refused)
