"""The policy as it stands in the file beside this one, or in the file that the settings name."""

from pathlib import Path

import yaml

from services.signals.domain.policy import Policy, policy_of

DEFAULT = Path(__file__).with_name("policy.yaml")


def read_policy(path: str = "") -> Policy:
    """Return the policy. Raises OSError for a file that cannot be read, KeyError or ValueError for one that
    is not whole."""
    return policy_of(yaml.safe_load(Path(path or DEFAULT).read_text(encoding="utf-8")))
