"""The people of the demo: one a role, whom no password lets in."""

from datetime import datetime

from services.console.domain.roles import Role
from services.console.people.repository import PeopleRepository
from services.console.people.usecases.manage_people import add_person
from services.console.people.usecases.note import By
from shared.db.unit_of_work import UnitOfWork


async def add_demo_person(uow: UnitOfWork, role: Role, now: datetime) -> str:
    """Return the name of the demo's person of a role, who is added where there is none yet."""
    name = f"demo-{role}"
    if await PeopleRepository(uow.connection).find(name) is None:
        await add_person(uow, By(name), name, role, None, now)
    return name
