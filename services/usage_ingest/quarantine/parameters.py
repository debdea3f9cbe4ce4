"""Query parameters of the list of the quarantine."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.usage_ingest.quarantine.rows import By, Filter, Status
from shared.values.fields import AskedKept, Word

Name = Annotated[AskedKept | None, Query(description="As the event was sent")]


@dataclass(frozen=True, slots=True)
class AskedEvents(Filter):
    """The filter, as a query may say it."""

    status: Annotated[Status | None, Query()] = None
    code: Annotated[Word | None, Query()] = None
    source: Name = None
    id: Name = None
    subject: Name = None
    type: Name = None
    by: Annotated[By | None, Query()] = None


Asked = Annotated[AskedEvents, Depends()]
