"""Settings of rating."""

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class RatingSettings(ServiceSettings):
    groups_max: int = Field(
        1000,
        ge=1,
        le=100_000,
        description="Groups of a meter, subject and UTC month; beyond, usage falls into one `other`",
    )
    backfill_events_max: int = Field(5000, ge=1, le=50_000, description="Events one step of a back-fill adds")
    void_wait_days: int = Field(
        7, ge=1, le=800, description="A void without its event for longer than this is an exception"
    )
    marks_max: int = Field(20_000, ge=1, description="Marks one fan-out turns into requests to price")
    claim_max: int = Field(200, ge=1, le=2000, description="Statements one pricing transaction takes")
    pricing_workers: int = Field(2, ge=1, le=16, description="Pricing workers of one process")
    reprice_min_s: float = Field(
        1.0,
        ge=0,
        le=30,
        description="However often somebody looks, a statement is priced at most once in this time",
    )
    told_every_s: float = Field(
        60.0,
        ge=0,
        description="A statement nobody looks at is told at most once in this time; never by itself once the business clock was moved",
    )
    told_a_second: float = Field(
        50.0,
        gt=0,
        description="So many statements nobody looks at are told a second; where more wait, each waits longer than `told_every_s`",
    )
    close_delayed_after_s: float = Field(
        900.0, gt=0, description="A period that is due and not closed after this time is an exception"
    )
