"""A session begins: whoever was proven to be a person, however that was, is signed in here. Another way to prove it
(OIDC) ends in this verb too."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.console.people.usecases.note import By, note
from services.console.sessions.domain.session_id import hash_of, new_session_id
from services.console.sessions.repository import SessionRepository
from services.console.sessions.rows import SessionRow
from services.console.sessions.usecases.try_to_sign_in import Try
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind

LIFE: Final = timedelta(hours=12)


class NameOrPasswordWrong(AppError):
    """No person of this name has this password."""

    kind = Kind.UNAUTHENTICATED


@dataclass(frozen=True, slots=True)
class Proven:
    """Who somebody is, and how that was shown."""

    name: str
    how: Literal["password", "demo"]
    password_hash: str | None = None
    """What opened the account; None where no password did"""
    tried: Try | None = None
    """What counts no more, since it was right"""


async def begin_session(
    uow: UnitOfWork, proven: Proven, before: str | None, now: datetime, request_id: str
) -> str:
    """Return the id of a new session. What the browser had `before` ends: an id that somebody planted is not taken
    over. Raises NameOrPasswordWrong where it has another password by now, or may not sign in any more."""
    sessions = SessionRepository(uow.connection)
    session_id = new_session_id()
    id_hash = hash_of(session_id)
    assert id_hash is not None
    if not await sessions.add(SessionRow(id_hash, proven.name, now, now + LIFE), proven.password_hash):
        raise NameOrPasswordWrong
    if before is not None and (planted := hash_of(before)) is not None:
        await sessions.end(planted)
    if proven.tried is not None:
        await sessions.take_back_tries(proven.tried.who, proven.tried.at)
    await sessions.forget(now)
    await note(uow, By(proven.name, request_id), "sign_in", proven.name, None, {"by": proven.how})
    return session_id
