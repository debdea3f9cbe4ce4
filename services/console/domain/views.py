"""Filters of a list, saved under a name: what is kept of an address, where that leads, and the form that saves it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from services.console.domain.addresses import with_query
from services.console.domain.parts import Field, Form, Option, hidden
from shared.values.names import Rule

NAME: Final = Rule("name", 60, 240)
QUERY_CHARACTERS_MAX: Final = 2_000
FIELDS_MAX: Final = 50
#: What an address says of a page of the list, of what has just been done, and of who reads: it narrows nothing.
NOT_KEPT: Final = frozenset({"cursor", "done", "decided", "moved", "to", "zone"})
SHARED: Final = "all"
FOR_WHOM: Final = (Option("me", "me alone"), Option(SHARED, "all who may open this page"))


@dataclass(frozen=True, slots=True)
class View:
    """`page` is the list's path, `query` what it is narrowed and sorted by; `owner` saved it."""

    id: str
    page: str
    query: str
    name: str
    owner: str
    is_shared: bool

    def at(self, more: Mapping[str, str]) -> str:
        """Its address, with more that is asked there."""
        return with_query(self.page, {**dict(parse_qsl(self.query)), **more})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A view as somebody asks for it: `query` as the list's address has it, the rest as it was typed."""

    page: str
    query: str
    name: str = ""
    is_shared: bool = False


def filters_in(query: str) -> str:
    """What a view keeps of an address's query: the same for the same filters, in whatever order; "" where nothing is
    narrowed. Raises ValueError for one of too many fields."""
    pairs = parse_qsl(query, max_num_fields=FIELDS_MAX)
    return urlencode(sorted((name, value) for name, value in pairs if name not in NOT_KEPT))


def save_form(csrf: str, once: str, wanted: Wanted, fault: str = "") -> Form:
    fields = (
        Field(
            "name",
            "Name",
            wanted.name,
            hint="A view of yours with the same name is replaced.",
            is_required=True,
            letters_max=str(NAME.characters_max),
        ),
        Field("for", "For", SHARED if wanted.is_shared else "me", "choice", FOR_WHOM),
        *hidden({"page": wanted.page, "query": wanted.query}),
    )
    return Form("save-view", "/views", "Save this view", csrf, once, fields, fault=fault)
