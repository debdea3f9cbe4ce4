"""What the API shows of contracts."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field, RootModel

from services.rating.answers import ClauseHash, LineKind
from services.rating.contracts.domain.chain import in_force
from services.rating.contracts.memory import chain_of
from services.rating.contracts.rows import ContractRow, VersionRow
from services.rating.contracts.usecases.apply import Applied
from shared.http.answers import Answer, Instant, StoredAs
from shared.http.examples import example
from shared.http.shown_names import (
    ContractName,
    CurrencyCode,
    CustomerId,
    CustomerName,
    LegalEntity,
    LineKey,
    ZoneName,
)
from shared.pricing.language import Terms, content_hash, to_document
from shared.pricing.language.cap import CAP_CLAUSE
from shared.pricing.lines import CAP, TOP_UP
from shared.values.ids import clause_id
from shared.values.made_from import made_from

EXAMPLE = example(Path(__file__).parents[1], "contract")
TermsDocument = Annotated[dict[str, Any], StoredAs(Terms), Field(examples=[EXAMPLE])]
Version = Annotated[int, Field(ge=1)]
Section = Literal["lines", "phases", "cap", "discounts", "escalators", "commitments", "credits"]


class ClauseAnswer(Answer):
    """A clause that charges, or changes what is charged: its lasting id, and the hash of what it says in this
    version."""

    clause: Annotated[str, Field(examples=[clause_id("acme-2026", "lines", "api")])]
    section: Section
    key: LineKey
    """Of a line or a discount; the first day of a phase; the place of an escalator, from 0"""
    kind: LineKind | Literal["discount", "escalator"]
    hash: ClauseHash


class ContractVersionAnswer(Answer):
    """The version of its contract that a document is now, or would be."""

    object: Literal["contract_version"] = "contract_version"
    contract: ContractName
    customer: CustomerName
    """Its external id"""
    version: Version
    created: bool
    """False where the newest version says the same already, and for a dry run"""
    dry_run: bool
    effective_at: Instant
    content_hash: ClauseHash
    clauses: list[ClauseAnswer]
    terms: TermsDocument
    """The whole terms, the plan's lines merged, without what is absent; decimals are texts"""

    @classmethod
    def of(cls, result: Applied, *, dry_run: bool) -> Self:
        terms = result.terms
        return cls(
            contract=result.contract,
            customer=terms.customer,
            version=result.version,
            created=result.created and not dry_run,
            dry_run=dry_run,
            effective_at=terms.effective_at,
            content_hash=content_hash(terms),
            clauses=clauses_of(terms),
            terms=to_document(terms),
        )


class ContractAnswer(Answer):
    """A contract by the terms in force now: before the first version takes effect, by those of the first."""

    object: Literal["contract"] = "contract"
    contract: ContractName
    customer_id: CustomerId
    customer: CustomerName
    """Its external id"""
    legal_entity: LegalEntity
    currency: CurrencyCode
    timezone: ZoneName
    revision: int
    created_at: Instant
    version: Version
    """The one in force"""
    versions_count: Annotated[int, Field(ge=1)]
    next_period_at: Instant | None
    """When its next period begins; null once the term has ended"""

    @classmethod
    def of(cls, row: ContractRow, versions: Sequence[VersionRow], now: datetime) -> Self:
        return cls(**_described(row, versions, now))


class VersionAnswer(Answer):
    """One version of a contract."""

    version: Version
    effective_at: Instant
    recorded_at: Instant
    """Of the business clock"""
    stamped_at: Instant
    """Of the machine's"""
    content_hash: ClauseHash
    corrects_final: bool
    """It reached into final periods, and whoever applied it said that it corrects them"""
    clauses: list[ClauseAnswer]
    terms: TermsDocument

    @classmethod
    def of(cls, row: VersionRow) -> Self:
        return made_from(cls, row, clauses=clauses_of(chain_of([row])[0].terms))


class WholeContractAnswer(ContractAnswer):
    """A contract with its whole chain."""

    versions: list[VersionAnswer]
    """Oldest first"""

    @classmethod
    def of(cls, row: ContractRow, versions: Sequence[VersionRow], now: datetime) -> Self:
        return cls(
            **_described(row, versions, now), versions=[VersionAnswer.of(version) for version in versions]
        )


class TermsSchemaAnswer(RootModel[dict[str, Any]]):
    """The JSON Schema of a terms document (draft 2020-12)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "$schema": "https://json-schema.org/draft/2020-12/schema",
                    "required": ["contract", "customer", "currency", "timezone", "term"],
                }
            ]
        }
    )


def clauses_of(terms: Terms) -> list[ClauseAnswer]:
    """The clauses of a version that charge, or change what is charged."""
    lines = [_clause(terms.contract, "lines", line.key, line.kind, line.hash) for line in terms.lines]
    phases = [
        _clause(
            terms.contract,
            "phases",
            phase.from_.isoformat(),
            CAP if phase.minimum_spend is None else TOP_UP,
            phase.hash,
        )
        for phase in terms.phases
    ]
    caps = [] if terms.cap is None else [_clause(terms.contract, *CAP_CLAUSE, CAP, terms.cap.hash)]
    discounts = [
        _clause(terms.contract, "discounts", one.key, "discount", one.hash) for one in terms.discounts
    ]
    promises = [
        _clause(terms.contract, "commitments", one.key, "commitment", one.hash) for one in terms.commitments
    ]
    credits = [_clause(terms.contract, "credits", one.key, one.kind, one.hash) for one in terms.credits]
    escalators = [
        _clause(terms.contract, "escalators", str(place), "escalator", one.hash)
        for place, one in enumerate(terms.escalators)
    ]
    return [*lines, *phases, *caps, *discounts, *escalators, *promises, *credits]


def _clause(
    contract: str,
    section: Section,
    key: str,
    kind: str,
    digest: str,
) -> ClauseAnswer:
    return ClauseAnswer(
        clause=clause_id(contract, section, key), section=section, key=key, kind=kind, hash=digest
    )


def _described(row: ContractRow, versions: Sequence[VersionRow], now: datetime) -> dict[str, Any]:
    chain = chain_of(versions)
    current = in_force(chain, now)
    terms = current.terms
    return {
        "contract": row.contract,
        "customer_id": row.customer_id,
        "customer": row.external_id,
        "legal_entity": terms.legal_entity,
        "currency": terms.currency,
        "timezone": terms.timezone,
        "revision": row.revision,
        "created_at": row.created_at,
        "version": current.version,
        "versions_count": len(chain),
        "next_period_at": row.next_period_at,
    }
