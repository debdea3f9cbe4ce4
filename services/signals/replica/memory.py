"""Contracts as heard, with their terms parsed once."""

from collections.abc import Sequence

from shared.pricing.inputs import VersionInForce
from shared.pricing.parsed import ParsedVersions, VersionName
from shared.runtime.clock import from_us
from shared.topics.rating import ContractVersion

_versions = ParsedVersions()


def chain_of(contract: str, versions: Sequence[ContractVersion]) -> tuple[VersionInForce, ...]:
    """Return these versions of a contract with their terms. Raises TermsInvalid where rating speaks a newer
    language of terms than this program."""
    return tuple(
        _versions.parse(
            VersionName(contract, said.version, said.content_hash, from_us(said.effective_us)), said.terms
        )
        for said in versions
    )
