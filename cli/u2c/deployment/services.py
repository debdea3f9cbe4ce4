"""The four services and the console as the command line knows them: names, default ports, the keys they get."""

from services.console.domain.roles import AUTHORITY, Role, key_name
from shared.postgres.setup import PROCESSES

BASE_PORT = 8101
PORTS = {process: BASE_PORT + place for place, process in enumerate(PROCESSES)}
URL_VARIABLES = {
    "usage_ingest": "U2C_INGEST_URL",
    "rating": "U2C_RATING_URL",
    "billing": "U2C_BILLING_URL",
    "signals": "U2C_SIGNALS_URL",
}

ADMIN_KEY = "admin"
#: The console's, by name: one a role, so that services know what the person may whom it speaks for.
ROLE_KEYS: dict[str, Role] = {key_name(role): role for role in AUTHORITY}
#: The first API keys by name: the administrator's, one a service that calls another, with what it calls for and
#: nothing else, and the console's.
KEY_SCOPES = {
    ADMIN_KEY: ("admin",),
    "billing": ("usage:read", "contracts:read"),
    "signals": ("usage:read",),
    **{name: AUTHORITY[role].scopes for name, role in ROLE_KEYS.items()},
}
#: Those of them that decide for a seat.
KEY_SEATS = {name: AUTHORITY[role].seats for name, role in ROLE_KEYS.items()}
