"""Adding people, changing what they may do, and ending what they have open."""

from datetime import datetime

from services.console.domain.roles import Role
from services.console.people.repository import PeopleRepository
from services.console.people.rows import ListedPerson, PersonRow
from services.console.people.usecases.note import By, note
from services.console.views.repository import ViewRepository
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class PersonExists(AppError):
    """There is a person of this name, or was: a name is never given to somebody else."""

    kind = Kind.CONFLICT


class PersonNotFound(AppError):
    """There is no person of this name."""

    kind = Kind.NOT_FOUND


class PersonEnded(AppError):
    """This person may not sign in any more."""

    kind = Kind.CONFLICT


async def add_person(
    uow: UnitOfWork, by: By, name: str, role: Role, password_hash: str | None, now: datetime
) -> None:
    """Let a person sign in by a password of this hash; None: by no password. Raises PersonExists."""
    if not await PeopleRepository(uow.connection).add(PersonRow(name, role, password_hash, now, None)):
        raise PersonExists(
            f"{name} is known: take another name, or change the role: u2c console user role {name} …"
        )
    await note(uow, by, "add_person", name, None, {"role": role})


async def list_people(uow: UnitOfWork, now: datetime) -> list[ListedPerson]:
    return await PeopleRepository(uow.connection).list(now)


async def change_role(uow: UnitOfWork, by: By, name: str, role: Role) -> int:
    """Give a person another role; what they have open ends, and they sign in anew. Returns how many sessions that
    were. Raises PersonNotFound and PersonEnded."""
    person, people = await _active(uow, name), PeopleRepository(uow.connection)
    if person.role == role:
        return 0
    await people.set_role(name, role)
    ended = await people.end_sessions(name)
    await note(uow, by, "change_role", name, {"role": person.role}, {"role": role, "sessions_ended": ended})
    return ended


async def reset_password(uow: UnitOfWork, by: By, name: str, password_hash: str) -> int:
    """Give a person another password, and end what they have open. Returns how many sessions that were. Raises
    PersonNotFound and PersonEnded."""
    await _active(uow, name)
    await PeopleRepository(uow.connection).set_password(name, password_hash)
    ended = await PeopleRepository(uow.connection).end_sessions(name)
    await note(uow, by, "reset_password", name, None, {"sessions_ended": ended})
    return ended


async def sign_out_everywhere(uow: UnitOfWork, by: By, name: str) -> int:
    """End all that a person has open, at once. Returns how many sessions that were. Raises PersonNotFound."""
    await _known(uow, name)
    ended = await PeopleRepository(uow.connection).end_sessions(name)
    await note(uow, by, "sign_out_everywhere", name, None, {"sessions_ended": ended})
    return ended


async def switch_letters_of(uow: UnitOfWork, by: By, name: str, *, has_letters: bool) -> None:
    """Let single letters be keys for a person, or no longer. Raises PersonNotFound."""
    before = await _known(uow, name)
    if before.has_letters == has_letters:
        return
    await PeopleRepository(uow.connection).set_letters(name, has_letters=has_letters)
    shown = ({"has_letters": before.has_letters}, {"has_letters": has_letters})
    await note(uow, by, "switch_letters", name, *shown)


async def sign_out_everybody(uow: UnitOfWork, by: By, now: datetime) -> int:
    """End what all have open, at once. Returns how many sessions that were."""
    people = await list_people(uow, now)
    return sum([await sign_out_everywhere(uow, by, one.name) for one in people if one.sessions])


async def end_person(uow: UnitOfWork, by: By, name: str, now: datetime) -> int:
    """Let a person sign in no more, and end what they have open; their name stays theirs, and their views are gone. Returns how many sessions
    that were. Raises PersonNotFound and PersonEnded."""
    await _active(uow, name)
    people = PeopleRepository(uow.connection)
    await people.end(name, now)
    await ViewRepository(uow.connection).remove_all(name)
    ended = await people.end_sessions(name)
    await note(uow, by, "end_person", name, None, {"sessions_ended": ended})
    return ended


async def _active(uow: UnitOfWork, name: str) -> PersonRow:
    person = await _known(uow, name)
    if person.ended_at is not None:
        raise PersonEnded(f"{name} was ended at {person.ended_at.isoformat()}; add them by another name")
    return person


async def _known(uow: UnitOfWork, name: str) -> PersonRow:
    person = await PeopleRepository(uow.connection).locked(name)
    if person is None:
        raise PersonNotFound(f"nobody is called {name}; u2c console user list shows all")
    return person
