"""Find one contract, list them."""

from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import ContractFilter, ContractRow, VersionRow
from shared.db.listing import Window
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind


class ContractNotFound(AppError):
    """There is no such contract."""

    kind = Kind.NOT_FOUND


async def find_contract(uow: UnitOfWork, name: str) -> tuple[ContractRow, list[VersionRow]]:
    """Return the contract's row and those of its versions, or raise ContractNotFound."""
    contracts = ContractRepository(uow.connection)
    found, versions = await contracts.contract(name), await contracts.versions(name)
    if found is None:
        raise ContractNotFound(f"there is no contract {name[:100]!r}")
    return found, versions


async def list_contracts(
    uow: UnitOfWork, wanted: ContractFilter, window: Window
) -> tuple[list[ContractRow], dict[str, list[VersionRow]]]:
    """Return contracts in the order that is asked for, and contract → the rows of its versions."""
    contracts = ContractRepository(uow.connection)
    rows = await contracts.contracts(wanted, window)
    return rows, await contracts.chains([row.contract for row in rows])


async def count_contracts(uow: UnitOfWork, wanted: ContractFilter) -> int:
    """Return how many there are, or one more than are counted."""
    return await ContractRepository(uow.connection).count(wanted)


async def newest_versions(
    uow: UnitOfWork, contract: str, *, created: bool
) -> tuple[VersionRow | None, VersionRow]:
    """The newest version and what was it before a document was applied that `created` one, or made no other."""
    newest, *older = await ContractRepository(uow.connection).newest_versions(contract, 2)
    if not created:
        return newest, newest
    return older[0] if older else None, newest
