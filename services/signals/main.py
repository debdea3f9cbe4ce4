"""Signals, wired."""

from services.signals import api
from services.signals.consumers import SUBSCRIPTIONS
from services.signals.settings import SignalsSettings
from shared.service import Service, build

app = build(Service(
    name="signals", port=8104, settings=SignalsSettings, routers=(api.router,), subscriptions=SUBSCRIPTIONS,
    description="What usage says before revenue does: consumption, last seen, renewals.",
))
