"""Settings of usage_ingest."""

from pydantic import Field

from shared.runtime.settings import ServiceSettings


class IngestSettings(ServiceSettings):
    """The door's own settings, beside those of every service."""

    accept_horizon_days: int = Field(
        800, ge=1, description="Usage older than this, by the business clock, is quarantined"
    )
    ahead_max_s: int = Field(
        300, ge=0, description="How far ahead of the business clock an event's time may lie"
    )
    door_requests_max: int = Field(
        256, ge=1, description="Requests with events that may be in flight at once; more are answered 429"
    )
    door_bytes_max: int = Field(
        64 * 1024 * 1024,
        ge=1,
        description="Bytes of bodies that may be in flight at once; more are answered 429",
    )
    publish_timeout_s: float = Field(
        15.0, gt=0, description="Time the bus has to make a request's events durable; then 503"
    )
