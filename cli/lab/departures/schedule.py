"""Which contracts the year has, and when each is recorded."""

from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from lab.departures.year import EXAMPLES, NEW_YORK
from u2c.documents import load_document

FIRST_DAY = date(2013, 1, 1)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A contract or an amendment of one. `corrects_final`: it may reach into periods that are final."""

    on: date  # a local day of New York
    document: dict[str, Any]
    corrects_final: bool = False

    @property
    def at(self) -> datetime:
        return datetime(self.on.year, self.on.month, self.on.day, tzinfo=NEW_YORK)

    @property
    def amends(self) -> bool:
        """Whether it changes a contract that is there."""
        return "effective" in self.document

    @property
    def path(self) -> str:
        """Where it is posted."""
        return "/v1/contracts?corrects_final=true" if self.corrects_final else "/v1/contracts"


def read_schedule(folder: Path = EXAMPLES) -> list[Recorded]:
    """Return what is recorded, in order."""
    return [
        Recorded(
            date.fromisoformat(row["recorded"]),
            load_document(folder / row["contract"]),
            row.get("corrects_final", False),
        )
        for row in load_document(folder / "schedule.yaml")
    ]
