"""API keys, as rows: the fields are the columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """A key as issued: a row of `access_keys` with that of `api_keys`. Its secret is nowhere.

    `sources`: none named: any. `created_by`: a key id, "" for the command line.
    """

    key_id: str
    name: str
    scopes: Sequence[str]
    expires_at: datetime | None
    revoked: bool
    revision: int
    hash: str
    sources: Sequence[str]
    seats: Sequence[str]
    prefix: str
    created_at: datetime
    created_by: str
    replaces: str | None
