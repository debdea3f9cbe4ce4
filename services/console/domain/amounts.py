"""Amounts and quantities as a page shows them: the digits that the API said, in groups for reading, and nothing else
changed. A page compares amounts, for sorting and drawing; it never adds or rounds them."""

import re
from dataclasses import dataclass
from decimal import Decimal

from shared.errors import AppError, Kind

_NUMBER = re.compile(r"(-?)([0-9]+)((?:\.[0-9]+)?)", re.ASCII)
GROUP = ","


class NumberUnreadable(AppError):
    """A service answered a number that is no plain decimal."""

    kind = Kind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class Amount:
    """Money of one currency, as the API said it."""

    currency: str
    number: str

    @property
    def shown(self) -> str:
        return f"{self.currency} {grouped(self.number)}"


def grouped(number: str) -> str:
    """Return "-1,234,567.50" for "-1234567.50". Raises NumberUnreadable for what is no plain decimal number."""
    sign, whole, fraction = _parts(number)
    groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)]
    return f"{sign}{GROUP.join(reversed(groups))}{fraction}"


def size_of(number: str) -> Decimal:
    """What is drawn and compared. Raises NumberUnreadable."""
    return Decimal("".join(_parts(number)))


def _parts(number: str) -> tuple[str, str, str]:
    found = _NUMBER.fullmatch(number)
    if found is None:
        raise NumberUnreadable(
            f"{number[:40]!r} is no plain decimal number; the service that said it is at fault"
        )
    return found[1], found[2], found[3]
