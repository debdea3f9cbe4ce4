"""What the API shows of keys."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field

from services.usage_ingest.keys.rows import KeyRow
from services.usage_ingest.keys.usecases.manage_keys import Issued, expiry_of
from shared.http.answers import Answer, Instant
from shared.http.shown_names import KeyId
from shared.values.made_from import made_from


class KeyAnswer(Answer):
    """An API key, without its secret."""

    object: Literal["key"] = "key"
    id: KeyId
    prefix: Annotated[str, Field(examples=["u2c_live_7Q2m"])]
    """How its secret begins, to tell keys apart by"""
    name: Annotated[str, Field(examples=["product backend"])]
    scopes: Annotated[list[str], Field(examples=[["usage:write"]])]
    sources: list[str] | None
    """The sources whose usage it may send, void, correct and resolve; null: any"""
    seats: Annotated[list[str], Field(examples=[["pricing-owner"]])]
    """The seats it may decide for"""
    expires_at: Instant | None
    revoked: bool
    created_at: Instant
    replaces: str | None
    """The key that was rotated into this one"""

    @classmethod
    def of(cls, row: KeyRow) -> Self:
        return made_from(
            cls,
            row,
            id=row.key_id,
            scopes=list(row.scopes),
            sources=list(row.sources) or None,
            seats=list(row.seats),
        )

    @classmethod
    def made(cls, issued: Issued) -> "KeyAnswer":
        """A key just made, without its secret."""
        return KeyAnswer(**_issued(issued))


def _issued(issued: Issued) -> dict[str, Any]:
    message = issued.message
    return {
        "id": message.key_id,
        "prefix": issued.prefix,
        "name": message.name,
        "scopes": list(message.scopes),
        "sources": list(message.sources) or None,
        "seats": list(message.seats),
        "expires_at": expiry_of(message),
        "revoked": message.revoked,
        "created_at": issued.created_at,
        "replaces": issued.replaces,
    }


class IssuedKeyAnswer(KeyAnswer):
    """A key just made, with its secret: it is in this answer and nowhere else."""

    secret: Annotated[str, Field(examples=["u2c_live_7Q2mJ0y3…"])]

    @classmethod
    def issued(cls, issued: Issued) -> Self:
        return cls(**_issued(issued), secret=issued.secret)
