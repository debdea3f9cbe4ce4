"""Keeps a meter's groups within bounds: what counts as itself is admitted first, and everything else falls
into one `other` group."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from services.rating.metering.domain.admission import EVERYONE, Admission, MeterMonth, Own, too_long
from services.rating.metering.domain.group import OTHER, GroupKey
from services.rating.metering.fold.domain.changes import Changes, SubjectMonth
from services.rating.metering.fold.memory import Admitting, FoldMemory
from services.rating.metering.fold.usecases.know_subjects import know_subjects
from services.rating.metering.repository.admission import AdmissionRepository
from shared.db.unit_of_work import UnitOfWork

Place = tuple[MeterMonth, str]  # and subject


class Terms(NamedTuple):
    """By which terms groups are let in, and since which batch their rows say they are."""

    admitting: Admitting
    batch_id: int


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """(meter, subject) of groups that had no room, and of those that were too long."""

    no_room: set[tuple[str, str]] = field(default_factory=set)
    too_long: set[tuple[str, str]] = field(default_factory=set)


async def admit_groups(uow: UnitOfWork, changes: Changes, memory: FoldMemory, terms: Terms) -> TurnedAway:
    """Let the groups that are added in, or turn them away into `other`; return whose were turned away.

    What is void is found where it was counted; while the events of before a meter are still being added, its
    void may come first and is admitted as its event will be. One writer at a time: the epoch must be held.
    """
    admission = _Admission(AdmissionRepository(uow.connection), *terms)
    months = changes.groups(void=False)
    for place, groups in changes.groups(void=True).items():
        months.setdefault(place, set()).update(() if admission.finished(place) else groups)
    crowded = await admission.crowded(months) if months else set()
    if not crowded:
        return admission.turned_away
    brought, voided = (changes.by_subject(crowded, void=void) for void in (False, True))
    for ahead in [place for place in voided if not admission.finished(place[0])]:
        brought.setdefault(ahead, {}).update(voided.pop(ahead))
    subjects = await know_subjects(uow, {subject for _, subject in (*brought, *voided)}, memory)
    found = await admission.admission(crowded, _named(brought, subjects), _named(voided, subjects))
    changes.regroup(
        crowded, lambda subject, meter, group, hour: found.where(subjects[subject], meter, group, hour)
    )
    return admission.turned_away


@dataclass(slots=True)
class _Admission:
    """One change at it. The memory is kept only where the transaction commits."""

    repository: AdmissionRepository
    memory: Admitting
    batch_id: int
    turned_away: TurnedAway = field(default_factory=TurnedAway)

    def finished(self, place: MeterMonth) -> bool:
        """Whether the meter's events are all added."""
        return self.memory.meters[place[0]].backfilled

    async def crowded(self, months: Mapping[MeterMonth, set[GroupKey]]) -> set[MeterMonth]:
        """Let in for everyone what these months bring while they are not crowded; return those that are."""
        known = self.memory.known.months.among(months)
        crowded = {place for place, groups in known.items() if groups is None}
        asked = [
            place
            for place, groups in months.items()
            if place not in crowded and (place not in known or not groups <= (known[place] or set()))
        ]
        crowded |= await self.repository.crowded(self.memory.meters, asked) if asked else set()
        for place in sorted(asked):
            if place not in crowded and not await self._let_in(place, months[place]):
                crowded.add(place)
        fresh = [place for place in crowded if place not in known or known[place] is not None]
        self.memory.known.months.remember(dict.fromkeys(fresh))
        return crowded

    async def _let_in(self, place: MeterMonth, groups: set[GroupKey]) -> bool:
        """Admit groups for everyone; False when they are too many, or one is too long: from here on each subject
        has rows of its own."""
        (name, month), names, groups_max = place, self.memory.names, self.memory.groups_max
        meter = self.memory.meters[name]
        known = (await self.repository.rows(meter, month, [EVERYONE]))[EVERYONE].groups
        fresh = sorted(groups - known)
        if not any(map(too_long, fresh)) and (
            len(known) + len(fresh) <= groups_max
            or names.unnamed(name, known) + names.unnamed(name, fresh) <= groups_max
        ):
            if fresh:
                rows = [(EVERYONE, group) for group in fresh]
                await self.repository.admit(meter, month, rows, self.batch_id, groups_max)
            self.memory.known.months.remember({place: known | groups})
            return True
        await self.repository.admit_what_is_counted(meter, month, self.batch_id)
        await self.repository.admit(meter, month, [(EVERYONE, OTHER)], self.batch_id, groups_max)
        return False

    async def admission(
        self,
        crowded: set[MeterMonth],
        brought: Mapping[Place, Iterable[GroupKey]],
        voided: Mapping[Place, Iterable[GroupKey]],
    ) -> Admission:
        """The rows of all subjects that occur in crowded months, with those that are added for what is
        brought."""
        admission = Admission({month: {} for month in crowded})
        asked = brought.keys() | voided.keys()
        known = self.memory.known.own.among(asked)
        for (month, subject), own in (known | await self._read(asked - known.keys())).items():
            admission.own[month][subject] = own
        for (month, subject), groups in brought.items():
            await self._admit(month, subject, admission.own[month][subject], groups)
        return admission

    async def _read(self, places: Iterable[Place]) -> dict[Place, Own]:
        """Read the rows of these subjects, and remember them."""
        subjects: dict[MeterMonth, set[str]] = {}
        for place, subject in places:
            subjects.setdefault(place, set()).add(subject)
        found: dict[Place, Own] = {}
        for (name, month), asked in sorted(subjects.items()):
            rows = await self.repository.rows(self.memory.meters[name], month, asked)
            found |= {((name, month), subject): own for subject, own in rows.items()}
        self.memory.known.own.remember(found)
        return found

    async def _admit(self, place: MeterMonth, subject: str, own: Own, groups: Iterable[GroupKey]) -> None:
        """Let a subject's new groups in as far as there is room or a name, in order of first arrival. What is too
        long takes no room from the others."""
        (name, month), names, groups_max = place, self.memory.names, self.memory.groups_max
        fresh = [group for group in groups if group not in own.groups]
        if not fresh:
            return
        rows: list[tuple[str, GroupKey]] = []
        unnamed = names.unnamed(name, own.groups)
        for group in fresh:
            if too_long(group):
                self.turned_away.too_long.add((name, subject))
                continue
            named_since = names.since(name, group)
            if own.admits(named_since, unnamed, groups_max):
                own.groups.add(group)
                rows.append((subject, group))
                unnamed += named_since is None
                continue
            self.turned_away.no_room.add((name, subject))
            if own.other_since is None:
                # Decided by the newest names there are: whoever is named after them is named late, however
                # old this batch's number is.
                own.other_since = max(self.batch_id, names.newest)
                await self.repository.admit(
                    self.memory.meters[name], month, [(subject, OTHER)], own.other_since, groups_max
                )
        if rows:
            self.memory.known.let_in(group for _, group in rows)
            await self.repository.admit(self.memory.meters[name], month, rows, self.batch_id, groups_max)


def _named(
    by_subject: Mapping[SubjectMonth, Iterable[GroupKey]], subjects: Mapping[int, str]
) -> dict[Place, Iterable[GroupKey]]:
    return {(month, subjects[subject]): groups for (month, subject), groups in by_subject.items()}
