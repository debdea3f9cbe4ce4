"""Contracts and statements for the tests of signals, as they are heard."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec

from services.signals.domain.customer_day import Contract
from services.signals.domain.statement import Statement
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms, content_hash, parse_terms, to_document
from shared.runtime.clock import to_us
from shared.topics.rating import ContractVersion
from tests.shared.pricing.contracts import document, usage_line

NAME = "acme-2024"
ACTIVATION = {
    "deadline_days": 60,
    "milestones": [{"key": "first", "meter": "calls", "at_least": "10", "weight": "1"}],
}


def calls_line(key: str = "calls", **over: Any) -> dict[str, Any]:
    """A usage line of the meter `calls`."""
    return usage_line(**{"key": key, **over})


def written(**over: Any) -> dict[str, Any]:
    """Terms of 2024, renewed each year with two months' notice."""
    agreed = {
        "contract": NAME,
        "term": {"start": "2024-01-01", "months": 12},
        "renewal": {"auto": True, "notice_days": 60},
        "lines": [calls_line()],
        "activation": ACTIVATION,
    }
    return document(**{**agreed, **over})


def version_of(terms: Terms, number: int = 1) -> VersionInForce:
    return VersionInForce(number, terms.effective_at, terms, content_hash(terms))


def contract(*statements: Statement, **over: Any) -> Contract:
    """A contract of one version."""
    return Contract(NAME, [version_of(parse_terms(written(**over)))], statements)


def told_version(document: dict[str, Any], effective_us: int, recorded_us: int) -> ContractVersion:
    """A first version as rating tells it."""
    terms = parse_terms(document)
    return ContractVersion(1, effective_us, recorded_us, content_hash(terms), to_document(terms))


def statement(
    first: date, end: date, consumption: dict[str, str], lines: list[dict[str, Any]] | None = None
) -> Statement:
    """A statement of [first, end) in UTC, as it is stored."""
    start_us, end_us = (to_us(datetime.combine(day, time(), UTC)) for day in (first, end))
    stored = {
        "currency": "USD",
        "period_start_us": start_us,
        "period_end_us": end_us,
        "period_start_date": first.isoformat(),
        "period_end_date": (end - timedelta(days=1)).isoformat(),
        "consumption": consumption,
        "lines": lines or [],
    }
    return msgspec.convert(stored, Statement)
