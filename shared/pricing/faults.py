"""Faults in terms: where, what, and how to mend it; all of them at once."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, PydanticCustomError

from shared.errors import AppError
from shared.pricing.not_priced import NAMED_MEMBERS, NAMED_VALUES, is_not_priced, written_elsewhere
from shared.pricing.unions import tags_of
from shared.values.fault_words import said

Path = tuple[str | int, ...]


class TermsInvalid(AppError):
    """The terms are refused; `errors` names every fault with its path."""


class ClauseNotPricedYet(TermsInvalid):
    """The terms hold a clause that is not priced yet; it is refused rather than ignored."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document, at a path within it."""

    at: Path
    code: str
    detail: str

    def as_error(self, place: Callable[[Path], str]) -> dict[str, str]:
        return {"path": place(self.at), "code": self.code, "detail": self.detail}


def refuse(faults: Sequence[Fault]) -> None:
    """From inside a validator: report these faults, each at its own path below the value. Does nothing
    without faults."""
    if faults:
        raise PydanticCustomError("faults", "{count} faults", {"count": len(faults), "faults": list(faults)})


def faults_of(error: ValidationError, document: Mapping[str, Any], language: type[BaseModel]) -> list[Fault]:
    """Return the faults of a failed validation by `language`, with paths as a reader of the document would
    write them."""
    tags = tags_of(language)
    return [fault for detail in error.errors(include_url=False) for fault in _faults(detail, document, tags)]


def raise_for(faults: Sequence[Fault], place: Callable[[Path], str]) -> NoReturn:
    """Raise ClauseNotPricedYet when that is all that is wrong, else TermsInvalid."""
    errors = [fault.as_error(place) for fault in faults]
    kind = (
        ClauseNotPricedYet if all(fault.code == "clause_not_priced_yet" for fault in faults) else TermsInvalid
    )
    raise kind("; ".join(f"{error['path']}: {error['detail']}" for error in errors[:5]), errors=errors)


def written(path: Path) -> str:
    """Return a path as people write it: lines[2].price.tiers[1].up_to."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def _faults(detail: ErrorDetails, document: Mapping[str, Any], tags: frozenset[str]) -> list[Fault]:
    at, context = _without_tags(detail["loc"], document, tags), detail.get("ctx", {})
    if detail["type"] == "faults":
        return [Fault(at + fault.at, fault.code, fault.detail) for fault in context["faults"]]
    if detail["type"] == "too_short" and len(detail["input"]) >= context["min_length"]:
        # Its items are at fault, and told by themselves.
        return []
    if detail["type"] == "too_short":
        return [
            Fault(at, "too_short", f"At least {context['min_length']} is needed here; add what is missing.")
        ]
    if detail["type"] == "too_long":
        return [_too_many(at, context["max_length"])]
    if detail["type"] == "extra_forbidden":
        return [_unexpected_key(at)]
    if detail["type"] in ("union_tag_invalid", "literal_error"):
        return [_unexpected_value(detail, at, tags)]
    if detail["type"] == "union_tag_not_found":
        at = (*at, _discriminator(context))
    return [Fault(at, detail["type"], said(detail["type"], detail["msg"]))]


def _too_many(at: Path, most: int) -> Fault:
    said = f"At most {most} are taken here; leave out what is over, join some into one, or put them in another contract."
    return Fault(at, "too_long", said)


def _unexpected_key(at: Path) -> Fault:
    where = written_elsewhere(at)
    if where is not None:
        return Fault(at, "written_elsewhere", f"{at[-1]} is written {where}; move it there.")
    if is_not_priced(at):
        return Fault(
            at,
            "clause_not_priced_yet",
            f"The clause {at[-1]} is not priced yet; remove it or keep this contract where it is.",
        )
    return Fault(at, "unknown_key", f"{at[-1]} is not a key of the terms language; check its spelling.")


def _unexpected_value(detail: ErrorDetails, at: Path, offered: frozenset[str]) -> Fault:
    context = detail.get("ctx", {})
    if detail["type"] == "union_tag_invalid":
        value, key = str(context["tag"]), _discriminator(context)
        at = (*at, value if key.endswith("()") else key)
        not_priced, expected = value in NAMED_MEMBERS - offered, context["expected_tags"]
    else:
        value, expected = str(detail["input"]), context["expected"]
        not_priced = (at[-1], value) in NAMED_VALUES
    if not_priced:
        return Fault(at, "clause_not_priced_yet", f"{at[-1]}: {value} is not priced yet; use {expected}.")
    return Fault(at, "unknown_value", f"{value[:60]!r} is not offered here; use {expected}.")


def _discriminator(context: Mapping[str, Any]) -> str:
    """Return the key that a union's members are told apart by, or, where a function does it, its name and
    `()`."""
    return str(context["discriminator"]).strip("'")


def _without_tags(location: Path, document: Mapping[str, Any], tags: frozenset[str]) -> Path:
    """Drop the names of union members that Pydantic puts into a location: they are not keys of the
    document."""
    here: Any = document
    kept: list[str | int] = []
    for part in location:
        if isinstance(part, str) and part in tags and not (isinstance(here, Mapping) and part in here):
            continue
        here = _descend(here, part)
        kept.append(part)
    return tuple(kept)


def _descend(here: object, part: str | int) -> object:
    if isinstance(here, Mapping):
        return here.get(part)
    if isinstance(here, list | tuple) and isinstance(part, int) and part < len(here):
        return here[part]
    return None
