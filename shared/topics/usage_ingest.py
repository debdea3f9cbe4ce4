"""What usage_ingest says: usage, quarantine, receipts, and the API keys every service checks."""

import msgspec

from shared.topics.registry import PRODUCTS, Key, Topic, TopicKind, fields


class UsageMessage(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One accepted event, or one void. Times are integer microseconds since the epoch, UTC."""

    source: str
    id: str
    received_us: int  # machine clock, when the door took it
    kind: str = "event"  # event | void
    type: str = ""  # events only, from here on
    subject: str = ""
    time_us: int = 0
    data: msgspec.Raw = msgspec.Raw(b"{}")  # canonical JSON: keys sorted, numbers normalised
    #: Hex, 16 bytes of SHA-256 over canonical (type, subject, time, data).
    body_hash: str = ""
    trace: str = ""  # trace id of the request


class QuarantineMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One well-formed event with a fault, kept with its bytes so that it can be listed, repaired and
    replayed."""

    quarantine_id: str  # qua_…
    code: str  # e.g. value_not_a_number
    detail: str  # names the fault and the remedy
    raw: bytes  # base64 in JSON: the event's own bytes
    received_us: int
    business_us: int  # the business clock when it was refused
    key_id: str = ""
    request_id: str = ""
    index: int = 0
    source: str = ""  # best effort: "" where unreadable
    id: str = ""
    type: str = ""
    subject: str = ""
    time_us: int | None = None
    by: str = "door"  # who refused it: door | metering


class ReceiptMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one request brought, so that even a kill -9 leaves a count to compare with (K2).

    received = published + quarantined + refused, for each source.
    """

    receipt_id: str  # rec_… one a request and source
    key_id: str  # or "topic:partition:from-to" for usage.raw
    source: str
    received_us: int
    received: int
    published: int  # events and voids put on usage.events
    quarantined: int
    refused: int


class AccessKeyMessage(msgspec.Struct, frozen=True):
    """An API key as every service checks it: never the secret, only its SHA-256."""

    key_id: str
    revision: int  # machine clock, µs
    hash: str  # hex SHA-256 of the whole secret
    name: str
    scopes: tuple[str, ...]
    expires_us: int | None = None
    revoked: bool = False
    #: Whose usage it may send, void, correct and discard; none named: anybody's.
    sources: tuple[str, ...] = ()
    #: For which it may decide, by the names of `shared/values/seats.py`.
    seats: tuple[str, ...] = ()


def event_key(source: str, event_id: str) -> bytes:
    """The key of an event or void on the bus: all that concerns one event meets in one partition."""
    return f"{source}\0{event_id}".encode()


SOURCE = fields("source")
EVENT = Key("(source, id)", lambda message: event_key(message.source, message.id))

USAGE_RAW = Topic("usage.raw", None, TopicKind.FACT, None, PRODUCTS, ("usage_ingest",), partitions=6)
USAGE_EVENTS = Topic(
    "usage.events", UsageMessage, TopicKind.FACT, EVENT, "usage_ingest", ("rating",), partitions=6
)
USAGE_QUARANTINE = Topic(
    "usage.quarantine",
    QuarantineMessage,
    TopicKind.FACT,
    SOURCE,
    "usage_ingest",
    ("usage_ingest", "signals"),
    also_by=("rating",),
)
USAGE_RECEIPTS = Topic(
    "usage.receipts", ReceiptMessage, TopicKind.FACT, SOURCE, "usage_ingest", ("usage_ingest",)
)
ACCESS_KEYS = Topic(
    "access.keys",
    AccessKeyMessage,
    TopicKind.SNAPSHOT,
    fields("key_id"),
    "usage_ingest",
    ("rating", "billing", "signals"),
    identified_by=fields("key_id"),
    partitions=1,
    own_consumer="keys",
)
