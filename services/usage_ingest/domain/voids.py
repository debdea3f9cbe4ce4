"""Voids: each names one event by source and id, before or after it came."""

from typing import TypeVar

import msgspec

from services.usage_ingest.domain.bounded import elements_of, is_too_many, slots_of
from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.framing import starts_array, too_many
from services.usage_ingest.domain.limits import EVENT_MAX_BYTES
from services.usage_ingest.domain.names import named
from services.usage_ingest.domain.repeats import parse_once
from shared.documents.faults import BodyUnreadable
from shared.errors import AppError
from shared.topics.usage_ingest import UsageMessage


class EventName(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The name of one event, as its producer gave it."""

    source: str
    id: str


Shape = TypeVar("Shape")
EventNames = slots_of(EventName)


class VoidList(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    voids: EventNames  # type: ignore[valid-type]


class AnyObject(msgspec.Struct, frozen=True):
    """Tells the two objects apart without making anything of what they hold."""

    voids: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class Correction(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wrong event by its name, and the right one, which has an id of its own."""

    source: str
    id: str
    event: msgspec.Raw


class VoidInvalid(AppError):
    """A void names one event by `source` and `id`; nothing of this request was accepted."""


def read_voids(body: bytes) -> list[EventName]:
    """Return the names of `{source, id}`, a list of them, or `{"voids": […]}`. One wrong entry refuses the
    request."""
    names = _names_of(body)
    _refuse_repeats(body)
    return [_checked(name, index) for index, name in enumerate(names)]


def read_correction(body: bytes) -> Correction:
    """Return `{source, id, event}`."""
    found: Correction = _decoded(body, Correction)
    # A larger one is refused for that.
    if len(bytes(found.event)) <= EVENT_MAX_BYTES:
        _refuse_repeats(body)
    name = _checked(EventName(found.source, found.id), 0)
    return Correction(name.source, name.id, found.event)


def _names_of(body: bytes) -> tuple[EventName, ...]:
    if starts_array(body):
        return elements_of(_decoded(body, EventNames))
    if _decoded(body, AnyObject).voids is msgspec.UNSET:
        return (_decoded(body, EventName),)
    return elements_of(_decoded(body, VoidList).voids)


def void_message(name: EventName, received_us: int, trace: str) -> UsageMessage:
    """A void as it goes on the bus. It has no time of its own: its period is its event's."""
    return UsageMessage(source=name.source, id=name.id, received_us=received_us, kind="void", trace=trace)


def _checked(name: EventName, index: int) -> EventName:
    try:
        return EventName(named("source", name.source), named("id", name.id))
    except EventFault as fault:
        raise VoidInvalid(
            f"entry {index}: {fault.detail}",
            errors=[{"pointer": f"/{index}", "code": fault.code, "detail": fault.detail}],
        ) from None


def _refuse_repeats(body: bytes) -> None:
    try:
        parse_once(body)
    except EventFault as fault:
        raise VoidInvalid(
            fault.detail, errors=[{"pointer": "", "code": fault.code, "detail": fault.detail}]
        ) from None


def _decoded(body: bytes, shape: type[Shape]) -> Shape:
    try:
        return msgspec.json.decode(body, type=shape)
    except msgspec.ValidationError as error:
        if is_too_many(error):
            raise too_many("voids") from None
        raise VoidInvalid(f'{error}; send {{"source": …, "id": …}}') from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BodyUnreadable(f"{error}; send JSON in UTF-8") from None
