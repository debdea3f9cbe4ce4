"""Settings of rating."""

from pydantic import Field

from services.rating.metering.settings import MeteringSettings


class RatingSettings(MeteringSettings):
    marks_max: int = Field(20_000, ge=1, description="Marks one fan-out turns into requests to price")
    claim_max: int = Field(500, ge=1, le=2000, description="Statements one pricing transaction takes")
    pricing_workers: int = Field(2, ge=1, le=16, description="Pricing workers of one process")
    reprice_min_s: float = Field(
        1.0, ge=0, description="A statement is priced again at most once in this time, between barriers"
    )
    reprice_max_s: float = Field(
        30.0, ge=0, description="… stretched up to this while usage waits to be metered"
    )
    close_delayed_after_s: float = Field(
        900.0, gt=0, description="A period that is due and not closed after this time is an exception"
    )
