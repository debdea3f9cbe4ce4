"""Which form of events a body has, by its content type."""

from collections.abc import Callable

from services.usage_ingest.domain import framing
from shared.errors import AppError, Kind

Framing = Callable[[bytes], list[bytes]]
FRAMINGS: dict[str, Framing] = {
    "application/cloudevents+json": framing.single,
    "application/cloudevents-batch+json": framing.array,
    "application/json": framing.array_or_single,
    "application/x-ndjson": framing.lines,
    "application/ndjson": framing.lines,
    "application/jsonl": framing.lines,
}
JSON = ("application/json",)


class MediaTypeUnsupported(AppError):
    """This content type is not taken here."""

    kind = Kind.UNSUPPORTED


def framing_of(content_type: str | None) -> Framing:
    """The way to cut a body of this content type into events."""
    return FRAMINGS[_checked(content_type, tuple(FRAMINGS))]


def check_json(content_type: str | None) -> None:
    """Raise MediaTypeUnsupported unless the body is plain JSON."""
    _checked(content_type, JSON)


def _checked(content_type: str | None, taken: tuple[str, ...]) -> str:
    media, _, parameters = (content_type or "").lower().partition(";")
    media = media.strip()
    if media not in taken:
        raise MediaTypeUnsupported(f"Content-Type {(content_type or 'none')[:80]!a} is not taken; send one of {', '.join(taken)}")
    charset = next((value.strip(' "') for name, _, value in (p.partition("=") for p in parameters.split(";")) if name.strip() == "charset"), "utf-8")
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise MediaTypeUnsupported(f"charset {charset[:40]!a} is not taken; send JSON in UTF-8")
    return media
