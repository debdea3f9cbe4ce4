"""The catalogue that events are judged by, in this process's memory."""

from dataclasses import dataclass, field

from services.usage_ingest.domain.catalogue import Catalogue
from shared.runtime.service import Context


@dataclass
class Heard:
    """The catalogue of this process, and the transaction from which on it may not know everything."""

    catalogue: Catalogue = field(default_factory=Catalogue)
    since: int = 0


def heard_of(context: Context) -> Heard:
    """The one memory of this process; it knows nothing before the first look."""
    heard: Heard = context.state.setdefault("heard", Heard())
    return heard


def catalogue_of(context: Context) -> Catalogue:
    return heard_of(context).catalogue
