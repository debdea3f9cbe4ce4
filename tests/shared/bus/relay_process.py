"""A relay as an OS process, for dying at fail-points and being stopped. Run with one JSON argument (`Options`
of the consumer)."""

import asyncio
import signal
import sys

import msgspec

from shared.db.outbox import Relay
from shared.db.outbox_refused import Refused
from shared.db.unit_of_work import Database
from shared.runtime.logs import configure_logs
from tests.shared.bus.consumer_process import Options, open_test_bus


async def main(options: Options) -> None:
    configure_logs("relay", "info")
    db = Database(options.url, "rating")
    await db.open()
    bus = open_test_bus(options, db.pool)
    await bus.start()
    task = asyncio.create_task(Relay(db, bus, Refused(db), options.session_timeout_s).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    await asyncio.gather(task, return_exceptions=True)
    await bus.stop()
    await db.close()


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Options)))
