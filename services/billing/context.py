"""What every folder of billing may know of the running service: its settings, and nothing of its state. A folder
that keeps a part of the state says so in a context of its own; main.py puts the parts together."""

from services.billing.settings import BillingSettings
from shared.runtime.context import Context, FromRequest

BillingContext = Context[BillingSettings, object]
Ctx = FromRequest[BillingContext]
