"""Telling contracts.versions: one version a message, with the length of its chain."""

from collections.abc import Sequence

from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import ContractRow, VersionRow
from shared.db.unit_of_work import UnitOfWork
from shared.runtime.clock import machine_us
from shared.topics.rating import CONTRACTS, ContractVersion, ContractVersionMessage
from shared.values.instants import to_us


async def tell_newest(uow: UnitOfWork, contract: str) -> None:
    """Put the newest version on the bus, as a newer revision of the contract; the others lie there as they
    were said."""
    contracts = ContractRepository(uow.connection)
    raised = await contracts.raise_revision(contract, machine_us())
    [newest] = await contracts.newest_versions(contract, 1)
    uow.tell(CONTRACTS, _message(raised, newest, chain=newest.version))


def messages_of(contract: ContractRow, versions: Sequence[VersionRow]) -> list[ContractVersionMessage]:
    """The chain as others hear of it, oldest version first."""
    return [_message(contract, row, chain=len(versions)) for row in versions]


def _message(contract: ContractRow, row: VersionRow, *, chain: int) -> ContractVersionMessage:
    """One version, of so many."""
    return ContractVersionMessage(
        contract=contract.contract,
        revision=contract.revision,
        customer_id=contract.customer_id,
        customer=contract.external_id,
        chain=chain,
        version=ContractVersion(
            row.version,
            to_us(row.effective_at),
            to_us(row.recorded_at),
            row.content_hash,
            row.terms,
        ),
    )
