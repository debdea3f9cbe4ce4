"""The texts that identify an event: id, source, type, subject. Their law is in `shared.values.names`; here
its faults become the event's."""

from services.usage_ingest.domain.faults import EventFault
from shared.values import names
from shared.values.names import NameFault, Rule

RULES: dict[str, Rule] = {
    "id": names.EVENT_ID,
    "source": names.SOURCE,
    "type": names.EVENT_TYPE,
    "subject": names.SUBJECT,
}
ATTRIBUTES = tuple(RULES)
#: Four names that are printable ASCII without a space, and this short together, need no closer look.
SHORT_MAX_CHARACTERS = min(rule.characters_max for rule in RULES.values())


def read_name(attribute: str, value: str | None) -> str:
    """One identifying attribute of an event in NFC; raise EventFault (attribute_missing, name_character,
    name_length)."""
    return _read(names.given, attribute, value)


def named(attribute: str, value: str) -> str:
    """The same of an event that is voided: it may have been stored before a name like its own was refused."""
    return _read(names.asked, attribute, value)


def _read(law: names.Law, attribute: str, value: str | None) -> str:
    if not value:
        raise EventFault(
            "attribute_missing",
            f"`{attribute}` is missing; every event names its id, source, type and subject",
        )
    try:
        return law(RULES[attribute], value)
    except NameFault as fault:
        raise EventFault(fault.code, fault.detail) from None
