"""Settings of billing."""

from typing import Annotated

from pydantic import AfterValidator, Field

from shared.runtime.settings import ServiceSettings
from shared.values.zones import known_zone


class BillingSettings(ServiceSettings):
    """Billing's own settings, beside those of every service."""

    auditor_database_url: str = Field(
        "",
        description="Database URL of the read-only role u2c_auditor: conservation reads all schemas through it",
    )
    entity_timezone: Annotated[str, AfterValidator(known_zone)] = Field(
        "UTC", description="IANA time zone of the legal entities: a document is issued on the day it is there"
    )
