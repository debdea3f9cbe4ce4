"""What a content type says: whether it is JSON, in which characters, and whether it is a form of CloudEvents
of its own."""

import re

JSON = "application/json"
CHARSETS = ("utf-8", "utf8", "us-ascii")
_JSON_MEDIA = re.compile(r"\s*[\w!#$&^.+-]+/([\w!#$&^.+-]+\+)?json\s*(;.*)?", re.ASCII | re.IGNORECASE)
_CLOUDEVENTS = "application/cloudevents"  # and what follows: the event, or a batch of them, is in the body


def media_of(content_type: str) -> str:
    """The type without its parameters, in lower case."""
    return content_type.partition(";")[0].strip().lower()


def charset_of(content_type: str) -> str:
    """Its `charset` parameter in lower case; JSON without one is UTF-8."""
    parameters = (part.partition("=") for part in content_type.lower().split(";")[1:])
    return next(
        (value.strip(' "') for name, _, value in parameters if name.strip() == "charset"), CHARSETS[0]
    )


def is_json(content_type: str | None) -> bool:
    """Whether data of this type is JSON; data without a type is."""
    return content_type in (None, JSON) or _JSON_MEDIA.fullmatch(content_type) is not None


def is_cloudevents(content_type: str | None) -> bool:
    return content_type is not None and media_of(content_type).startswith(_CLOUDEVENTS)
