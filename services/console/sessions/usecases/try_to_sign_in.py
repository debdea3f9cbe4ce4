"""How often somebody may try to sign in: by the name they say and by the address they come from."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.console.domain.names import is_name
from services.console.people.repository import PeopleRepository
from services.console.sessions.domain.mark import is_known
from services.console.sessions.domain.neighbourhood import neighbourhood
from services.console.sessions.repository import SessionRepository
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind

TRIES_MAX: Final = 5
WITHIN: Final = timedelta(minutes=1)


class TriesTooMany(AppError):
    """There were five tries to sign in within a minute; wait one."""

    kind = Kind.BUSY


@dataclass(frozen=True, slots=True)
class Browser:
    """From where somebody tries: its address, and the mark of who has signed in there, "" where it has none."""

    address: str
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Try:
    """One try, as it counts: hashes of the name and of the address, so that nothing typed is kept; of a browser in
    which they have signed in before, apart from both."""

    who: tuple[bytes, ...]
    at: datetime


async def try_to_sign_in(
    uow: UnitOfWork, name: str, browser: Browser, now: datetime
) -> tuple[Try, str | None]:
    """Count the try, and return the hash of the password that opens the account; None where none does, whether or
    not anybody is called so. Raises TriesTooMany, which does not count."""
    sessions = SessionRepository(uow.connection)
    person = await PeopleRepository(uow.connection).find(name) if is_name(name) else None
    password_hash = None if person is None or person.ended_at is not None else person.password_hash
    tried = Try(_who(name, browser, password_hash), now)
    if max(await sessions.count_tries(tried.who, now - WITHIN)) >= TRIES_MAX:
        raise TriesTooMany(
            "by this name or from this address; try again in a minute",
            retry_after_s=int(WITHIN.total_seconds()),
        )
    await sessions.add_tries(tried.who, now)
    await sessions.forget_tries(now - WITHIN)
    return tried, password_hash


def _who(name: str, browser: Browser, password_hash: str | None) -> tuple[bytes, ...]:
    if password_hash is not None and is_known(browser.mark, password_hash, name):
        return (_hash("known", name),)
    return _hash("name", name), _hash("address", neighbourhood(browser.address))


def _hash(kind: str, text: str) -> bytes:
    return hashlib.sha256(f"{kind}\0{text}".encode(errors="surrogatepass")).digest()
