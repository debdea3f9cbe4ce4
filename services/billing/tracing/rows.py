"""What stands in billing's tables of what became of a document."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

#: What may become of a document, as its history calls it.
Happened = Literal[
    "drafted", "revised", "closed", "seen", "held", "released", "approved", "numbered", "posted"
]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """Something that became of a document. `at` is of the machine clock; `by`: the actor, where a person or program did it;
    `of`: the statement, number or journal entry it is about; `said`: a reason."""

    at: datetime
    what: Happened
    by: str | None
    of: str | None
    revision: int | None
    said: str | None
