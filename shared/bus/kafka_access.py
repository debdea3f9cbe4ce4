"""Where a Kafka cluster is and as whom it is spoken to. Every client of ours is made with this and with
nothing else."""

import ssl
from dataclasses import dataclass, field
from typing import Any, Literal

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"]
#: Of the users that `u2c migrate` makes.
OURS: Mechanism = "SCRAM-SHA-512"


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """Without more than addresses: an open broker, which asks nobody who he is."""

    brokers: str
    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism = OURS
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def asks(self) -> bool:
        """Whether the broker asks who speaks."""
        return self.protocol.startswith("SASL_")

    def client(self) -> dict[str, Any]:
        """The arguments that say it to a client. Authorities of certificates are this machine's
        (SSL_CERT_FILE names others)."""
        return {
            "bootstrap_servers": self.brokers,
            "security_protocol": self.protocol,
            "ssl_context": ssl.create_default_context() if self.protocol.endswith("SSL") else None,
            "sasl_mechanism": self.mechanism,
            "sasl_plain_username": self.username or None,
            "sasl_plain_password": self.password or None,
        }
