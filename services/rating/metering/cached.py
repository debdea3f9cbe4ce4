"""What a process remembers between batches. Only what was read as committed is remembered, so a rollback can never leave a wrong memory."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.rating.metering.domain.group import Group
from services.rating.metering.domain.tally import Catalogue

GROUPS_MAX_DEFAULT = 1000


@dataclass(slots=True)
class MeteringMemory:
    """The catalogue at its revision, event types already noted, and the known groups of each meter and UTC month."""

    groups_max: int = GROUPS_MAX_DEFAULT
    catalogue: Catalogue = field(default_factory=lambda: Catalogue(-1, ()))
    types: set[str] = field(default_factory=set)
    groups: dict[tuple[str, date], set[Group]] = field(default_factory=dict)

    def renew(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.groups.clear()


def memory_of(context: Any) -> MeteringMemory:
    """The one memory of this process."""
    memory = context.state.get("metering")
    if memory is None:
        memory = context.state["metering"] = MeteringMemory(getattr(context.settings, "groups_max", GROUPS_MAX_DEFAULT))
    assert isinstance(memory, MeteringMemory)
    return memory
