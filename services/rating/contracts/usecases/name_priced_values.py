"""Tell metering which values the prices of a version name, so that their usage is kept apart however
many values a meter has."""

from services.rating.metering.naming.usecases import NamedValue, SubjectMonth, name_values
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.language import Terms


async def name_priced_values(uow: UnitOfWork, terms: Terms) -> list[SubjectMonth]:
    """Name them; return where something of their meters was counted in `other` before.

    What is new closes the fence. Whoever changes a customer closes it too and writes the customer's row
    then: here as well nothing may be held before.
    """
    return await name_values(
        uow,
        {
            NamedValue(line.meter, dimension, value)
            for line in terms.usage_lines
            for dimension, value in line.price.named_values
        },
    )
