"""usage_ingest, wired. `python -m services.usage_ingest.main create-key NAME SCOPE… [--seat SEAT]…` makes an API
key where there is none yet to make it by."""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.usage_ingest.domain.limits import BODY_MAX_BYTES
from services.usage_ingest.door import consumers as raw
from services.usage_ingest.door import jobs as refusals
from services.usage_ingest.door.api import openmeter
from services.usage_ingest.door.api import router as door
from services.usage_ingest.door.memory import Capacity
from services.usage_ingest.door.metrics import born_at_zero
from services.usage_ingest.keys.answers import KeyAnswer
from services.usage_ingest.keys.api import router as keys
from services.usage_ingest.keys.snapshots import JOBS as RETELLING
from services.usage_ingest.keys.usecases.manage_keys import (
    KeyTerms,
    ScopeUnknown,
    SeatUnknown,
    issue,
    revoke_others,
)
from services.usage_ingest.quarantine import consumers as quarantined
from services.usage_ingest.quarantine import jobs as quarantine_jobs
from services.usage_ingest.quarantine.api import router as quarantine
from services.usage_ingest.receipts import consumers as receipts
from services.usage_ingest.receipts import jobs as receipt_jobs
from services.usage_ingest.receipts.api import router as door_hours
from services.usage_ingest.replica import consumers as replica
from services.usage_ingest.replica import jobs as catalogue
from services.usage_ingest.replica.memory import Replica
from services.usage_ingest.replica.usecases import read_catalogue
from services.usage_ingest.settings import IngestSettings
from shared.audit import COMMAND_LINE, AuditRow, write_audit
from shared.db.unit_of_work import Database
from shared.http.audit import audit_router
from shared.http.changes import as_audited
from shared.http.exceptions import Work, exceptions_router
from shared.http.freshness import freshness_router
from shared.http.keys import SCOPES
from shared.runtime.clock import machine_now
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build
from shared.values.ids import new_id
from shared.values.seats import SEATS

NAME = "usage_ingest"


@dataclass(frozen=True)
class IngestState:
    """What one process of usage_ingest remembers."""

    capacity: Capacity
    replica: Replica = field(default_factory=Replica)
    refusals: Counter[str] = field(default_factory=Counter)


async def setup(foundation: Foundation[IngestSettings]) -> IngestState:
    """Judge no event before the catalogue known so far is in memory."""
    settings = foundation.settings
    state = IngestState(Capacity(settings.door_requests_max, settings.door_bytes_max))
    async with foundation.db.transaction() as uow:
        await read_catalogue(uow, state.replica)
    born_at_zero()
    return state


async def create_key(
    database_url: str,
    name: str,
    scopes: list[str],
    secret: str | None = None,
    seats: Sequence[str] = (),
    *,
    alone: bool = False,
) -> str:
    """Make an API key without going through the API, which needs one; return its secret. The relay tells the
    other services. `alone`: what else was made so by this name ends."""
    db = Database(database_url, NAME, pool_max=2)
    await db.open()
    try:
        async with db.transaction() as uow:
            issued = await issue(uow, KeyTerms(name, scopes, seats=seats), machine_now(), secret=secret)
            ended = await revoke_others(uow, issued.message, machine_now()) if alone else []
            made = _by_command_line("create_key", None, KeyAnswer.made(issued))
            revoked = [
                _by_command_line("revoke_key", KeyAnswer.of(before), KeyAnswer.of(after))
                for before, after in ended
            ]
            await write_audit(uow, [made, *revoked])
            return issued.secret
    finally:
        await db.close()


def _by_command_line(verb: str, before: KeyAnswer | None, after: KeyAnswer) -> AuditRow:
    """A change of a key that no key made."""
    return AuditRow(
        new_id("aud"),
        machine_now(),
        COMMAND_LINE,
        None,
        verb,
        after.object,
        after.id,
        as_audited(before),
        as_audited(after),
        "",
    )


EXCEPTIONS = exceptions_router("list_ingest_exceptions", "usage:read", Work("usage:write"))
FRESHNESS = freshness_router("get_ingest_freshness", "usage:read")
AUDIT = audit_router("list_ingest_audit")

SERVICE = Service[IngestSettings, IngestState](
    name=NAME,
    port=8101,
    settings=IngestSettings,
    routers=(door, openmeter, quarantine, door_hours, keys, EXCEPTIONS, FRESHNESS, AUDIT),
    subscriptions=(
        *raw.SUBSCRIPTIONS,
        *quarantined.SUBSCRIPTIONS,
        *receipts.SUBSCRIPTIONS,
        *replica.SUBSCRIPTIONS,
    ),
    jobs=(*catalogue.JOBS, *refusals.JOBS, *quarantine_jobs.JOBS, *receipt_jobs.JOBS, *RETELLING),
    setup=setup,
    body_max_bytes=BODY_MAX_BYTES,
    description="The door of usage: CloudEvents in, nothing accepted is lost.",
)
app = build(SERVICE)


def _asked() -> argparse.Namespace:
    """The key that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m services.usage_ingest.main")
    asked = parser.add_subparsers(required=True).add_parser(
        "create-key", help="make an API key, and print it"
    )
    asked.add_argument("name", help="what it is for")
    asked.add_argument("scopes", nargs="+", metavar="SCOPE", help=f"what it may do: {', '.join(SCOPES)}")
    asked.add_argument("--seat", action="append", default=[], help=f"for whom it decides: {', '.join(SEATS)}")
    return parser.parse_args()


def _make_key() -> None:
    asked = _asked()
    try:
        made = create_key(IngestSettings().database_url, asked.name, asked.scopes, seats=asked.seat)
        print(asyncio.run(made))
    except (ScopeUnknown, SeatUnknown) as fault:
        sys.exit(f"{fault.title} {fault.detail}")


if __name__ == "__main__":
    _make_key()
