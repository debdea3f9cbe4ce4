"""What services answer, as far as pages show it: an answer that is of another shape is none."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from services.console.upstream.domain.shapes import billing, rating, signals, usage_ingest

#: Verb, service and path as they are asked → its answer. What is not here is shown by no page.
SHAPES: Final[Mapping[str, Any]] = {
    f"{verb} {service}{path}": kind
    for service, of in (
        ("rating", rating.ANSWERS),
        ("billing", billing.ANSWERS),
        ("signals", signals.ANSWERS),
        ("usage_ingest", usage_ingest.ANSWERS),
    )
    for (verb, path), kind in of.items()
}


def misfit(answered: str, document: Mapping[str, Any]) -> str:
    """In what a document differs from what is known of the answer; "" where it does not. `answered`: a key of SHAPES."""
    try:
        msgspec.convert(document, SHAPES.get(answered, dict[str, Any]))
    except msgspec.ValidationError as fault:
        return str(fault)
    return ""
