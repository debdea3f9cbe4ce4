"""Whether there is room for what is written: asked of Postgres, which knows its own disks, and of the file
system where this process can see it."""

import shutil
import time
from dataclasses import dataclass

import asyncpg

GB = 2**30
FREE_LOW_BYTES = 2 * GB  # below: said
#: Below: not ready; Postgres itself ends when its log finds no room.
FREE_MIN_BYTES = GB // 4
PROBE_EVERY_S = 10.0
# A sort too large for its memory is written to the database's own disk, about 2 MB, and no trace of it stays
# in any table.
PROBE = """select max(place) from (
    select row_number() over (order by md5(n::text)) as place from generate_series(1, 25000) n) as sorted"""
REMEDY = "free or enlarge it; nothing that was acknowledged is lost, and all goes on by itself"


@dataclass
class Disk:
    """The database's disk. `folder`: where its data lie, if this process can see that; "" otherwise."""

    pool: asyncpg.Pool
    folder: str = ""
    _told: str = "ok"
    _asked_at: float = float("-inf")

    async def check(self) -> str:
        """`ok`, a `note:` of how little is left, or what is wrong with the remedy. Raises OUTAGES. Postgres
        is asked every PROBE_EVERY_S."""
        seen = self._seen()
        if not (seen == "ok" or seen.startswith("note:")):
            return seen
        now = time.monotonic()
        if now - self._asked_at >= PROBE_EVERY_S or self._told != "ok":
            self._told, self._asked_at = await self._written(), now
        return seen if self._told == "ok" else self._told

    async def _written(self) -> str:
        try:
            async with self.pool.acquire() as connection, connection.transaction():
                await connection.execute(
                    "set local work_mem = '64kB'; set local max_parallel_workers_per_gather = 0"
                )
                await connection.execute(PROBE)
        except asyncpg.DiskFullError as fault:
            return f"Postgres can write no more: {fault}. Its disk is full: {REMEDY}"
        return "ok"

    def _seen(self) -> str:
        if not self.folder:
            return "ok"
        try:
            free = shutil.disk_usage(self.folder).free
        except OSError as fault:
            return f"note: the disk of {self.folder} cannot be looked at: {fault}; correct U2C_DATA_FOLDER"
        if free < FREE_MIN_BYTES:
            return f"{free // 2**20} MB are free on the disk of {self.folder}, fewer than {FREE_MIN_BYTES // 2**20}: {REMEDY}"
        return (
            "ok"
            if free >= FREE_LOW_BYTES
            else f"note: {free / GB:.1f} GB are free on the disk of {self.folder}"
        )
