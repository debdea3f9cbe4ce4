"""A draft that is due: its header, its statements' lines, and what stands in the way of finalizing it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from services.billing.documents.domain.document import Line
from services.billing.documents.domain.kinds import DocumentKind
from services.billing.documents.domain.reviewed import AWAITING_APPROVAL, HELD_BY_PERSON, Approval
from services.billing.finalization.domain.numbering import number_of
from shared.topics.rating import PERIOD

CONTRACT_PERIOD = tuple[str, datetime]
CUSTOMER_UNKNOWN, LINES_DO_NOT_SUM = "customer_unknown", "lines_do_not_sum"
#: What no table of history takes.
DOCUMENT_REFUSED = "document_refused"


def broken(k: str) -> str:
    """What an obstacle is called when one of the five checks does not hold."""
    return f"conservation_{k.lower()}"


#: What does not hold in the usage, or in the money, of a contract and period.
OF_USAGE = frozenset(broken(k) for k in ("K3", "K4", "K5"))
#: The kinds of everything that may stand in a draft's way. K2 is checked over receipts and holds nothing.
OBSTACLES = (
    CUSTOMER_UNKNOWN,
    LINES_DO_NOT_SUM,
    DOCUMENT_REFUSED,
    *(broken(k) for k in ("K1", "K3", "K4", "K5")),
    HELD_BY_PERSON,
    AWAITING_APPROVAL,
)


def reference_of(contract: str, start_date: date, occasion: str) -> str:
    """What exceptions about a draft are named by."""
    period = f"{contract}:{start_date}"
    return period if occasion == PERIOD else f"{period}:{occasion}"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a draft is held: it becomes an exception with an owner and a deadline, and resolves by itself."""

    kind: str
    detail: str
    owner: str

    @property
    def is_a_decision(self) -> bool:
        """Whether a person is waited for, and nothing changes until one has decided."""
        return self.kind == AWAITING_APPROVAL


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft whose statements are final; `contract_periods` and `revisions` are theirs. `customer_name` is None until
    billing has heard of the customer. `block`: which it asks for beforehand. `previous_minor`: what the contract's last
    period came to. `held_until`: until when it was held as this was read."""

    document_id: str
    kind: DocumentKind
    contract: str
    customer_id: str
    customer: str
    customer_name: str | None
    legal_entity: str
    currency: str
    period_start: datetime
    start_date: date
    end_date: date
    occasion: str
    net_days: int
    skip_zero: bool
    subtotal_minor: int
    total_minor: int
    corrects: str | None
    block: str | None
    contract_periods: tuple[CONTRACT_PERIOD, ...]
    lines: tuple[Line, ...]
    previous_minor: int | None
    revisions: Mapping[str, int]
    approval: Approval | None
    held_until: datetime | None

    @property
    def reference(self) -> str:
        return reference_of(self.contract, self.start_date, self.occasion)

    @property
    def leaves_no_document(self) -> bool:
        return self.skip_zero and self.subtotal_minor == self.total_minor == 0

    def obstacles(self) -> Iterator[Obstacle]:
        """Yield what is wrong with the draft itself; the gate looks at the books around it."""
        if self.customer_name is None:
            detail = f"customer {self.customer} ({self.customer_id}) was not heard of; create it in rating"
            yield Obstacle(CUSTOMER_UNKNOWN, detail, "billing operations")
        subtotal = sum(line.amount_minor for line in self.lines)
        total = subtotal - sum(line.drawn_minor for line in self.lines)
        if (subtotal, total) != (self.subtotal_minor, self.total_minor):
            yield Obstacle(
                LINES_DO_NOT_SUM,
                f"lines sum to {subtotal}, less draws to {total}, and the statements say {self.subtotal_minor} "
                f"and {self.total_minor} minor units",
                "rating",
            )

    def is_held_by(self, obstacle: Obstacle) -> bool:
        """Whether a break in the books of its contract and period is one of this document: what is asked for
        beforehand is of no usage."""
        return self.kind.counts_towards_k5 or obstacle.kind not in OF_USAGE

    def series(self, today: date) -> str:
        """The series of a document that is issued today."""
        return self.kind.series_of(self.legal_entity, today)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A draft with its number: a document, once it is committed."""

    draft: Draft
    series: str
    number: str
    issued_on: date
    due_on: date


def numbered(drafts: list[Draft], series: str, first: int, issued_on: date) -> list[Numbered]:
    """Give one range of numbers, beginning with `first`, to drafts of one series in the order given."""
    return [
        Numbered(
            draft,
            series,
            number_of(series, first + index),
            issued_on,
            issued_on + timedelta(days=draft.net_days),
        )
        for index, draft in enumerate(drafts)
    ]
