"""What a person edits has a weak ETag: who read it and sends `If-Match` changes it only while it is what was read.

Of two people who edit the same object one wins, and the other is told, instead of undoing what the first did.
"""

from hashlib import blake2b
from typing import Annotated, Final

import msgspec
from fastapi import Header, Request, Response

from shared.errors import AppError, Kind

IF_MATCH: Final = "If-Match"
ANY: Final = "*"
IfMatch = Annotated[
    str | None,
    Header(
        alias=IF_MATCH,
        max_length=1000,
        description="`ETag` of what was read: it is changed only while it is that",
        examples=['W/"1767225600000000"'],
    ),
]


class ChangedMeanwhile(AppError):
    """It is not what was read any more, so nothing was changed."""

    kind = Kind.PRECONDITION


def etag_of(*parts: object) -> str:
    """The tag of what these parts tell from whatever else it was or will be: a revision, or all that may change."""
    if len(parts) == 1 and isinstance(parts[0], int):
        return f'W/"{parts[0]}"'
    return f'W/"{blake2b(msgspec.json.encode(parts), digest_size=12).hexdigest()}"'


def tagged(response: Response, tag: str) -> None:
    """Answer with this tag."""
    response.headers["ETag"] = tag


def hold_to(request: Request, tag: str | None) -> None:
    """Raise ChangedMeanwhile where the caller read something else than what has this tag; None: it has none."""
    named = request.headers.get(IF_MATCH)
    if named is None:
        return
    if tag is None:
        raise ChangedMeanwhile("nothing that can be read has an ETag here; leave If-Match out")
    wanted = [one.strip() for one in named.split(",")]
    # Compared weakly: proxies that compress make a tag weak.
    if ANY not in wanted and tag.removeprefix("W/") not in [one.removeprefix("W/") for one in wanted]:
        raise ChangedMeanwhile(f"it has {tag} now; read it again, and change that")
