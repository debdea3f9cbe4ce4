"""What a stage found, round by round: the median of each figure, and how far the rounds lie apart."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from rich.console import Console

from u2c.printing import folding

Round = dict[str, float]  # figure → what it came to
Rounds = Sequence[Round]


def medians(rounds: Rounds) -> Round:
    """The median of each figure that every round has."""
    return _each(rounds, median)


def shown(rounds: Rounds) -> dict[str, Any]:
    """As one object: each round, and of each figure the median, the least and the most."""
    return {
        "rounds": list(rounds),
        "median": medians(rounds),
        "least": _each(rounds, min),
        "most": _each(rounds, max),
    }


def show(rounds: Rounds, title: str, words: Console) -> None:
    """A table for people."""
    table = folding("figure", "median", "least", "most", "round by round", title=title)
    found = shown(rounds)
    for name in found["median"]:
        table.add_row(
            name,
            *(f"{found[kind][name]:,.2f}" for kind in ("median", "least", "most")),
            " ".join(f"{one[name]:,.2f}" for one in rounds),
        )
    words.print(table)


def _each(rounds: Rounds, of: Callable[[list[float]], float]) -> Round:
    return {
        name: round(of([one[name] for one in rounds]), 3)
        for name in rounds[0]
        if all(name in one for one in rounds)
    }
