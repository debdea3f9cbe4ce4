"""All outbound HTTP of documents: what the statements of drafts that are about to be shown come to now."""

from collections.abc import Sequence
from datetime import date, datetime

import httpx2
import msgspec
import structlog

from services.billing.context import BillingContext
from services.billing.documents.domain.document import StatementSource
from shared.http.paging import LIMIT_MAX

log = structlog.get_logger()
ANSWER_S = 3.0  # rating answers within a second, or is away


class CurrentStatement(msgspec.Struct, frozen=True):
    """`current`: it covers all usage folded before it was asked for. `statement`: its message of
    rating.statements as text, where there is a newer revision than the one asked with."""

    contract: str
    period_start: date
    current: bool
    statement: str | None


class CurrentStatements(msgspec.Struct, frozen=True):
    """`as_of` is of the machine clock."""

    as_of: datetime
    statements: tuple[CurrentStatement, ...]


class StatementsClient:
    """Statements of rating, priced when they are asked for."""

    def __init__(self, context: BillingContext) -> None:
        self._http = context.http
        self._url = context.settings.rating_url.rstrip("/")
        self._key = context.settings.service_key

    async def current(self, sources: Sequence[StatementSource], *, at_once: bool) -> CurrentStatements | None:
        """What these statements come to now, as of the oldest answer; without those of which rating does not say, None
        where it says nothing. `at_once`: also of those that were priced within the last second."""
        asked = [sources[first : first + LIMIT_MAX] for first in range(0, len(sources), LIMIT_MAX)]
        answers = [await self._answer(part, at_once=at_once) for part in asked]
        heard = [answer for answer in answers if answer is not None]
        if not heard:
            return None
        statements = tuple(one for answer in heard for one in answer.statements)
        return CurrentStatements(min(answer.as_of for answer in heard), statements)

    async def _answer(self, sources: Sequence[StatementSource], *, at_once: bool) -> CurrentStatements | None:
        """Of as many as rating answers at once."""
        asked = [
            {
                "contract": source.contract,
                "period_start": source.start_date.isoformat(),
                "revision": source.revision,
            }
            for source in sources
        ]
        try:
            answer = await self._http.post(
                f"{self._url}/v1/statements/current",
                json={"statements": asked, "at_once": at_once},
                headers={"Authorization": f"Bearer {self._key}"},
                timeout=ANSWER_S,
            )
            if answer.status_code == 200:
                return msgspec.json.decode(answer.content, type=CurrentStatements)
            log.warning("drafts_as_heard_last", status=answer.status_code, detail=answer.text[:200])
        except (httpx2.HTTPError, msgspec.MsgspecError) as fault:
            log.warning("drafts_as_heard_last", fault=repr(fault))
        return None
