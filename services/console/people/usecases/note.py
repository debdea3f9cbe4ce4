"""The audit row of a change."""

from collections.abc import Mapping
from dataclasses import dataclass

from shared.audit import COMMAND_LINE, AuditRow, write_audit
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_now
from shared.values.ids import new_id

Shown = Mapping[str, object] | None


@dataclass(frozen=True, slots=True)
class By:
    """Who acts, and the request it was; the command line has none."""

    actor: str = COMMAND_LINE
    request_id: str = ""


async def note(uow: UnitOfWork, by: By, verb: str, name: str, before: Shown, after: Shown) -> None:
    """Write that somebody changed a person, from what into what."""
    row = AuditRow(
        new_id("aud"), machine_now(), by.actor, None, verb, "person", name, before, after, by.request_id
    )
    await write_audit(uow, [row])
