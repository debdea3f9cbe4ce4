"""Where a run keeps its Postgres: in memory where there is room, since each test copies a database of a
thousand files."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared.postgres.account import PLACE

RAM_DISK = Path("/dev/shm")
FREE_MIN_BYTES = 4 * 2**30


@contextmanager
def server_folder(name: str) -> Iterator[Path]:
    """A folder for `EmbeddedPostgres`, gone afterwards: on the RAM disk where it has 4 GiB free, else where
    temporary files lie.

    What a killed server wrote stays there as it does on a disk; only a machine that goes down would lose it.
    """
    if not (
        RAM_DISK.is_dir()
        and os.access(RAM_DISK, os.W_OK)
        and shutil.disk_usage(RAM_DISK).free >= FREE_MIN_BYTES
    ):
        with tempfile.TemporaryDirectory(prefix=f"u2c-{name}-") as folder:
            yield Path(folder)
        return
    with tempfile.TemporaryDirectory(prefix=f"u2c-{name}-", dir=RAM_DISK) as folder:
        state, data = Path(folder) / "postgres", Path(f"{folder}-data")
        if os.geteuid() == 0:
            # Root's server runs as somebody else, and its place would be chosen on a disk: it is told of one
            # here.
            for made in (state, data):
                made.mkdir(0o755)
            (state / PLACE).write_text(f"{state}\n{data}\n")
        try:
            yield Path(folder)
        finally:
            shutil.rmtree(data, ignore_errors=True)
