"""What people said of a draft, as it stands in its row. Times are of the business clock, amounts minor units of the
document's currency; `by` is an actor. `revisions`: statement id → the revision that was looked at."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

Revisions = Mapping[str, int]
#: A draft is `open` while its period runs, `due` once its statement is final, `held` while something is in its way, and
#: waits for approval where nothing else is.
State = Literal["open", "due", "held", "awaiting_approval", "finalized"]
AWAITING_APPROVAL: Final = "awaiting_approval"
HELD_BY_PERSON: Final = "held_by_person"


class Hold(msgspec.Struct, frozen=True):
    """Somebody does not want it to become an invoice yet."""

    by: str
    at: datetime
    reason: str


class Approval(msgspec.Struct, frozen=True):
    """Somebody has approved these revisions. `policy`: the version that asked for it."""

    by: str
    at: datetime
    policy: int
    revisions: dict[str, int]
    total_minor: int


class Seen(msgspec.Struct, frozen=True):
    """Somebody has looked at the open draft."""

    by: str
    at: datetime
    revisions: dict[str, int]
    total_minor: int

    def stands(self, total_minor: int, *, final: bool) -> bool:
        """Whether it still says something of the document: a final total is the one that was seen."""
        return not final or self.total_minor == total_minor
