"""Senders of webhooks, one life after the other: `python -m tests.services.signals.webhooks.sender_process LIVES`, settings by
environment.

Each life is a process of its own that sends until it is killed or has nothing left. It is forked from one
that has imported everything and started nothing, since a life takes a tenth of the time its imports would.
The exit code is 0 when LIVES were killed, or when one of them had nothing left and was the only one asked
for.
"""

import asyncio
import os
import signal
import sys

from services.signals.main import app

POLL_S = 0.05


async def send() -> None:
    async with app.router.lifespan_context(app):
        context = app.state.context
        while await context.db.pool.fetchval(
            "select exists (select from signals.deliveries where state = 'pending')"
        ):
            await asyncio.sleep(POLL_S)
        await context.state.lanes.stop()


def live() -> int:
    """One life; its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        try:
            asyncio.run(send())
        except BaseException as fault:
            print(repr(fault), file=sys.stderr)
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main(lives: int) -> int:
    if lives == 1:
        return live()
    for number in range(lives):
        code = live()
        if code != -signal.SIGKILL:
            print(f"life {number} ended with {code}, not by the fail-point", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
