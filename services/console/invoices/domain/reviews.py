"""What people say of a draft: which acts there are, when each makes sense, and what of the draft it names."""

import json
from collections.abc import Iterator
from typing import Any, Final, Literal

import msgspec

from services.console.invoices.domain.document import Document
from shared.errors import AppError, Kind

Act = Literal["approve", "hold", "release", "seen"]
#: What is bought beforehand waits for nobody.
NEVER_WAITS: Final = "prepayment"


class LookedAtUnreadable(AppError):
    """This form does not say what was looked at; nothing was done."""

    kind = Kind.MALFORMED


class LookedAt(msgspec.Struct, frozen=True):
    """A draft as a page showed it: what an approval and a mark are about. `called`, `standing`: in words."""

    document: str
    revisions: dict[str, int]
    total: str
    called: str
    standing: str


def looked_at(document: Document) -> str:
    """What a form sends of the draft as it is shown."""
    seen = LookedAt(document.id, document.revisions, document.total, document.called, standing(document))
    return json.dumps(msgspec.to_builtins(seen), separators=(",", ":"))


def read_looked_at(text: str) -> LookedAt:
    """What `looked_at` has written. Raises LookedAtUnreadable."""
    try:
        return msgspec.json.decode(text, type=LookedAt)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as fault:
        raise LookedAtUnreadable("open the page anew and do it there") from fault


def acts_on(document: Document) -> Iterator[Act]:
    """What can be done with it as it stands. What has its number is corrected by a note."""
    if document.status != "draft":
        return
    if document.state == "awaiting_approval":
        yield "approve"
    if document.state == "open":
        yield "seen"
    if document.hold:
        yield "release"
    elif document.kind != NEVER_WAITS:
        yield "hold"


def standing(document: Document) -> str:
    """How it stands, in words: where they differ, something has changed."""
    said = [f"{document.state.replace('_', ' ')}, {document.money.shown}"]
    if document.number:
        said.append(f"numbered {document.number}")
    if document.hold:
        said.append(f"held by {document.hold.by}: {document.hold.reason}")
    if document.approval:
        said.append(f"approved by {document.approval.by}")
    return "; ".join(said)


def changed_since(seen: LookedAt, document: Document) -> str:
    """What has changed since it was looked at; "" where nothing has."""
    now = standing(document)
    if seen.standing != now:
        return f"When this page was opened it was {seen.standing}. Now it is {now}."
    if seen.revisions != document.revisions:
        return "Its figures were made anew since this page was opened, and come to the same."
    return ""


def body_of(act: Act, seen: LookedAt, reason: str) -> dict[str, Any]:
    """What the act says to billing."""
    bodies: dict[Act, dict[str, Any]] = {
        "approve": {"revisions": seen.revisions},
        "hold": {"reason": reason},
        "release": {},
        "seen": {"revisions": seen.revisions, "total": seen.total},
    }
    return bodies[act]
