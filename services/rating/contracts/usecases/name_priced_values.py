"""Tell metering which values the prices of a version name, so that their usage is kept apart however
many values a meter has."""

from services.rating.contracts.repository import ContractRepository
from services.rating.metering.naming.usecases import NamedValue, ask_recounts, name_values
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.language import Terms


async def name_priced_values(uow: UnitOfWork, contracts: ContractRepository, terms: Terms) -> None:
    """Name them. What was counted in `other` before is counted again in the months that no final period
    touches; the others keep it."""
    named = {
        NamedValue(line.meter, dimension, value)
        for line in terms.usage_lines
        for dimension, value in line.price.named_values
    }
    turned_away = await name_values(uow, named)
    if turned_away:
        await ask_recounts(uow, await contracts.open_months(turned_away))
