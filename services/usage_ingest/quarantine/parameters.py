"""Query parameters of the list of the quarantine."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from services.usage_ingest.quarantine.rows import By, Filter, Status
from shared.values.fields import AskedKept, AskedSubject, Word

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
    q: Annotated[
        AskedSubject | None,
        Query(description="How the event's id or subject begins, whatever its case"),
    ] = None


Asked = Annotated[AskedEvents, Depends()]
