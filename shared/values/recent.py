"""What was asked for of late, as much as may be remembered."""

from collections.abc import Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Values by key, at most `kept_max`; beyond, the half that was asked for least of late is left out."""

    __slots__ = ("_before", "_kept_max", "_recent")

    def __init__(self, kept_max: int) -> None:
        self._kept_max = kept_max
        self._recent: dict[K, V] = {}
        self._before: dict[K, V] = {}

    def among(self, keys: Iterable[K]) -> dict[K, V]:
        """Key → value, of those that are known."""
        recent, before = self._recent, self._before
        found: dict[K, V] = {}
        for key in keys:
            value = recent.get(key)
            if value is None:
                value = before.get(key)
            if value is not None:
                found[key] = recent[key] = value
        return found

    def remember(self, values: Mapping[K, V]) -> None:
        self._recent.update(values)
        if len(self._recent) > self._kept_max // 2:
            self._recent, self._before = {}, self._recent
