"""A fact worth telling: something that became true of a customer on a day, once."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "usage-to-cash/signals")


@dataclass(frozen=True, slots=True)
class Fact:
    """`key` is what makes it the same fact when it is found again; `day` is the customer's local day it
    belongs to."""

    type: str
    key: tuple[str, ...]
    day: date
    data: Mapping[str, Any]
    contract: str | None = None

    @property
    def signal_id(self) -> str:
        """Derived, so that the same fact is told once, whoever finds it again."""
        return derived_id(self.type, *self.key)


def derived_id(*parts: str) -> str:
    # The lengths keep ("a", "bc") and ("ab", "c") apart whatever the parts contain.
    return f"sig_{uuid.uuid5(_NAMESPACE, ''.join(f'{len(part)}:{part}' for part in parts)).hex}"
