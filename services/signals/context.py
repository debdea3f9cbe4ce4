"""What every folder of signals may know of the running service: its settings and its policy. A folder that
keeps another part of the state says so in a context of its own; main.py puts the parts together."""

from typing import Protocol

from services.signals.domain.policy import Policy
from services.signals.settings import SignalsSettings
from shared.runtime.context import Context, FromRequest


class SignalsState(Protocol):
    """The policy, read once."""

    @property
    def policy(self) -> Policy: ...


SignalsContext = Context[SignalsSettings, SignalsState]
Ctx = FromRequest[SignalsContext]
