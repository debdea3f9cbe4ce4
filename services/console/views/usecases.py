"""Saving, sharing and removing views; each is audited in its transaction."""

from dataclasses import asdict, replace
from typing import Final

from services.console.domain.views import NAME, QUERY_CHARACTERS_MAX, Wanted, filters_in
from services.console.people.repository import PeopleRepository
from services.console.people.usecases.note import By
from services.console.views.repository import ViewRepository
from services.console.views.rows import ViewRow
from shared.audit import AuditRow, write_audit
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.runtime.clock import machine_now
from shared.values.ids import new_id
from shared.values.names import NameFault, given

VIEWS_MAX: Final = 50
SHARED_MAX: Final = 50


class ViewInvalid(AppError):
    """A view has a name that can be read, and filters."""


class ViewNotFound(AppError):
    """You have no such view."""

    kind = Kind.NOT_FOUND


class ViewsTooMany(AppError):
    """There is no room for another view."""

    kind = Kind.CONFLICT


async def save_view(uow: UnitOfWork, by: By, wanted: Wanted) -> ViewRow:
    """Keep it for whoever asks; one of theirs with the same name is replaced. Raises ViewInvalid and ViewsTooMany."""
    views, made = ViewRepository(uow.connection), _made(by.actor, wanted)
    # two windows of one person count one after the other
    await PeopleRepository(uow.connection).locked(by.actor)
    before = await views.find(by.actor, made.page, made.name)
    if before is None and len(await views.of_person(by.actor)) >= VIEWS_MAX:
        raise ViewsTooMany(f"you have {VIEWS_MAX}; remove one that you no longer need")
    if made.is_shared and not (before and before.is_shared):
        await _refuse_too_many_shared(views, made.page)
    after = await views.save(made)
    await _note(uow, by, "save_view", before, after)
    return after


async def share_view(uow: UnitOfWork, by: By, view_id: str, *, is_shared: bool) -> None:
    """Show it to all who may open its page, or no longer. Raises ViewNotFound and ViewsTooMany."""
    views, before = ViewRepository(uow.connection), await own_view(uow, by.actor, view_id)
    if before.is_shared == is_shared:
        return
    if is_shared:
        await _refuse_too_many_shared(views, before.page)
    await views.share(view_id, is_shared=is_shared)
    verb = "share_view" if is_shared else "unshare_view"
    await _note(uow, by, verb, before, replace(before, is_shared=is_shared))


async def remove_view(uow: UnitOfWork, by: By, view_id: str) -> None:
    """Raises ViewNotFound."""
    before = await own_view(uow, by.actor, view_id)
    await ViewRepository(uow.connection).remove(view_id)
    await _note(uow, by, "remove_view", before, None)


async def own_view(uow: UnitOfWork, owner: str, view_id: str) -> ViewRow:
    """Raises ViewNotFound for another's too."""
    found = await ViewRepository(uow.connection).own(owner, view_id)
    if found is None:
        raise ViewNotFound("it was removed, or is somebody else's; /views lists yours")
    return found


async def list_views(uow: UnitOfWork, owner: str) -> list[ViewRow]:
    return await ViewRepository(uow.connection).of_person(owner)


def _made(owner: str, wanted: Wanted) -> ViewRow:
    try:
        name = given(NAME, wanted.name.strip())
        query = filters_in(wanted.query)
    except NameFault as fault:
        raise ViewInvalid(fault.detail) from fault
    except ValueError as fault:
        raise ViewInvalid("its address has too many filters") from fault
    if not query or len(query) > QUERY_CHARACTERS_MAX:
        raise ViewInvalid("open the list with filters that can be read, and save it from there")
    return ViewRow(new_id("vie"), owner, wanted.page, name, query, wanted.is_shared, machine_now())


async def _refuse_too_many_shared(views: ViewRepository, page: str) -> None:
    if await views.count_shared(page) >= SHARED_MAX:
        raise ViewsTooMany(f"{SHARED_MAX} are shared on {page}; keep this one for yourself")


async def _note(uow: UnitOfWork, by: By, verb: str, before: ViewRow | None, after: ViewRow | None) -> None:
    of = after or before
    assert of is not None, "what is noted was there, or is now"
    row = AuditRow(
        new_id("aud"),
        machine_now(),
        by.actor,
        None,
        verb,
        "view",
        of.view_id,
        _shown(before),
        _shown(after),
        by.request_id,
    )
    await write_audit(uow, [row])


def _shown(view: ViewRow | None) -> dict[str, object] | None:
    return None if view is None else asdict(view.view)
