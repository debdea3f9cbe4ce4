"""Open exceptions for usage that is not counted as its meter means it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.admission import GROUP_BYTES_MAX
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import UnitOfWork

EXCEPTION_OWNER = "metering"


async def report_unread(
    uow: UnitOfWork, unread: Mapping[str, int], meters: Mapping[str, Meter], now: datetime
) -> None:
    """Of values a meter could not read: meter → how many."""
    for meter, count in sorted(unread.items()):
        if meters[meter].missing == "quarantine":
            await open_exception(
                uow,
                NewCase(
                    "usage_value_unreadable",
                    meter,
                    f"Meter {meter} could not read the value of {count} stored events of its latest batch; "
                    f"they add nothing to it. Correct them (void and new id), or change the meter.",
                    owner=EXCEPTION_OWNER,
                ),
                now,
            )


async def report_overflow(
    uow: UnitOfWork, overflowed: Iterable[tuple[str, str]], groups_max: int, now: datetime
) -> None:
    """Of groups beyond the limit: (meter, subject)."""
    for meter, subject in sorted(overflowed):
        await open_exception(
            uow,
            NewCase(
                "meter_groups_exceeded",
                f"{meter}/{subject}",
                f"Subject {subject} has more than {groups_max} groups on meter {meter} in one "
                f'month; what is beyond counts in the group "other". Group by fewer values, name those that matter in a price, or raise the limit.',
                owner=EXCEPTION_OWNER,
            ),
            now,
        )


async def report_long_groups(uow: UnitOfWork, turned_away: Iterable[tuple[str, str]], now: datetime) -> None:
    """Of groups too long to count as themselves: (meter, subject)."""
    for meter, subject in sorted(turned_away):
        await open_exception(
            uow,
            NewCase(
                "meter_group_too_long",
                f"{meter}/{subject}",
                f"Subject {subject} sends values that make a group of meter {meter} longer than {GROUP_BYTES_MAX} bytes "
                f'as JSON, its dimensions included; such usage counts in the group "other". Send shorter values, or '
                "group by fewer or shorter fields.",
                owner=EXCEPTION_OWNER,
            ),
            now,
        )
