"""Settings every service has, and those of every process. Each is an environment variable with the prefix U2C_ and a
flag of the command line."""

from typing import Literal, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.bus.kafka_access import OURS, KafkaAccess, Mechanism, Protocol
from shared.http.limits import BODY_TIMEOUT_S, CONNECTIONS_MAX, REQUESTS_MAX


class ProcessSettings(BaseSettings):
    """What a process of the deployment needs to run, a service or the console."""

    model_config = SettingsConfigDict(env_prefix="U2C_", extra="ignore", frozen=True)

    database_url: str = Field(
        "postgresql://127.0.0.1:5432/u2c",
        description="This process's database URL, with its own role and password",
    )
    #: Two are held for good, by the business clock and by membership; each consumer takes two, and a third to evict who is in
    #: its way; doors and jobs need some beside them. With four two tests stood still.
    database_pool_max: int = Field(12, ge=8, description="Connections one process may hold")
    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(
        0, ge=0, le=65535, description="Port to listen on; 0 takes the process's own (8101–8105)"
    )
    ingest_url: str = Field("http://127.0.0.1:8101", description="Where usage_ingest answers")
    rating_url: str = Field("http://127.0.0.1:8102", description="Where rating answers")
    billing_url: str = Field("http://127.0.0.1:8103", description="Where billing answers")
    signals_url: str = Field("http://127.0.0.1:8104", description="Where signals answers")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe log line that is written"
    )
    body_timeout_s: float = Field(BODY_TIMEOUT_S, gt=0, description="Time a caller has to send a body")
    connections_max: int = Field(
        CONNECTIONS_MAX,
        ge=1,
        description="Connections one process holds; beyond, the one idle for longest makes room",
    )
    requests_max: int = Field(
        REQUESTS_MAX, ge=1, description="Requests in work at once in one process; more are answered 503"
    )
    data_folder: str = Field(
        "",
        description="Where the database's data lie: /readyz watches that disk too; empty: not to be seen from here",
    )

    @model_validator(mode="after")
    def _room_beside_requests(self) -> Self:
        """A connection is ended to make room only when it has no request in work."""
        if self.connections_max <= self.requests_max:
            raise ValueError(
                f"connections_max ({self.connections_max}) must be more than requests_max ({self.requests_max})"
            )
        return self


class ServiceSettings(ProcessSettings):
    """What a service needs to run; services extend it with their own settings."""

    bus: Literal["postgres", "kafka"] = Field(
        "postgres", description="postgres: a log in the same database; kafka: a real broker"
    )
    kafka_brokers: str = Field("127.0.0.1:9092", description="Bootstrap servers, when bus=kafka")
    kafka_security_protocol: Protocol = Field(
        "PLAINTEXT", description="How the brokers are spoken to; SASL_…: by a login"
    )
    kafka_sasl_mechanism: Mechanism = Field(
        OURS, description="How the login is shown; the users that `u2c migrate` makes have the default"
    )
    kafka_username: str = Field("", description="This service's own user of the brokers")
    kafka_password: str = Field("", description="… and its password")
    service_key: str = Field("", description="API key this service uses when it calls another service")
    consumer_batch_max: int = Field(
        10_000, ge=1, le=50_000, description="Records one consumer transaction takes at most"
    )
    session_timeout_s: float = Field(
        6.0, gt=0, description="After this silence a consumer loses its partitions to the others"
    )
    docs: bool = Field(True, description="Serve /docs and /openapi.json")

    @property
    def kafka(self) -> KafkaAccess:
        return KafkaAccess(
            self.kafka_brokers,
            self.kafka_security_protocol,
            self.kafka_sasl_mechanism,
            self.kafka_username,
            self.kafka_password,
        )
