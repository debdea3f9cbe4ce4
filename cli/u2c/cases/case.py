"""A case as its file has it, and why one may have no answer."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from shared.environment_fault import EnvironmentFault

SHIPPED: Final = Path(__file__).parent / "data"
Terms = Mapping[str, Any]
Answer = dict[str, Any]
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Case:
    """Terms and usage in neutral words; `expect` is compared key by key. `group` is the name of its file."""

    group: str
    id: str
    title: str
    model: str
    terms: Terms
    usage: Terms
    expect: Terms


Answers = Mapping[str, Callable[[Case], Answer]]
"""Model → how it is answered."""


class Unanswered(Exception):
    """A case has no answer, for a reason that its model and terms give."""


class Later(Unanswered):
    """The product knows the rule and does not offer it yet."""


class NotOffered(Unanswered):
    """A convention that the product deliberately does not have (docs/conventions.md)."""


class Unknown(Unanswered):
    """A model, term or value that nobody here knows."""


def cases_in(folder: Path) -> list[Case]:
    """Return the cases of a folder, file after file. Raises EnvironmentFault where there are none to read."""
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise EnvironmentFault(
            f"There are no cases in {folder}.", "Name a folder with one JSON file a group: U2C_CASES=DIR"
        )
    return [case for path in paths for case in cases_of(path)]


def cases_of(path: Path) -> Iterable[Case]:
    """Yield the cases of a file, whose name is that of their group. Raises EnvironmentFault where it holds none."""
    keys = ("id", "title", "model", "terms", "usage", "expect")
    try:
        for written in json.loads(path.read_text()):
            yield Case(path.stem, *[written[key] for key in keys])
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise EnvironmentFault(
            f"{path} cannot be read as cases: {fault!r}", "It is a list of objects with " + ", ".join(keys)
        ) from fault


def known(terms: Terms, *names: str) -> None:
    """Raise Unknown for a term that is none of these: a term is never left out."""
    if unknown := sorted(terms.keys() - set(names)):
        raise Unknown(f"no term is called {', '.join(unknown)}")


def one_of(terms: Terms, name: str, values: Mapping[Any, V], default: V | None = None) -> V:
    """Return what a term's value means. Raises Unknown for another value."""
    if name not in terms and default is not None:
        return default
    value = terms.get(name)
    if value not in values:
        raise Unknown(f"{name}: {value!r} is none of {', '.join(map(str, values))}")
    return values[value]
