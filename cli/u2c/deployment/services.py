"""The four services as the command line knows them: names, default ports, the keys they get."""

from shared.postgres.setup import SERVICES

BASE_PORT = 8101
PORTS = {service: BASE_PORT + place for place, service in enumerate(SERVICES)}
URL_VARIABLES = {
    "usage_ingest": "U2C_INGEST_URL",
    "rating": "U2C_RATING_URL",
    "billing": "U2C_BILLING_URL",
    "signals": "U2C_SIGNALS_URL",
}

ADMIN_KEY = "admin"
#: The first API keys by name: the administrator's, and one a service that calls another, with what it calls
#: for and nothing else.
KEY_SCOPES = {
    ADMIN_KEY: ("admin",),
    "billing": ("usage:read", "contracts:read"),
    "signals": ("usage:read",),
}
