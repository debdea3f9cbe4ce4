"""When a final draft waits until a person has approved it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final, Protocol

from services.billing.documents.domain.kinds import DocumentKind
from services.billing.documents.domain.reviewed import Approval, Revisions
from shared.values.decimals import plain
from shared.values.money import currency, format_minor

#: No version is newer than this.
VERSION_MAX: Final = 2**31 - 1


class Drafted(Protocol):
    """What a policy looks at. `previous_minor`: what the contract's last period came to; None where there is none, or the
    draft is of no period of its own."""

    @property
    def kind(self) -> DocumentKind: ...
    @property
    def currency(self) -> str: ...
    @property
    def total_minor(self) -> int: ...
    @property
    def previous_minor(self) -> int | None: ...
    @property
    def revisions(self) -> Revisions: ...
    @property
    def approval(self) -> Approval | None: ...


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """A version of the policy. A final draft waits where its total, whatever its sign, exceeds that of its currency in
    `above` (minor units), or differs from that of the contract's last period by more than `changed_percent` of it."""

    version: int
    above: Mapping[str, int]
    changed_percent: Decimal | None
    reason: str
    set_by: str | None
    set_at: datetime | None

    def why(self, draft: Drafted) -> Iterator[str]:
        """Say why it asks for this draft, once a reason; nothing where the draft need not wait."""
        if not draft.kind.waits_for_people:
            return
        of = currency(draft.currency)
        total, limit = format_minor(draft.total_minor, of), self.above.get(draft.currency)
        if limit is not None and abs(draft.total_minor) > limit:
            yield f"its total of {total} {of.code} exceeds {format_minor(limit, of)}"
        previous, percent = draft.previous_minor, self.changed_percent
        if previous is None or percent is None:
            return
        if 100 * abs(draft.total_minor - previous) > percent * abs(previous):
            yield (
                f"its total of {total} {of.code} differs from the {format_minor(previous, of)} of the period before by "
                f"more than {plain(percent)} %"
            )

    def lacks_approval(self, draft: Drafted) -> list[str]:
        """Why the draft waits; empty where it need not, or what stands is approved."""
        if draft.approval is not None and draft.approval.revisions == draft.revisions:
            return []
        return list(self.why(draft))


#: Before anybody has set one: no draft waits.
OFF: Final = ReviewPolicy(0, {}, None, "nobody has set a policy", None, None)
