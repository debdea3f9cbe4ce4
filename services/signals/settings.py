"""Settings of signals, and the policy they name."""

from pathlib import Path

import yaml
from pydantic import Field

from services.signals.domain.policy import Policy, policy_of
from shared.runtime.settings import ServiceSettings

POLICY_FILE = Path(__file__).with_name("policy.yaml")


class SignalsSettings(ServiceSettings):
    """Signals' own settings, beside those of every service."""

    policy_file: str = Field(
        "", description="YAML file with the policy of the signals; empty: the one that comes with the code"
    )
    settle_s: float = Field(
        1.0,
        ge=0,
        description="After a moved clock, how long events that follow it are waited for before a day is evaluated",
    )
    evaluation_customers_max: int = Field(
        500, ge=1, le=5000, description="Customers one evaluation transaction takes"
    )
    webhook_allow_local: bool = Field(
        False,
        description="Let webhooks go to this machine by plain HTTP and any port: for demos and tests only; the deny list is off for loopback",
    )
    webhook_timeout_s: float = Field(
        15.0, gt=0, le=60, description="Whole time one webhook attempt may take, name look-up included"
    )
    webhook_concurrency: int = Field(
        8, ge=1, le=100, description="Attempts to one endpoint that may be under way at once"
    )
    webhook_lease_s: float = Field(
        20.0,
        gt=0,
        description="After this time without a sign, another process takes over an endpoint's lane",
    )
    webhook_key: str = Field(
        "", description="What webhooks' URLs and secrets are sealed with, as `u2c migrate --keys` gives it"
    )
    webhook_key_previous: str = Field(
        "",
        description="The key before it, while it is rotated: at start all is sealed anew, then this can go",
    )


def read_policy(path: str = "") -> Policy:
    """Return the policy of a file, by default of the one beside this module.

    Raises OSError for a file that cannot be read, KeyError or ValueError for a policy that is not whole.
    """
    return policy_of(yaml.safe_load(Path(path or POLICY_FILE).read_text(encoding="utf-8")))
