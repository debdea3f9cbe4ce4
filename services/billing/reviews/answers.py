"""What the API shows of reviews."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.billing.documents.answers import (
    Actor,
    ApprovalAnswer,
    HoldAnswer,
    Revisions,
    SeenAnswer,
)
from services.billing.documents.domain.reviewed import State
from services.billing.reviews.domain.policy import ReviewPolicy
from services.billing.reviews.rows import ReviewedDocument
from shared.errors import AppError
from shared.http.answers import Amount, Answer, Instant, Quantity
from shared.http.shown_names import ContractName, CurrencyCode, DocumentId
from shared.values.made_from import made_from
from shared.values.money import currency, format_minor


class ReviewAnswer(Answer):
    """What people said of a draft."""

    object: Literal["review"] = "review"
    document: DocumentId
    contract: ContractName
    state: State
    revisions: Revisions
    """As they stand: what an approval and a mark name"""
    currency: CurrencyCode
    total: Amount
    hold: HoldAnswer | None
    """Null where nobody holds it"""
    approval: ApprovalAnswer | None
    seen: SeenAnswer | None

    @classmethod
    def of(cls, reviewed: ReviewedDocument) -> Self:
        of = currency(reviewed.currency)
        return made_from(
            cls,
            reviewed,
            document=reviewed.document_id,
            revisions=dict(reviewed.revisions),
            total=format_minor(reviewed.total_minor, of),
            hold=HoldAnswer.of(reviewed.hold) if reviewed.hold else None,
            approval=ApprovalAnswer.of(reviewed.approval, of) if reviewed.approval else None,
            seen=SeenAnswer.of(reviewed.seen, of) if reviewed.is_marked_seen and reviewed.seen else None,
        )


class RefusedAnswer(Answer):
    """Why it was not done: as the act alone would have been refused."""

    code: Annotated[str, Field(examples=["newer_revision"])]
    title: str
    detail: str
    """Names the fault and the remedy"""

    @classmethod
    def of(cls, error: AppError) -> Self:
        return cls(code=error.code, title=error.title, detail=error.detail)


class ActedAnswer(Answer):
    """What became of one act."""

    act: Annotated[str, Field(examples=["approve"])]
    document: DocumentId
    review: ReviewAnswer | None
    """The draft afterwards; null where it was refused"""
    refused: RefusedAnswer | None
    """Null where it was done"""


class ActsAnswer(Answer):
    """What became of each act, in their order."""

    object: Literal["reviews"] = "reviews"
    done: int
    refused: int
    acts: list[ActedAnswer]

    @classmethod
    def of_acts(cls, acts: list[ActedAnswer]) -> Self:
        done = sum(one.refused is None for one in acts)
        return cls(done=done, refused=len(acts) - done, acts=acts)


class ReviewPolicyAnswer(Answer):
    """When a final draft waits for an approval."""

    object: Literal["review_policy"] = "review_policy"
    version: int
    """0: nobody has set one, and no draft waits"""
    above: Annotated[dict[str, Amount], Field(examples=[{"USD": "10000.00"}])]
    """Currency → the total, whatever its sign, beyond which a draft waits"""
    changed_percent: Quantity | None
    """How much a total may differ from that of the contract's last period; null: however much"""
    reason: str
    set_by: Actor | None
    """Who asks for approvals, and so gives none"""
    set_at: Instant | None
    """Of the business clock"""

    @classmethod
    def of(cls, policy: ReviewPolicy) -> Self:
        above = {code: format_minor(minor, currency(code)) for code, minor in sorted(policy.above.items())}
        return made_from(cls, policy, above=above)
