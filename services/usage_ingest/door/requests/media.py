"""Which form of events a body has, by its headers."""

from collections.abc import Callable, Sequence

from services.usage_ingest.domain import framing
from services.usage_ingest.domain.binary import event_of, http_attributes
from services.usage_ingest.domain.media_types import CHARSETS, JSON, charset_of, is_cloudevents, media_of
from shared.errors import AppError, Kind

Framing = Callable[[bytes], list[bytes]]
FRAMINGS: dict[str, Framing] = {
    "application/cloudevents+json": framing.single,
    "application/cloudevents-batch+json": framing.array,
    JSON: framing.array_or_single,
    "application/x-ndjson": framing.lines,
    "application/ndjson": framing.lines,
    "application/jsonl": framing.lines,
}
#: Says that events are in the body.
ONE_OR_MORE = tuple(media for media in FRAMINGS if media != JSON)


class MediaTypeUnsupported(AppError):
    """This content type is not taken here."""

    kind = Kind.UNSUPPORTED


class ContentModeAmbiguous(AppError):
    """Attributes stand in headers, and by its content type the event is in the body; send it in one of the
    two modes of CloudEvents."""

    kind = Kind.UNSUPPORTED


def framing_of(headers: Sequence[tuple[bytes, bytes]]) -> Framing:
    """The way to cut a body that came with these headers into events. With attributes among them (binary
    mode) it is the data of one event."""
    content_types = [value.decode("latin-1") for name, value in headers if name == b"content-type"]
    attributes = http_attributes(headers)
    if not attributes:
        return FRAMINGS[_checked(content_types[0] if content_types else None, tuple(FRAMINGS))]
    for content_type in content_types:
        if is_cloudevents(content_type) or media_of(content_type) in ONE_OR_MORE:
            raise ContentModeAmbiguous(
                f"headers name the event, and {content_type[:80]!a} says the body does; send the one or the other"
            )
    return lambda body: framing.bounded([event_of(attributes, content_types, body)])


def check_json(content_type: str | None) -> None:
    """Raise MediaTypeUnsupported unless the body is plain JSON."""
    _checked(content_type, (JSON,))


def _checked(content_type: str | None, taken: tuple[str, ...]) -> str:
    media = media_of(content_type or "")
    if media not in taken:
        raise MediaTypeUnsupported(
            f"Content-Type {(content_type or 'none')[:80]!a} is not taken; send one of {', '.join(taken)}"
        )
    charset = charset_of(content_type or "")
    if charset not in CHARSETS:
        raise MediaTypeUnsupported(f"charset {charset[:40]!a} is not taken; send JSON in UTF-8")
    return media
