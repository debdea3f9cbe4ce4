"""What a person has open, and its end."""

from datetime import datetime

from services.console.people.usecases.note import By, note
from services.console.sessions.domain.session_id import hash_of
from services.console.sessions.repository import SessionRepository
from services.console.sessions.rows import SessionRow
from shared.db.unit_of_work import UnitOfWork


async def end_session(uow: UnitOfWork, name: str, session_id: str, request_id: str) -> None:
    """End the one that this browser has."""
    id_hash = hash_of(session_id)
    assert id_hash is not None, "whoever is signed in has one"
    await SessionRepository(uow.connection).end(id_hash)
    await note(uow, By(name, request_id), "sign_out", name, None, None)


async def end_all_sessions(uow: UnitOfWork) -> None:
    """End everybody's, where a database is put back: some may have ended since it was as it is now."""
    await SessionRepository(uow.connection).end_all()


async def list_sessions(uow: UnitOfWork, name: str, now: datetime) -> list[SessionRow]:
    """What a person has open, the newest first."""
    return await SessionRepository(uow.connection).of_person(name, now)
