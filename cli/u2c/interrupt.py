"""Waiting until somebody ends the command, so that what follows is an orderly end and not an exception."""

import asyncio
import signal


async def until_interrupted() -> None:
    """Return at Ctrl-C or SIGTERM. While it waits, neither raises."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked.set)
    try:
        await asked.wait()
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)
