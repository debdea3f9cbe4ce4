"""Terms as others see them: the document, its hash, and the schema of all documents."""

from typing import Any

from shared.pricing.language.plan import Plan
from shared.pricing.language.terms import Terms


def terms_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a terms document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Terms.model_json_schema(by_alias=True),
    }


def to_document(terms: Terms | Plan) -> dict[str, Any]:
    """Return the document as JSON values, decimals as strings; parsing it yields the same terms."""
    return terms.model_dump(mode="json", by_alias=True, exclude_none=True)


def content_hash(terms: Terms) -> str:
    """Return a hash of what the terms say; "500" and "500.00", or a default written out, are the same."""
    return terms.hash
