"""Query parameters of lists of documents."""

from dataclasses import dataclass, fields
from datetime import date
from decimal import Decimal
from operator import attrgetter
from typing import Annotated, Literal

from fastapi import Depends, Query

from services.billing.documents.domain.filters import DocumentFilter, Place
from services.billing.documents.domain.kinds import KINDS
from services.billing.documents.domain.reviewed import State
from services.billing.parameters import Contract, CurrencyCode, Customer, Text
from shared.errors import AppError, refuses
from shared.http.paging import CursorInvalid
from shared.http.sorting import INTEGER, TEXT, Kind, Listing, SortKey, listing
from shared.values.fields import AMOUNT, AskedSubject, OneOf
from shared.values.money import AmountNotOfCurrency, UnknownCurrency, currency, exactly

Kinds = Annotated[str, OneOf(KINDS)]


class CurrencyMissing(AppError):
    """Amounts of several currencies have no order: name one, such as currency=USD."""


@dataclass(frozen=True, slots=True)
class AskedDocuments:
    """The filter, as a query may say it."""

    customer: Customer = None
    contract: Contract = None
    status: Annotated[Literal["draft", "finalized"] | None, Query()] = None
    state: Annotated[State | None, Query(description="Of a draft: as it was heard last")] = None
    kind: Annotated[Kinds | None, Query()] = None
    currency: CurrencyCode = None
    number: Text = None
    q: Annotated[
        AskedSubject | None,
        Query(
            description="How its number, its contract, its customer's id or name begins, whatever its case"
        ),
    ] = None
    period_from: Annotated[
        date | None, Query(description="Service periods that begin on this local day or later")
    ] = None
    period_to: Annotated[
        date | None, Query(description="Service periods that end on this local day or earlier")
    ] = None
    ends_from: Annotated[
        date | None, Query(description="Service periods whose last day is this local day or later")
    ] = None
    ends_to: Annotated[
        date | None, Query(description="Service periods whose last day is this local day or earlier")
    ] = None
    issued_from: Annotated[date | None, Query(description="Issued on this day or later")] = None
    issued_to: Annotated[date | None, Query(description="Issued on this day or earlier")] = None
    due_from: Annotated[date | None, Query(description="Due on this day or later")] = None
    due_to: Annotated[date | None, Query(description="Due on this day or earlier")] = None
    amount_from: Annotated[
        str | None,
        Query(
            pattern=AMOUNT,
            description="Totals of `currency` that are this or more; of a draft as it was heard last",
        ),
    ] = None
    amount_to: Annotated[
        str | None, Query(pattern=AMOUNT, description="Totals of `currency` that are this or less")
    ] = None

    def filter(self) -> DocumentFilter:
        """What is asked for. Raises CurrencyMissing, UnknownCurrency and AmountNotOfCurrency."""
        said = {field.name: getattr(self, field.name) for field in fields(self)}
        for name in ("amount_from", "amount_to"):
            said[name] = self._minor(said[name])
        return DocumentFilter(**said)

    def _minor(self, amount: str | None) -> int | None:
        if amount is None:
            return None
        if self.currency is None:
            raise CurrencyMissing()
        return exactly(Decimal(amount), currency(self.currency))


@refuses(CurrencyMissing, UnknownCurrency, AmountNotOfCurrency)
def _asked(written: Annotated[AskedDocuments, Depends()]) -> DocumentFilter:
    return written.filter()


def _day(part: str | int) -> date:
    if not isinstance(part, int) or not 0 < part <= date.max.toordinal():
        raise CursorInvalid()
    return date.fromordinal(part)


#: The last day of all is a day that is not yet.
DAY = Kind(date.toordinal, _day)
_rank = attrgetter("rank")
SORTS = {
    "created": SortKey(TEXT, _rank),
    "amount": SortKey(INTEGER, _rank),
    "change": SortKey(INTEGER, _rank),
    "customer": SortKey(TEXT, _rank),
    "due": SortKey(DAY, _rank),
    "issued": SortKey(DAY, _rank),
}
Asked = Annotated[DocumentFilter, Depends(_asked)]
Sorted = Annotated[Listing[Place], listing(SORTS, "-created", attrgetter("document_id"))]
