"""What every folder of usage_ingest may know of the running service: its settings, and nothing of its state. A folder
that keeps a part of the state says so in a context of its own; main.py puts the parts together."""

from services.usage_ingest.settings import IngestSettings
from shared.runtime.context import Context, FromRequest

IngestContext = Context[IngestSettings, object]
Ctx = FromRequest[IngestContext]
