"""How many messages of a batch became what, all together and by source: a counter a batch, nothing an
event."""

from collections import Counter
from collections.abc import Sequence

from shared.bus.batch_rows import storable
from shared.runtime.consumer import BatchCounts
from shared.topics.usage_ingest import UsageMessage


def counted(**outcomes: Sequence[UsageMessage]) -> BatchCounts:
    """Count messages by what became of them (the names of BatchCounts), all together and by source."""
    sources: dict[str, dict[str, int]] = {}
    for outcome, messages in outcomes.items():
        for source, count in Counter([message.source for message in messages]).items():
            of = sources.setdefault(storable(source), {})
            of[outcome] = of.get(outcome, 0) + count
    return BatchCounts(**{outcome: len(messages) for outcome, messages in outcomes.items()}, sources=sources)
