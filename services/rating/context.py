"""What every folder of rating may know of the running service: its settings, and nothing of its state. A folder
that keeps a part of the state says so in a context of its own; main.py puts the parts together."""

from services.rating.settings import RatingSettings
from shared.runtime.context import Context, FromRequest

RatingContext = Context[RatingSettings, object]
Ctx = FromRequest[RatingContext]
