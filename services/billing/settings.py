"""Settings of billing."""

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class BillingSettings(ServiceSettings):
    """Billing's own settings, beside those of every service."""

    auditor_database_url: str = Field(
        "",
        description="Database URL of the read-only role u2c_auditor: conservation reads all schemas through it",
    )
