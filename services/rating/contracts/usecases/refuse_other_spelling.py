"""Refuse a legal entity that differs from another in capital letters alone: both would be numbered in one series."""

from services.rating.contracts.repository import ContractRepository
from shared.errors import AppError, Kind
from shared.pricing.language import Terms


class LegalEntitySpelling(AppError):
    """A legal entity is written as it was first: its documents are numbered in capital letters."""

    kind = Kind.CONFLICT


async def refuse_other_spelling(contracts: ContractRepository, terms: Terms, *, dry_run: bool) -> None:
    """Raise LegalEntitySpelling where another contract writes the legal entity of a new contract otherwise; amendments keep
    it."""
    name = terms.legal_entity
    if not dry_run:
        await contracts.name_entity(name)
    written = await contracts.entity_written(name)
    if written not in (None, name):
        detail = (
            f"the legal entity {name} is written {written} by other contracts, and both would share numbers"
        )
        fault = {
            "path": "legal_entity",
            "code": "legal_entity_spelling",
            "detail": f"Write {written}, or give another name.",
        }
        raise LegalEntitySpelling(detail, errors=[fault])
