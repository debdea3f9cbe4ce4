"""Settings of signals."""

from shared.settings import ServiceSettings


class SignalsSettings(ServiceSettings):
    """Nothing beyond what every service has."""
