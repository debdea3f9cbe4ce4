"""Customers as the API takes them."""

from pydantic import BaseModel, ConfigDict, Field

from shared.pricing.fields import Zone
from shared.values.fields import GivenSubject, Key, Label

ALIASES_MAX = 1000


class CustomerDocument(BaseModel):
    """A customer. Events match it when their subject is its external id or one of its aliases."""

    model_config = ConfigDict(extra="forbid")

    external_id: GivenSubject
    name: Label
    aliases: list[GivenSubject] = Field(default_factory=list, max_length=ALIASES_MAX)
    legal_entity: Key = "default"
    timezone: Zone = "UTC"


class AliasDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alias: GivenSubject
