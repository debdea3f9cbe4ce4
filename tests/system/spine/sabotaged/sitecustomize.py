"""Takes one protection away from a service under test, when U2C_TEST_SABOTAGE names it. Only tests put this
folder on a process's path."""

import os
from collections.abc import Sequence


def _skip_deduplication() -> None:
    """What ON CONFLICT DO NOTHING refuses comes in: every copy of an event counts."""
    from services.rating.metering.repository.usage import MeteringRepository

    async def claim_all(
        _self: MeteringRepository, _batch_id: int, _keys: bytes, _hashes: bytes, seqs: Sequence[int]
    ) -> tuple[list[int], list[int]]:
        return list(seqs), []

    MeteringRepository.claim_keys = claim_all  # type: ignore[method-assign, assignment]


def _delete_before_publishing() -> None:
    """Every third statement's outbox row is deleted although the bus never had it."""
    from shared.db.outbox import Relay
    from shared.db.outbox_rows import WaitingMessage

    publish = Relay._publish

    async def forgetful(self: Relay, rows: list[WaitingMessage]) -> None:
        await publish(self, [row for row in rows if row.topic != "rating.statements" or row.outbox_id % 3])

    Relay._publish = forgetful  # type: ignore[method-assign]


SABOTAGES = {"deduplication-skipped": _skip_deduplication, "outbox-row-lost": _delete_before_publishing}
if os.environ.get("U2C_TEST_SABOTAGE"):
    SABOTAGES[os.environ["U2C_TEST_SABOTAGE"]]()
