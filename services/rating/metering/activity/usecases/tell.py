"""Tell hours, and what days saw, each to the customer its subject means now."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.rating.metering.activity.repository import ActivityRepository
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import ACTIVE_HOURS, ActiveHour, ActiveHoursMessage, DayValues, SubjectActivity

VALUES_MAX = 1000
#: Hours of one message, about; the values of a day are as long as so many.
PART_MAX, DAY_IS_HOURS = 200, 20


async def tell(
    uow: UnitOfWork,
    hours: Mapping[str, Sequence[ActiveHour]],
    days: Mapping[str, Sequence[DayValues]],
    revision: int,
) -> None:
    """Tell these of each subject, whole. The epoch must be held: what is told later has a higher revision."""
    subjects = [*hours, *(subject for subject in days if subject not in hours)]
    if not subjects:
        return
    customers = await ActivityRepository(uow.connection).customers(subjects)
    pieces: list[SubjectActivity] = []
    for subject in subjects:
        customer_id, customer = customers.get(subject, (None, None))
        of_subject = hours.get(subject, ())
        for start in range(0, len(of_subject), PART_MAX):
            share = tuple(of_subject[start : start + PART_MAX])
            pieces.append(SubjectActivity(subject, customer_id, customer, share))
        for day in days.get(subject, ()):
            pieces.append(SubjectActivity(subject, customer_id, customer, days=(day,)))
    for number, part in enumerate(_parts(pieces)):
        uow.tell(ACTIVE_HOURS, ActiveHoursMessage(f"{revision}-{number}", revision, part))


def values_of(items: Iterable[str]) -> tuple[str, ...]:
    """The hashes of these items, of a thousand of them at most."""
    return tuple(hashlib.sha256(item.encode()).hexdigest()[:16] for item in sorted(items)[:VALUES_MAX])


def _parts(pieces: Iterable[SubjectActivity]) -> Iterator[tuple[SubjectActivity, ...]]:
    """The pieces, as many in a message as it takes."""
    part: list[SubjectActivity] = []
    size = 0
    for piece in pieces:
        size += len(piece.hours) + DAY_IS_HOURS * len(piece.days)
        if part and size > PART_MAX:
            yield tuple(part)
            part, size = [], len(piece.hours) + DAY_IS_HOURS * len(piece.days)
        part.append(piece)
    if part:
        yield tuple(part)
