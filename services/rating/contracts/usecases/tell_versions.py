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
    await contracts.set_revision(contract, machine_us())
    found, versions = await contracts.contract(contract), await contracts.versions(contract)
    assert found is not None
    uow.tell(CONTRACTS, messages_of(found, versions)[-1])


def messages_of(contract: ContractRow, versions: Sequence[VersionRow]) -> list[ContractVersionMessage]:
    """The chain as others hear of it, oldest version first."""
    return [
        ContractVersionMessage(
            contract=contract.contract,
            revision=contract.revision,
            customer_id=contract.customer_id,
            customer=contract.external_id,
            chain=len(versions),
            version=ContractVersion(
                row.version,
                to_us(row.effective_at),
                to_us(row.recorded_at),
                row.content_hash,
                row.terms,
            ),
        )
        for row in versions
    ]
