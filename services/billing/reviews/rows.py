"""Drafts as people look at them, and versions of the policy: rows of `documents` and `review_policies`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from services.billing.documents.domain.kinds import DocumentKind
from services.billing.documents.domain.reviewed import Approval, Hold, Seen, State
from services.billing.finalization.domain.drafts import reference_of
from shared.db.columns import JSONB, Integer


@dataclass(frozen=True, slots=True)
class ReviewedDocument:
    """A document and what was said of it. `revisions`: of the statements it is made from, as they were heard."""

    document_id: str
    kind: DocumentKind
    state: State
    number: str | None
    contract: str
    start_date: date
    occasion: str
    currency: str
    total_minor: int
    previous_minor: int | None
    complete: bool
    hold: Hold | None
    approval: Approval | None
    seen: Seen | None
    revisions: Mapping[str, int]

    @property
    def reference(self) -> str:
        return reference_of(self.contract, self.start_date, self.occasion)

    @property
    def is_marked_seen(self) -> bool:
        return self.seen is not None and self.seen.stands(self.total_minor, final=self.complete)


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A row of `review_policies`."""

    version: Integer
    above: Annotated[Mapping[str, int], JSONB]
    changed_percent: Decimal | None
    reason: str
    set_by: str
    set_at: datetime
