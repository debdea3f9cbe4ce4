"""From a document to terms: the plan's lines merged, and every fault with its path."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.pricing.faults import Fault, Path, faults_of, raise_for, written
from shared.pricing.language.plan import Plan
from shared.pricing.language.terms import Terms
from shared.pricing.unions import keyed_sections


def parse_terms(document: Mapping[str, Any], *, plan: Mapping[str, Any] | None = None) -> Terms:
    """Return validated terms. The plan's lines come first; a line of the contract replaces the plan's of the
    same key.

    Raises TermsInvalid with every fault and its path, or ClauseNotPricedYet when only clauses not priced yet
    are at fault.
    """
    _refuse_all_but_a_mapping(document)
    merged, origins = _merge(document, plan)

    def place(path: Path) -> str:
        if path[:1] == ("lines",) and len(path) > 1 and isinstance(path[1], int):
            return written((origins[path[1]], *path[2:]))
        return written(path)

    repeated = _repeated_keys(document, Terms)
    try:
        terms = Terms.model_validate(merged)
    except ValidationError as error:
        raise_for([*faults_of(error, merged, Terms), *repeated], place)
    if repeated:
        raise_for(repeated, written)
    return terms


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """Return a validated plan; errors as parse_terms."""
    _refuse_all_but_a_mapping(document)
    repeated = _repeated_keys(document, Plan)
    try:
        plan = Plan.model_validate(document)
    except ValidationError as error:
        raise_for([*faults_of(error, document, Plan), *repeated], written)
    if repeated:
        raise_for(repeated, written)
    return plan


def _refuse_all_but_a_mapping(document: object) -> None:
    if not isinstance(document, Mapping):
        raise_for(
            [
                Fault(
                    (),
                    "not_a_document",
                    "Terms are one object with keys such as contract, customer and lines.",
                )
            ],
            written,
        )


def _merge(document: Mapping[str, Any], plan: Mapping[str, Any] | None) -> tuple[dict[str, Any], list[str]]:
    """Return the document with the plan's lines under its own, and where each merged line was written."""
    own = document.get("lines", [])
    if plan is None or not isinstance(own, Sequence):
        return dict(document), [
            f"lines[{index}]" for index in range(len(own) if isinstance(own, Sequence) else 0)
        ]
    merged: dict[Any, tuple[Any, str]] = {}
    for index, line in enumerate(plan.get("lines", [])):
        merged[_key_of(line, ("plan", index))] = (line, f"plan.lines[{index}]")
    for index, line in enumerate(own):
        merged[_key_of(line, ("own", index))] = (line, f"lines[{index}]")
    return {**document, "lines": [line for line, _ in merged.values()]}, [
        origin for _, origin in merged.values()
    ]


def _key_of(line: object, otherwise: tuple[str, int]) -> str | tuple[str, int]:
    key = line.get("key") if isinstance(line, Mapping) else None
    return key if isinstance(key, str) else otherwise


def _repeated_keys(document: Mapping[str, Any], language: type[BaseModel]) -> list[Fault]:
    """Faults of keys used twice, told beside any other fault."""
    return [
        fault
        for section in keyed_sections(language)
        for fault in _repeats(_written_at(section, document), section)
    ]


def _written_at(section: Sequence[str], document: Mapping[str, Any]) -> object:
    here: Any = document
    for name in section:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _repeats(items: object, section: Path) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        key = item.get("key") if isinstance(item, Mapping) else None
        if isinstance(key, str) and key in seen:
            faults.append(
                Fault(
                    (*section, index, "key"), "duplicate_key", f"{key} is used twice; a key names one clause."
                )
            )
        elif isinstance(key, str):
            seen.add(key)
    return faults
