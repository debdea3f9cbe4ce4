"""Killed between sending and recording, again and again: each fact arrives at least once, always under its
own id, and nothing is lost."""

import asyncio
import os
import sys
from collections import Counter

import pytest

from tests.conftest import Sized
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import WEBHOOK_KEY, fact
from tests.services.signals.receivers import answers, receiving
from u2c.deployment.state import ROOT

MORE = 9


@pytest.mark.timeout(900)
async def test_a_sender_that_dies_between_send_and_record_sends_again_with_the_same_id(
    start: Start, sized: Sized, monkeypatch: pytest.MonkeyPatch
) -> None:
    kills = sized(3, 40, 200)
    facts = [fact(number) for number in range(kills + MORE)]
    async with receiving(answers(204)) as receiver:
        async with start() as signals:
            await signals.endpoint(receiver.url)
            await signals.context.state.lanes.stop()
            monkeypatch.setattr(signals.context.state.lanes, "start_due", _nothing)
            await signals.tell(*facts)
            url = signals.database.url("signals")
        assert await _run(url, "webhook.after_send:2", kills) == 0, (
            "each life reached the fail-point and was killed there"
        )
        assert await _run(url, "", 1) == 0
        counted = Counter(receiver.ids)
        assert set(counted) == {one.signal_id for one in facts}, "every fact, and nothing that is none"
        assert len(receiver.seen) > len(facts), "what was sent and not recorded came again"
        bodies = {(one.id, one.body) for one in receiver.seen}
        assert len(bodies) == len(facts), "the same id is the same fact"


async def _nothing() -> None:
    """The service of the test itself sends nothing."""


async def _run(database_url: str, failpoint: str, lives: int) -> int:
    """So many lives of a sender; 0 when all of them ended as they should."""
    environment = {
        **os.environ,
        "U2C_DATABASE_URL": database_url,
        "U2C_FAILPOINT": failpoint,
        "U2C_WEBHOOK_ALLOW_LOCAL": "true",
        "U2C_WEBHOOK_LEASE_S": "0.01",  # nobody lives beside a life: the next one need not wait for its lane
        "U2C_WEBHOOK_CONCURRENCY": "1",
        "U2C_LOG_LEVEL": "error",
        "U2C_RATING_URL": "http://127.0.0.1:9",
        "U2C_WEBHOOK_KEY": WEBHOOK_KEY,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.services.signals.webhooks.sender_process",
        str(lives),
        cwd=ROOT,
        env=environment,
    )
    return await asyncio.wait_for(process.wait(), 60 + 10 * lives)
