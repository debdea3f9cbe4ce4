"""A process that sends webhooks until it is killed or has nothing left: `python -m tests.signals.sender_process`, settings by environment."""

import asyncio

from services.signals.main import app

POLL_S = 0.05


async def main() -> None:
    async with app.router.lifespan_context(app):
        context = app.state.context
        while await context.db.pool.fetchval("select exists (select from signals.deliveries where state = 'pending')"):
            await asyncio.sleep(POLL_S)
        await context.state["lanes"].stop()


asyncio.run(main())
