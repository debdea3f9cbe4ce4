"""A clause of terms, and its hash: what it says, not how it is written."""

import hashlib
import json
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from shared.values.decimals import plain


class Clause(BaseModel):
    """A piece of terms: closed to unknown keys, frozen once parsed."""

    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)

    @cached_property
    def hash(self) -> str:
        """32 hex digits over the meaning: defaults left out, decimals without trailing zeros, keys sorted."""
        canonical = json.dumps(_meaning(self), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:32]

    def having(self, **values: Any) -> Self:
        """Return the clause with other values, which are taken to be valid."""
        fields = type(self).model_fields
        said = {field.alias or name: values.get(name, getattr(self, name)) for name, field in fields.items()}
        now = type(self).model_construct(**said, **(self.__pydantic_extra__ or {}))
        assert isinstance(now, type(self))
        return now


def _meaning(value: object) -> object:
    if isinstance(value, Clause):
        return _fields(value)
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_meaning(item) for item in value]
    return value


def _fields(clause: Clause) -> dict[str, Any]:
    fields = type(clause).model_fields
    said = {
        name: getattr(clause, name)
        for name in fields
        if fields[name].is_required() or getattr(clause, name) != fields[name].default
    }
    return {name: _meaning(value) for name, value in {**(clause.__pydantic_extra__ or {}), **said}.items()}
