"""What the API shows of customers."""

from typing import Annotated, Literal, Self

from pydantic import Field

from services.rating.customers.rows import Customer
from shared.http.answers import Answer, Instant
from shared.http.shown_names import CustomerId, CustomerLabel, CustomerName, LegalEntity, ZoneName
from shared.values.made_from import made_from


class CustomerAnswer(Answer):
    """A customer. Events match it when their subject is its external id or one of its aliases."""

    object: Literal["customer"] = "customer"
    id: CustomerId
    external_id: CustomerName
    name: CustomerLabel
    aliases: Annotated[list[str], Field(examples=[["acme-eu"]])]
    """Further subjects that mean it, sorted"""
    legal_entity: LegalEntity
    timezone: ZoneName
    """Its days and months of usage; a contract has its own"""
    revision: int
    created_at: Instant

    @classmethod
    def of(cls, customer: Customer) -> Self:
        return made_from(cls, customer, id=customer.customer_id, aliases=list(customer.aliases))
