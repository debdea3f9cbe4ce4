"""Query parameters of lists of journal entries."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated

from fastapi import Depends, Query

from services.billing.journal.rows import EntryFilter
from services.billing.parameters import Contract, CurrencyCode, Customer, Text


@dataclass(frozen=True)
class AskedEntries:
    """The filter, as a query may say it."""

    document: Text = None
    account: Text = None
    customer: Customer = None
    contract: Contract = None
    currency: CurrencyCode = None
    posted_from: Annotated[date | None, Query(description="Posted on this day or later")] = None
    posted_to: Annotated[date | None, Query(description="Posted on this day or earlier")] = None

    def filter(self) -> EntryFilter:
        return EntryFilter(
            self.document,
            self.account,
            self.customer,
            self.contract,
            self.currency,
            self.posted_from,
            self.posted_to,
        )


Asked = Annotated[AskedEntries, Depends()]
