"""Customers as the API takes them."""

import unicodedata
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from shared.pricing.fields import Label, Name, Zone

ALIASES_MAX = 1000


def _subject(value: str) -> str:
    """One way to write a subject (NFC), as the door normalises those of events."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise PydanticCustomError("not_text", "It contains a lone surrogate, which is no character.") from None
    return unicodedata.normalize("NFC", value)


Subject = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$"), AfterValidator(_subject)]


class CustomerDocument(BaseModel):
    """A customer. Events match it when their subject is its external id or one of its aliases."""

    model_config = ConfigDict(extra="forbid")

    external_id: Subject
    name: Label
    aliases: list[Subject] = Field(default_factory=list, max_length=ALIASES_MAX)
    legal_entity: Name = "default"
    timezone: Zone = "UTC"


class AliasDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alias: Subject
