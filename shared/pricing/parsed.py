"""Versions of contracts, each parsed once."""

from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from shared.pricing.inputs import VersionInForce
from shared.pricing.language import parse_terms

KEPT_MAX = 20_000


class VersionName(NamedTuple):
    """What a version is known by. A number alone would not do: one that is rolled back leaves its number to
    another."""

    contract: str
    version: int
    content_hash: str
    effective_at: datetime


class ParsedVersions:
    """Versions as parsed: one never changes, so it is kept, and the one asked for longest ago makes room."""

    def __init__(self, kept_max: int = KEPT_MAX) -> None:
        self._kept: OrderedDict[VersionName, VersionInForce] = OrderedDict()
        self._kept_max = kept_max

    def known(self, name: VersionName) -> VersionInForce | None:
        found = self._kept.get(name)
        if found is not None:
            self._kept.move_to_end(name)
        return found

    def parse(self, name: VersionName, document: Mapping[str, Any]) -> VersionInForce:
        """Return the version, parsed unless it is known. Raises TermsInvalid for a document this program does
        not understand."""
        return self.known(name) or self._keep(name, document)

    def _keep(self, name: VersionName, document: Mapping[str, Any]) -> VersionInForce:
        version = VersionInForce(name.version, name.effective_at, parse_terms(document), name.content_hash)
        self._kept[name] = version
        if len(self._kept) > self._kept_max:
            self._kept.popitem(last=False)
        return version
