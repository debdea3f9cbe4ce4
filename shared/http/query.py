"""The query parameters of a route are the ones it declares: a misspelt filter must not answer as if nothing
had been filtered."""

from collections.abc import Iterator
from difflib import get_close_matches

from fastapi import Request
from fastapi.dependencies.models import Dependant

from shared.errors import AppError
from shared.http.limits import NAME_CHARS_MAX, NAMED_MAX


class QueryParameterUnknown(AppError):
    """This address takes no query parameter of that name."""


def refuse_unknown_parameters(request: Request) -> None:
    """Raise QueryParameterUnknown when the request's query names what its route does not declare; the error
    lists what it takes."""
    if not request.scope["query_string"]:
        return
    known = sorted(set(_declared(request.scope["route"].dependant)))
    unknown = [name[:NAME_CHARS_MAX] for name in request.query_params if name not in known][:NAMED_MAX]
    if unknown:
        taken = f"it takes {', '.join(known)}" if known else "it takes none"
        raise QueryParameterUnknown(
            f"no query parameter {', '.join(map(repr, unknown))}; {taken}",
            errors=[
                {"pointer": f"/query/{name}", "code": "unknown", "detail": _meant(name, known) or taken}
                for name in unknown
            ],
        )


def _declared(dependant: Dependant) -> Iterator[str]:
    """The names a route and everything it depends on read from the query, as callers write them."""
    for parameter in dependant.query_params:
        yield parameter.alias
    for below in dependant.dependencies:
        yield from _declared(below)


def _meant(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else ""
