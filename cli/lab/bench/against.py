"""Two commits in turns, on one machine and one day: what differs between the medians is the code."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from lab.bench.checkout import Checkout, own, worktree
from lab.bench.rounds import medians
from u2c.printing import folding

PAIRS = 3
Measure = Callable[[Checkout], Awaitable[dict[str, float]]]  # a checkout → its figures by name


@dataclass(frozen=True)
class Comparison:
    """Figures of both, run by run. `difference_percent` is by how much this checkout's median is above the
    other's."""

    against: str
    this: Sequence[dict[str, float]]
    other: Sequence[dict[str, float]]

    def difference_percent(self) -> dict[str, float | None]:
        this, other = medians(self.this), medians(self.other)
        return {
            name: round((this[name] / other[name] - 1) * 100, 2) if other[name] else None
            for name in this
            if name in other
        }

    def shown(self) -> dict[str, Any]:
        return {
            "against": self.against,
            "pairs": len(self.this),
            "this": {"runs": list(self.this), "median": medians(self.this)},
            "other": {"runs": list(self.other), "median": medians(self.other)},
            "difference_percent": self.difference_percent(),
        }


async def compare(revision: str, pairs: int, measure: Measure, say: Callable[[str], None]) -> Comparison:
    """Measure this checkout and the other, one after the other, so many times. Which of the two is first
    changes from pair to pair."""
    this: list[dict[str, float]] = []
    other: list[dict[str, float]] = []
    say(f"making a worktree of {revision} …")
    with worktree(revision) as checkout:
        for number in range(pairs):
            turn = [(own(), this), (checkout, other)]
            for one, runs in turn if number % 2 == 0 else reversed(turn):
                say(f"pair {number + 1} of {pairs}: {one.name} …")
                runs.append(await measure(one))
        return Comparison(checkout.name, this, other)


def show(comparison: Comparison, words: Console) -> None:
    this, other, difference = (
        medians(comparison.this),
        medians(comparison.other),
        comparison.difference_percent(),
    )
    table = folding(
        "figure",
        "this checkout",
        comparison.against,
        "difference",
        "this, run by run",
        f"{comparison.against}, run by run",
        title=f"medians of {len(comparison.this)} pairs in turns",
    )
    for name in difference:
        by = difference[name]
        table.add_row(
            name,
            f"{this[name]:,}",
            f"{other[name]:,}",
            "–" if by is None else f"{by:+.2f} %",
            *(" ".join(f"{run[name]:,.2f}" for run in runs) for runs in (comparison.this, comparison.other)),
        )
    words.print(table)
