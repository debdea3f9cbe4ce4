"""The four services as the command line knows them: names, default ports, the keys they get."""

from shared.postgres.setup import SERVICES

BASE_PORT = 8101
PORTS = {service: BASE_PORT + place for place, service in enumerate(SERVICES)}
URL_VARIABLES = {"usage_ingest": "U2C_INGEST_URL", "rating": "U2C_RATING_URL", "billing": "U2C_BILLING_URL", "signals": "U2C_SIGNALS_URL"}

ADMIN_KEY = "admin"
SERVICE_KEY = "services"
KEY_SCOPES = {
    ADMIN_KEY: ("admin",),
    SERVICE_KEY: ("usage:read", "contracts:read", "invoices:read", "signals:read"),
}
