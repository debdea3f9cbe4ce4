"""Keeps a meter's groups within bounds: what counts as itself is admitted first, and everything else falls
into one `other` group."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date

from services.rating.metering.domain.admission import EVERYONE, Admission, MeterMonth, Own, month_of
from services.rating.metering.domain.group import NO_GROUP, OTHER, GroupKey
from services.rating.metering.domain.tally import Tally
from services.rating.metering.memory import MeteringMemory
from services.rating.metering.repository.admission import AdmissionRepository

Place = tuple[MeterMonth, str]  # and subject


async def bounded(
    tally: Tally,
    voided: Tally,
    repository: AdmissionRepository,
    memory: MeteringMemory,
    batch_id: int,
) -> tuple[Tally, set[tuple[str, str]]]:
    """Return what to add (`tally`) less what is void (`voided`), in admitted groups, and the (meter, subject)
    that overflowed.

    What `tally` brings is admitted, with rows that say since `batch_id`, or turned away; locks are held until
    the transaction ends.
    """
    admitting = _Admitting(repository, memory, batch_id)
    months = _by_month(tally)
    months |= {place: set() for place in _by_month(voided) if place not in months}
    crowded = await admitting.crowded(months) if months else set()
    if not crowded:
        tally.take(voided)
        return tally, set()
    admission = await admitting.admission(crowded, _by_subject(tally, crowded), _by_subject(voided, crowded))
    added = tally.regrouped(admission.where)
    added.take(voided.regrouped(admission.where))
    return added, admitting.overflowed


@dataclass(slots=True)
class _Admitting:
    """One batch at it. The memory keeps only rows that were read as committed; as a row never goes, what it
    says stays true."""

    repository: AdmissionRepository
    memory: MeteringMemory
    batch_id: int
    overflowed: set[tuple[str, str]] = field(default_factory=set)

    async def crowded(self, months: Mapping[MeterMonth, set[GroupKey]]) -> set[MeterMonth]:
        """Enter these months and let in for everyone what they bring while they are not crowded; return those
        that are."""
        known, meters = self.memory.known, self.memory.catalogue.meters
        alone = {
            place: place not in known.own and not groups <= known.groups.get(place, set())
            for place, groups in months.items()
        }
        await self.repository.enter_months(alone)
        crowded = await self.repository.crowded(meters, months)
        for place in sorted(months):
            if alone[place] and place not in crowded and not await self._let_in(place, months[place]):
                crowded.add(place)
        return crowded

    async def _let_in(self, place: MeterMonth, groups: set[GroupKey]) -> bool:
        """Admit groups for everyone; False when they are too many: from here on each subject has rows of its
        own."""
        (name, month), names, groups_max = place, self.memory.names, self.memory.groups_max
        meter = self.memory.catalogue.meters[name]
        known = self.memory.known.groups[place] = (await self.repository.rows(meter, month, [EVERYONE]))[
            EVERYONE
        ].groups
        fresh = sorted(groups - known)
        if (
            len(known) + len(fresh) <= groups_max
            or names.unnamed(name, known) + names.unnamed(name, fresh) <= groups_max
        ):
            await self.repository.admit(
                meter, month, [(EVERYONE, group) for group in fresh], self.batch_id, groups_max
            )
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
        found = {
            place: self._remembered(place, brought.get(place, ()), voided.get(place, ()))
            for place in brought.keys() | voided.keys()
        }
        undecided = sorted(place for place, own in found.items() if own is None)
        if undecided:
            await self.repository.enter_subjects(undecided)
        admission = Admission({month: {} for month in crowded})
        read = await self._read(undecided)
        for place, own in found.items():
            month, subject = place
            admission.own[month][subject] = own or read[place]
        for (month, subject), groups in brought.items():
            await self._admit(month, subject, admission.own[month][subject], groups)
        return admission

    def _remembered(
        self, place: Place, brought: Iterable[GroupKey], voided: Iterable[GroupKey]
    ) -> Own | None:
        """What is remembered of a subject, as a copy; None where that does not decide: a group may have been
        admitted, or counted again, since.

        Without a name, what was turned away once stays out.
        """
        month, subject = place
        own = self.memory.known.own.get(month, {}).get(subject)
        if own is None:
            return None
        fresh = [group for group in (*brought, *voided) if group not in own.groups]
        if fresh and (
            own.other_since is None
            or any(self.memory.names.since(month[0], group) is not None for group in fresh)
        ):
            return None
        return Own(set(own.groups), own.other_since)

    async def _read(self, places: Iterable[Place]) -> dict[Place, Own]:
        """Read the rows of these subjects, and remember them."""
        subjects: dict[MeterMonth, set[str]] = {}
        for place, subject in places:
            subjects.setdefault(place, set()).add(subject)
        found: dict[Place, Own] = {}
        for (name, month), asked in sorted(subjects.items()):
            rows = await self.repository.rows(self.memory.catalogue.meters[name], month, asked)
            self.memory.known.remember((name, month), rows)
            found |= {
                ((name, month), subject): Own(set(own.groups), own.other_since)
                for subject, own in rows.items()
            }
        return found

    async def _admit(self, place: MeterMonth, subject: str, own: Own, groups: Iterable[GroupKey]) -> None:
        """Let a subject's new groups in as far as there is room or a name, in order of first arrival."""
        (name, month), names, groups_max = place, self.memory.names, self.memory.groups_max
        fresh = [group for group in groups if group not in own.groups]
        if not fresh:
            return
        rows: list[tuple[str, GroupKey]] = []
        unnamed = names.unnamed(name, own.groups)
        for group in fresh:
            named_since = names.since(name, group)
            if own.admits(named_since, unnamed, groups_max):
                own.groups.add(group)
                rows.append((subject, group))
                unnamed += named_since is None
                continue
            self.overflowed.add((name, subject))
            if own.other_since is None:
                # Decided by the newest names there are: whoever is named after them is named late, however
                # old this batch's number is.
                own.other_since = max(self.batch_id, names.newest)
                await self.repository.admit(
                    self.memory.catalogue.meters[name], month, [(subject, OTHER)], own.other_since, groups_max
                )
        if rows:
            await self.repository.admit(
                self.memory.catalogue.meters[name], month, rows, self.batch_id, groups_max
            )


def _by_month(tally: Tally) -> dict[MeterMonth, set[GroupKey]]:
    months: dict[int, date] = {}
    found: dict[MeterMonth, set[GroupKey]] = {}
    for meter, group, hour in tally.groups():
        month = months.get(hour) or months.setdefault(hour, month_of(hour))
        found.setdefault((meter, month), set()).add(group)
    return found


def _by_subject(tally: Tally, crowded: set[MeterMonth]) -> dict[Place, dict[GroupKey, None]]:
    """The groups of each subject in crowded months, in order of first arrival."""
    found: dict[Place, dict[GroupKey, None]] = {}
    for subject, meter, group, hour in tally.places():
        month = (meter, month_of(hour))
        if group != NO_GROUP and month in crowded:
            found.setdefault((month, subject), {})[group] = None
    return found
