"""Keys that are bound to sources: what they send, void, correct and resolve is theirs alone. For a key that
is not bound this costs one comparison."""

from collections.abc import Iterable

from shared.errors import AppError, Kind
from shared.http.keys import AccessKey
from shared.values.names import shown

NAMED_MAX = 5
#: The source of what could not be read as far as that: it can be nobody's yet.
UNREADABLE = ""


class SourceNotYours(AppError):
    """This key is bound to sources and does nothing for another one; nothing of this request was accepted."""

    kind = Kind.FORBIDDEN


def refuse_foreign_sources(caller: AccessKey, sources: Iterable[str]) -> None:
    """Raise SourceNotYours when one of these is not the caller's. An event whose source cannot be read goes
    to the quarantine as ever."""
    if not caller.sources:
        return
    foreign = sorted(set(sources) - caller.sources - {UNREADABLE})
    if foreign:
        raise foreign_source(caller, foreign)


def refuse_foreign_source(caller: AccessKey, source: str) -> None:
    """Raise SourceNotYours unless the caller may resolve what is stored under this source. What has no
    source, a bound key may not."""
    if caller.sources and source not in caller.sources:
        raise foreign_source(caller, [source])


def foreign_source(caller: AccessKey, foreign: list[str]) -> SourceNotYours:
    named = ", ".join(shown(source) for source in foreign[:NAMED_MAX])
    errors = [
        {"pointer": "/source", "code": "source_not_yours", "detail": shown(source)}
        for source in foreign[:NAMED_MAX]
    ]
    return SourceNotYours(
        f"key {caller.key_id} is bound to {shown_sources(caller)}, not to {named}; send them with a key of theirs",
        errors=errors,
    )


def shown_sources(key: AccessKey) -> str:
    """The sources a key is bound to, the first few of them."""
    named = ", ".join(shown(source) for source in sorted(key.sources)[:NAMED_MAX])
    return f"{named} and {len(key.sources) - NAMED_MAX} more" if len(key.sources) > NAMED_MAX else named
