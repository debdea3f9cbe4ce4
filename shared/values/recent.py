"""What was asked for of late, as much as may be remembered."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")
#: What a key and its value count.
Weigh = Callable[[Any, Any], int]
_MISSING: Final[Any] = object()


class Budget:
    """How much may be remembered, of one kind or of several together; beyond, the half that was asked for least of
    late is left out, of whatever kind."""

    __slots__ = ("_half", "_kinds", "_weight")

    def __init__(self, kept_max: int) -> None:
        self._half = kept_max // 2
        self._kinds: list[Recent[Any, Any]] = []
        self._weight = 0  # of what is recent

    def join(self, kind: "Recent[Any, Any]") -> None:
        self._kinds.append(kind)

    def has_room(self, weight: int) -> bool:
        return self._weight + weight <= self._half

    def grew(self, weight: int) -> None:
        """Reckon with so much more."""
        self._weight += weight
        if self._weight > self._half:
            self._weight = 0
            for kind in self._kinds:
                kind.turn()


class Recent(Generic[K, V]):
    """Values by key, as many as their budget has room for. `weigh` says what a key and its value count; a number:
    all the same."""

    __slots__ = ("_before", "_budget", "_recent", "_weigh")

    def __init__(self, budget: Budget | int, weigh: Weigh | int = 1) -> None:
        self._budget = budget if isinstance(budget, Budget) else Budget(budget)
        self._weigh = weigh
        self._recent: dict[K, V] = {}
        self._before: dict[K, V] = {}
        self._budget.join(self)

    def among(self, keys: Iterable[K]) -> dict[K, V]:
        """Key → value, of those that are known."""
        recent, before = self._recent, self._before
        found: dict[K, V] = {}
        again: dict[K, V] = {}
        for key in keys:
            value = recent.get(key, _MISSING)
            if value is _MISSING:
                value = before.get(key, _MISSING)
                if value is _MISSING:
                    continue
                again[key] = value
            found[key] = value
        if again:
            self.remember(again)
        return found

    def remember(self, values: Mapping[K, V]) -> None:
        """Keep these, in place of what was kept of the same keys."""
        weigh, budget = self._weigh, self._budget
        if isinstance(weigh, int) and budget.has_room(weigh * len(values)):
            count = len(self._recent)
            self._recent.update(values)
            budget.grew(weigh * (len(self._recent) - count))
            return
        for key, value in values.items():
            kept = self._recent.get(key, _MISSING)
            self._recent[key] = value
            budget.grew(self._weight(key, value) - (0 if kept is _MISSING else self._weight(key, kept)))

    def grew(self, weight: int) -> None:
        """Reckon with so much more: a value that is kept has changed."""
        self._budget.grew(weight)

    def turn(self) -> None:
        """Leave out what was not asked for since the last turn."""
        self._recent, self._before = {}, self._recent

    def _weight(self, key: K, value: V) -> int:
        return self._weigh if isinstance(self._weigh, int) else self._weigh(key, value)
