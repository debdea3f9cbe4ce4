"""Settings of metering; rating's settings extend them."""

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class MeteringSettings(ServiceSettings):
    groups_max: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Groups of a meter, subject and UTC month; beyond, usage falls into one `other`",
    )
    backfill_events_max: int = Field(5000, ge=1, le=50_000, description="Events one step of a back-fill adds")
    activity_max: int = Field(
        1000,
        ge=1,
        le=10_000,
        description="How much activity (subject, day and event type) one transaction tells",
    )
    void_wait_days: int = Field(
        7, ge=1, le=800, description="A void without its event for longer than this is an exception"
    )
