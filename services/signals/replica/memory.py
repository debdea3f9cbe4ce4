"""Contracts as heard, with their terms parsed once."""

from collections.abc import Sequence

from shared.errors import AppError, Kind
from shared.pricing.faults import TermsInvalid
from shared.pricing.inputs import VersionInForce
from shared.pricing.parsed import ParsedVersions, VersionName
from shared.runtime.clock import from_us
from shared.topics.rating import ContractVersion

_versions = ParsedVersions()


class ContractUnreadable(AppError):
    """Rating tells terms that signals does not understand."""

    kind = Kind.UNAVAILABLE


def chain_of(contract: str, versions: Sequence[ContractVersion]) -> tuple[VersionInForce, ...]:
    """Return these versions of a contract with their terms. Raises ContractUnreadable."""
    return tuple(_parsed(contract, said) for said in versions)


def _parsed(contract: str, said: ContractVersion) -> VersionInForce:
    name = VersionName(contract, said.version, said.content_hash, from_us(said.effective_us))
    try:
        return _versions.parse(name, said.terms)
    except TermsInvalid as fault:
        raise ContractUnreadable(
            f"version {said.version} of {contract} says what this signals does not understand: {fault.detail}; "
            f"run signals in the version that rating has"
        ) from fault
