"""Query parameters of the newest events."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import Depends, Query

from services.rating.context import Ctx
from services.rating.disposition.domain.verdict import Reason
from services.rating.disposition.rows import NewestFilter, SuspenseFilter
from services.rating.metering.usage.domain import TimesReversed, TimeUnreadable, instant_of
from services.rating.metering.usage.parameters import Customer, Subject
from shared.errors import AppError, refuses
from shared.http.cursors import BATCH_ID_MAX
from shared.http.paging import LIMIT_MAX
from shared.values.fields import AskedEventType, AskedSource, AskedSubject

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


class AfterInvalid(AppError):
    """`after` is what an answer said before; start again without it."""


@dataclass(frozen=True, slots=True)
class AskedNewest(NewestFilter):
    """The filter, as a query may say it."""

    type: Annotated[AskedEventType | None, Query()] = None
    source: Annotated[AskedSource | None, Query()] = None
    subject: Annotated[AskedSubject | None, Query()] = None


@dataclass(frozen=True, slots=True)
class AskedSuspense:
    """Which suspense, as a query may say it."""

    customer: Customer = None
    subject: Subject = None
    type: Annotated[AskedEventType | None, Query()] = None
    reason: Annotated[Reason | None, Query()] = None
    q: Annotated[
        AskedSubject | None, Query(description="How the customer's external id or the subject begins")
    ] = None


@refuses(AfterInvalid)
def _after(
    after: Annotated[
        str | None,
        Query(
            max_length=4000,
            pattern=r"^[0-9]{1,4}:[0-9]{1,19}(,[0-9]{1,4}:[0-9]{1,19})*$",
            description="`after` of the answer before: what came since",
        ),
    ] = None,
) -> Mapping[str, int]:
    named = (one.split(":") for one in after.split(",")) if after else ()
    batches = {str(int(partition)): int(batch_id) for partition, batch_id in named}
    if any(batch_id > BATCH_ID_MAX for batch_id in batches.values()):
        raise AfterInvalid("a batch id is a 64-bit number")
    return batches


def said_after(batches: Mapping[str, int]) -> str:
    """The parameter for what comes after these batches, by partition."""
    return ",".join(f"{partition}:{batch_id}" for partition, batch_id in sorted(batches.items()))


@refuses(TimesReversed, TimeUnreadable)
def _suspense(
    context: Ctx,
    narrow: Annotated[AskedSuspense, Depends()],
    from_: Annotated[
        str | None, Query(alias="from", max_length=40, description="RFC 3339 instant or UTC date")
    ] = None,
    to: Annotated[
        str | None, Query(max_length=40, description="RFC 3339 instant or UTC date, exclusive")
    ] = None,
) -> SuspenseFilter:
    start = instant_of(from_, "UTC") if from_ else EARLIEST
    end = instant_of(to, "UTC") if to else context.clock.now() + timedelta(days=1)
    if start >= end:
        raise TimesReversed(f"from {start.isoformat()} to {end.isoformat()}")
    return SuspenseFilter(start, end, **asdict(narrow))


Suspense = Annotated[SuspenseFilter, Depends(_suspense)]
SuspenseSort = Annotated[
    Literal["owner", "-value"],
    Query(description="By owner, type, month and reason; or by currency, of each what is worth most first"),
]
Wanted = Annotated[AskedNewest, Depends()]
After = Annotated[Mapping[str, int], Depends(_after)]
Limit = Annotated[int, Query(ge=1, le=LIMIT_MAX, description="Events at most")]
