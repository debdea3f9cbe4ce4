"""Query parameters of lists of documents."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from fastapi import Depends, Query

from services.billing.documents.domain.filters import DocumentFilter
from services.billing.documents.domain.kinds import KINDS
from services.billing.parameters import Contract, CurrencyCode, Customer, Text
from shared.values.fields import OneOf

Kinds = Annotated[str, OneOf(KINDS)]


@dataclass(frozen=True, slots=True)
class AskedDocuments(DocumentFilter):
    """The filter, as a query may say it."""

    customer: Customer = None
    contract: Contract = None
    status: Annotated[Literal["draft", "finalized"] | None, Query()] = None
    kind: Annotated[Kinds | None, Query()] = None
    currency: CurrencyCode = None
    number: Text = None
    period_from: Annotated[
        date | None, Query(description="Service periods that begin on this local day or later")
    ] = None
    period_to: Annotated[
        date | None, Query(description="Service periods that end on this local day or earlier")
    ] = None


Asked = Annotated[AskedDocuments, Depends()]
