"""Terms parsed once: a version never changes, so its parsed form is kept, and its text is not even read
again."""

from collections.abc import Iterable, Sequence

from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import VersionName, VersionRow
from shared.pricing import parsed
from shared.pricing.inputs import VersionInForce

Chain = tuple[VersionInForce, ...]
_versions = parsed.ParsedVersions()


def chain_of(rows: Iterable[VersionRow]) -> Chain:
    """Return the versions of the rows, in their order."""
    return tuple(_versions.parse(_name(row), row.terms) for row in rows)


async def load_chains(contracts: ContractRepository, names: Sequence[str]) -> dict[str, Chain]:
    """Contract → its chain, oldest version first. Reads the terms of those versions alone that this process
    has not met."""
    if not names:
        return {}
    rows = await contracts.version_names(names)
    met = [_versions.known(_name(row)) for row in rows]
    unmet = [row for row, version in zip(rows, met, strict=True) if version is None]
    terms = (
        await contracts.terms([row.contract for row in unmet], [row.version for row in unmet])
        if unmet
        else {}
    )
    chains: dict[str, list[VersionInForce]] = {}
    for row, version in zip(rows, met, strict=True):
        chains.setdefault(row.contract, []).append(
            version or _versions.parse(_name(row), terms[row.contract, row.version])
        )
    return {contract: tuple(chain) for contract, chain in chains.items()}


def _name(row: VersionName) -> parsed.VersionName:
    return parsed.VersionName(row.contract, row.version, row.content_hash, row.effective_at)
