"""GET /v1/reconciliation and its drills: what became of every event and every cent. One file a noun of the address."""

from services.billing.conservation.api import books, events, reconciled, suspense, waiting

ROUTERS = (reconciled.router, books.router, waiting.router, suspense.router, events.router)
