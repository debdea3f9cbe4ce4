"""The forms by which people decide about drafts, one or many, and what is said of those that were refused."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from services.console.domain.addresses import address
from services.console.domain.forms import Tried
from services.console.domain.parts import Cell, Column, Empty, Field, Form, Option, Row, Table, key_of
from services.console.domain.roles import Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit
from services.console.invoices.domain.document import Acted, Document, Refused
from services.console.invoices.domain.reviews import Act, LookedAt, acts_on, changed_since, looked_at
from shared.values.names import LABEL_CHARACTERS_MAX

#: Who may decide about drafts: whose keys may write invoices.
REVIEWS: Final[tuple[Role, ...]] = ("finance", "leader")
MANY: Final = "review"
BUTTONS: Final[Mapping[Act, str]] = {
    "approve": "Approve what is shown",
    "hold": "Hold it",
    "release": "Release it",
    "seen": "Mark it as seen",
}
#: The first is what Enter in the field of the reason does.
OF_MANY: Final[Mapping[Act, str]] = {
    "hold": "Hold the chosen",
    "approve": "Approve the chosen",
    "release": "Release the chosen",
    "seen": "Mark the chosen as seen",
}


@dataclass(frozen=True, slots=True)
class Choosing:
    """How drafts of the list are chosen: `form` is None for who may not; `picked` are the ids of those that are."""

    form: Form | None = None
    picked: frozenset[str] = frozenset()
    refused: Table | None = None


NOBODY_CHOOSES: Final = Choosing()
REFUSED_HEADS: Final = (Column("document"), Column("why"))
NONE_REFUSED: Final = Empty("What is refused appears here,", "with the reason.")


def forms_on(document: Document, visit: Visit, once: Callable[[], str], tried: Tried) -> tuple[Form, ...]:
    """What whoever looks may do with it; what was tried is there, though it can no longer be done: it says why."""
    if visit.role not in REVIEWS:
        return ()
    acts = dict.fromkeys((*acts_on(document), *(act for act in BUTTONS if act == tried.act)))
    return tuple(_form(act, document, visit, once(), tried) for act in acts)


def _form(act: Act, document: Document, visit: Visit, once: str, tried: Tried) -> Form:
    """It names what is shown, so that nothing is decided which nobody saw."""
    mine = tried.at(act)
    reason = (_reason("Why it is held", mine, is_required=True),) if act == "hold" else ()
    return Form(
        act,
        address("invoices", document.id, act, **visit.zones.query),
        BUTTONS[act],
        visit.csrf,
        once,
        (*reason, Field("looked_at", "", looked_at(document), "hidden")),
        is_grave=act == "hold",
        fault=mine.fault,
    )


def _reason(label: str, tried: Tried, *, is_required: bool) -> Field:
    return Field(
        "reason",
        label,
        tried.text("reason"),
        hint="It stands in the timeline, beside your name.",
        is_required=is_required,
        letters_max=str(LABEL_CHARACTERS_MAX),
    )


def form_of_many(action: str, visit: Visit, once: str, tried: Tried) -> Form | None:
    """What whoever looks may do with all that are chosen."""
    if visit.role not in REVIEWS:
        return None
    acts = tuple(Option(act, said) for act, said in OF_MANY.items())
    reason = _reason("Why they are held", tried, is_required=False)
    return Form(MANY, action, "", visit.csrf, once, (reason,), fault=tried.fault, acts=acts)


def still_chosen(seen: Iterable[LookedAt], acted: Sequence[Acted]) -> frozenset[str]:
    """The ids of what nothing was done with, though it was chosen."""
    done = {one.document for one in acted if one.refused is None}
    return frozenset(one.document for one in seen if one.document not in done)


def refused_table(
    seen: Iterable[LookedAt], acted: Sequence[Acted], documents: Iterable[Document], zones: Zones
) -> Table | None:
    """Which of many were refused, and why: what has changed, where that is seen, else as billing says it. None where nothing
    was."""
    now = {one.id: one for one in documents}
    was = {one.document: one for one in seen}
    rows = tuple(
        Row(
            key_of(one.document),
            (
                Cell.of(_called(one, was)),
                Cell.of(_why(one.refused, one.document, was, now), characters_max=400),
            ),
            address("invoices", one.document, **zones.query),
        )
        for one in acted
        if one.refused
    )
    return Table("refused", "Refused", REFUSED_HEADS, rows, NONE_REFUSED) if rows else None


def _called(one: Acted, was: Mapping[str, LookedAt]) -> str:
    return was[one.document].called if one.document in was else one.document


def _why(refused: Refused, document: str, was: Mapping[str, LookedAt], now: Mapping[str, Document]) -> str:
    both = document in was and document in now
    changed = changed_since(was[document], now[document]) if both else ""
    return f"{refused.title} {changed or refused.detail}"
