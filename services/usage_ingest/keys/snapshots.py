"""All keys, page by page, as they stand: what `shared/runtime/retelling.py` tells once more."""

from services.usage_ingest.keys.repository import KeyRepository
from services.usage_ingest.keys.usecases.manage_keys import message_of
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.retelling import Place, Snapshots, retelling
from shared.topics.usage_ingest import ACCESS_KEYS

A_PAGE = 200


async def keys(uow: UnitOfWork, after: Place) -> tuple[int, Place]:
    found = await KeyRepository(uow.connection).held_page(after or "", A_PAGE)
    for row in found:
        uow.tell(ACCESS_KEYS, message_of(row))
    return len(found), found[-1].key_id if len(found) == A_PAGE else None


SNAPSHOTS = (Snapshots(ACCESS_KEYS, keys),)
JOBS = (retelling(SNAPSHOTS),)
