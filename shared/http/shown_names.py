"""Names as answers show them, each with the example that the documents give."""

from typing import Annotated

from pydantic import Field

ContractName = Annotated[str, Field(examples=["acme-2026"])]
CurrencyCode = Annotated[str, Field(examples=["USD"])]
CustomerId = Annotated[str, Field(examples=["cus_0355r6GE5yU135fW6KlO0n"])]
#: A customer's external id.
CustomerName = Annotated[str, Field(examples=["acme"])]
CustomerLabel = Annotated[str, Field(examples=["Acme Corp"])]
DocumentId = Annotated[str, Field(examples=["inv_0353HwWXEjxXOHKJzOoT5e"])]
EventId = Annotated[str, Field(examples=["req-1"])]
EventType = Annotated[str, Field(examples=["api.call"])]
ExceptionId = Annotated[str, Field(examples=["exc_0355r6GMHPjnilLt70JBPV"])]
KeyId = Annotated[str, Field(examples=["key_0355r6GE5yU135fW6KlO0n"])]
LegalEntity = Annotated[str, Field(examples=["default"])]
LineKey = Annotated[str, Field(examples=["api"])]
MeterName = Annotated[str, Field(examples=["api_calls"])]
#: A team that answers for something.
Owner = Annotated[str, Field(examples=["finance"])]
Source = Annotated[str, Field(examples=["api-gateway"])]
#: What usage is counted by: an external id or an alias, known or not.
SubjectName = Annotated[str, Field(examples=["acme"])]
#: Where a business day begins and ends.
ZoneName = Annotated[str, Field(examples=["America/New_York"])]
