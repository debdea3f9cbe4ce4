"""The terms language: what people write, as YAML or JSON, validated by one schema; a file a section."""

from shared.pricing.language.amendment import check_amendment
from shared.pricing.language.cap import SpendCap
from shared.pricing.language.document import content_hash, terms_json_schema, to_document
from shared.pricing.language.parse import parse_plan, parse_terms
from shared.pricing.language.phases import Phase
from shared.pricing.language.plan import Plan
from shared.pricing.language.terms import LEGAL_ENTITY_UNNAMED, Terms

__all__ = [
    "LEGAL_ENTITY_UNNAMED",
    "Phase",
    "Plan",
    "SpendCap",
    "Terms",
    "check_amendment",
    "content_hash",
    "parse_plan",
    "parse_terms",
    "terms_json_schema",
    "to_document",
]
