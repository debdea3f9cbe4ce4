"""The probabilities that stand beside the points: they order, and the points give reasons."""

from dataclasses import dataclass
from decimal import Decimal

from services.signals.domain.shown import Document, shown_object


@dataclass(frozen=True, slots=True)
class Odds:
    """What is not known is None. `score_p` is the larger of the two."""

    p_fall: Decimal | None = None
    p_gone: Decimal | None = None
    score_p: Decimal | None = None
    p_renew: Decimal | None = None


def shown_odds(found: Odds) -> Document:
    """What is not known of them is left out."""
    return {name: share for name, share in shown_object(found).items() if share is not None}
