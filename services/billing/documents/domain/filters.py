"""What a list of documents is asked for."""

from dataclasses import dataclass
from datetime import date

from services.billing.documents.domain.reviewed import State


@dataclass(frozen=True, slots=True)
class DocumentFilter:
    """Every field that is given must match. `customer` is an external id; the service period must lie within
    the dates, both inclusive, as must its last day, the days of issue and those due. Amounts are minor units of `currency`, both
    inclusive, and found by their sign. `q`: how a number, a contract, a customer's id or its name begins.
    """

    customer: str | None = None
    contract: str | None = None
    status: str | None = None
    state: State | None = None
    kind: str | None = None
    currency: str | None = None
    number: str | None = None
    q: str | None = None
    period_from: date | None = None
    period_to: date | None = None
    ends_from: date | None = None
    ends_to: date | None = None
    issued_from: date | None = None
    issued_to: date | None = None
    due_from: date | None = None
    due_to: date | None = None
    amount_from: int | None = None
    amount_to: int | None = None

    @property
    def may_be_drafts(self) -> bool:
        """Not where it is asked for what a draft does not have."""
        of_history = (self.number, self.issued_from, self.issued_to, self.due_from, self.due_to)
        asked = self.status != "finalized" and self.state != "finalized"
        return asked and all(value is None for value in of_history)

    @property
    def may_be_finalized(self) -> bool:
        return self.status != "draft" and self.state in (None, "finalized")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a document stands in the order of a list: by its rank, and its id."""

    rank: date | int | str
    document_id: str
