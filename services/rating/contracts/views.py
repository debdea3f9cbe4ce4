"""Contracts as the API shows them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.rating.contracts.chain import in_force
from services.rating.contracts.terms_of import Row, chain_of
from services.rating.contracts.usecases import Applied
from shared.ids import clause_id
from shared.pricing.language import Terms, content_hash, to_document


def clauses_of(terms: Terms) -> list[dict[str, Any]]:
    """The clauses of a version that charge: their lasting ids and the hashes of what they say now."""
    lines = [_clause(terms.contract, "lines", line.key, line.kind, line.hash) for line in terms.lines]
    return lines + [_clause(terms.contract, "phases", phase.from_.isoformat(), "minimum", phase.hash) for phase in terms.phases]


def _clause(contract: str, section: str, key: str, kind: str, digest: str) -> dict[str, Any]:
    return {"clause": clause_id(contract, section, key), "section": section, "key": key, "kind": kind, "hash": digest}


def applied(result: Applied, *, dry_run: bool) -> dict[str, Any]:
    """The answer to a POST: which version the document is now (or would be)."""
    return {
        "object": "contract_version", "contract": result.contract, "customer": result.terms.customer, "version": result.version,
        "created": result.created and not dry_run, "dry_run": dry_run, "effective_at": instant(result.terms.effective_at),
        "content_hash": content_hash(result.terms), "clauses": clauses_of(result.terms), "terms": to_document(result.terms),
    }


def listed_contract(row: Row, versions: Sequence[Row], now: datetime) -> dict[str, Any]:
    """One contract in a list: who, what currency, which version is in force."""
    chain = chain_of(versions)
    current = in_force(chain, now)
    terms = current.terms
    return {
        "object": "contract", "contract": row["contract"], "customer_id": row["customer_id"], "customer": row["external_id"],
        "legal_entity": terms.legal_entity, "currency": terms.currency, "timezone": terms.timezone, "revision": row["revision"],
        "created_at": instant(row["created_at"]), "version": current.version, "versions_count": len(chain),
        "next_period_at": instant(row["next_period_at"]) if row["next_period_at"] else None,
    }


def whole_contract(row: Row, versions: Sequence[Row], now: datetime) -> dict[str, Any]:
    """A contract with its whole chain, oldest first."""
    return {**listed_contract(row, versions, now), "versions": [_version(v) for v in versions]}


def _version(row: Row) -> dict[str, Any]:
    terms = chain_of([row])[0].terms
    return {
        "version": row["version"], "effective_at": instant(row["effective_at"]), "recorded_at": instant(row["recorded_at"]),
        "stamped_at": instant(row["stamped_at"]), "content_hash": row["content_hash"], "clauses": clauses_of(terms), "terms": row["terms"],
    }


def instant(moment: datetime) -> str:
    """RFC 3339, UTC, with Z."""
    return moment.isoformat().replace("+00:00", "Z")
