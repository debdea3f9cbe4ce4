"""Terms parsed once: a version never changes, so its parsed form is kept, and its text is not even read
again."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import VersionName, VersionRow
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import parse_terms

KEPT_MAX = 20_000
Chain = tuple[VersionInForce, ...]
_kept: OrderedDict[tuple[str, int, str, datetime], VersionInForce] = OrderedDict()


def chain_of(rows: Iterable[VersionRow]) -> Chain:
    """Return the versions of the rows, in their order."""
    return tuple(_kept_version(row) or _keep(row, row.terms) for row in rows)


async def load_chains(contracts: ContractRepository, names: Sequence[str]) -> dict[str, Chain]:
    """Contract → its chain, oldest version first. Reads the terms of those versions alone that this process
    has not met."""
    rows = await contracts.version_names(names)
    met = [_kept_version(row) for row in rows]
    unmet = [row for row, version in zip(rows, met, strict=True) if version is None]
    terms = (
        await contracts.terms([row.contract for row in unmet], [row.version for row in unmet])
        if unmet
        else {}
    )
    chains: dict[str, list[VersionInForce]] = {}
    for row, version in zip(rows, met, strict=True):
        chains.setdefault(row.contract, []).append(version or _keep(row, terms[row.contract, row.version]))
    return {contract: tuple(chain) for contract, chain in chains.items()}


def _kept_version(row: VersionName) -> VersionInForce | None:
    name = _name(row)
    found = _kept.get(name)
    if found is not None:
        _kept.move_to_end(name)
    return found


def _keep(row: VersionName, terms: Mapping[str, Any]) -> VersionInForce:
    version = VersionInForce(row.version, row.effective_at, parse_terms(terms), row.content_hash)
    _kept[_name(row)] = version
    if len(_kept) > KEPT_MAX:
        _kept.popitem(last=False)
    return version


def _name(row: VersionName) -> tuple[str, int, str, datetime]:
    """A number alone would not do: a version that is rolled back leaves its number to another."""
    return row.contract, row.version, row.content_hash, row.effective_at
