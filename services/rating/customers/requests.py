"""Customers as the API takes them."""

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from shared.pricing.fields import Zone
from shared.values.fields import AskedSubject, GivenSubject, Key, Label

ALIASES_MAX = 1000


class CustomerDocument(BaseModel):
    """A customer. Events match it when their subject is its external id or one of its aliases."""

    model_config = ConfigDict(extra="forbid")

    external_id: GivenSubject
    name: Label
    aliases: list[GivenSubject] = Field(default_factory=list, max_length=ALIASES_MAX)
    legal_entity: Key = "default"
    timezone: Zone = "UTC"


class AliasChanges(BaseModel):
    """Aliases given and taken back. What a final statement closed with stays on it."""

    model_config = ConfigDict(extra="forbid")

    add: list[GivenSubject] = Field(default_factory=list, max_length=ALIASES_MAX)
    remove: list[AskedSubject] = Field(default_factory=list, max_length=ALIASES_MAX)

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if both := sorted(set(self.add) & set(self.remove)):
            raise PydanticCustomError(
                "both_ways", "{alias} is both added and removed.", {"alias": repr(both[0][:100])}
            )
        return self


class CustomerChanges(BaseModel):
    """What may change of a customer; what is absent stays. Its external id may not: events name it."""

    model_config = ConfigDict(extra="forbid")

    name: Label | None = None
    legal_entity: Key | None = None
    timezone: Zone | None = None
    aliases: AliasChanges = Field(default_factory=AliasChanges)

    @model_validator(mode="after")
    def _no_null(self) -> Self:
        if empty := sorted(field for field in self.model_fields_set if getattr(self, field) is None):
            raise PydanticCustomError(
                "no_null", "{field} cannot be taken away, only changed.", {"field": empty[0]}
            )
        return self


class AliasDocument(BaseModel):
    model_config = ConfigDict(extra="forbid")

    alias: GivenSubject
