"""The clause a line came from, as the contract's version says it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.topics.rating import ContractVersion
from shared.values.ids import clause_id


@dataclass(frozen=True, slots=True)
class ClauseText:
    """A clause in one version of a contract. `terms` is the text as validated."""

    clause: str
    section: str
    key: str
    version: int
    effective_us: int
    recorded_us: int
    terms: Mapping[str, Any]


def clause_of(
    contract: str, versions: Sequence[ContractVersion], clause: str, version: int
) -> ClauseText | None:
    """Return the clause with this id in this version of the contract, or None when the version or the clause
    is not in it."""
    found = next((each for each in versions if each.version == version), None)
    if found is None:
        return None
    for section, key, terms in _clauses(found.terms):
        if clause_id(contract, section, key) == clause:
            return ClauseText(clause, section, key, version, found.effective_us, found.recorded_us, terms)
    return None


def _clauses(terms: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield section, key and text of each clause; a phase is named by the day it begins, the cap by what it caps."""
    for section, entries in terms.items():
        if section == "cap" and isinstance(entries, dict):
            yield from ((section, name, entries) for name in entries)
        for entry in entries if isinstance(entries, list) else ():
            if isinstance(entry, dict) and (key := entry.get("key", entry.get("from"))) is not None:
                yield section, str(key), entry
