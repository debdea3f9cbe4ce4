"""Query parameters of lists of journal entries."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from services.billing.journal.rows import EntryFilter
from services.billing.parameters import Contract, CurrencyCode, Customer, Text
from shared.values.fields import Word


@dataclass(frozen=True, slots=True)
class AskedEntries(EntryFilter):
    """The filter, as a query may say it."""

    document_id: Annotated[Word | None, Query(alias="document")] = None
    block_id: Annotated[Word | None, Query(alias="block", description="Entries that change its balance")] = (
        None
    )
    account: Text = None
    customer: Customer = None
    contract: Contract = None
    currency: CurrencyCode = None
    posted_from: Annotated[date | None, Query(description="Posted on this day or later")] = None
    posted_to: Annotated[date | None, Query(description="Posted on this day or earlier")] = None


Asked = Annotated[AskedEntries, Depends()]
