"""What a disk, or a client of somebody's own making, does to Kafka's log: batches as they lie in a segment,
damaged one by one."""

import struct
from pathlib import Path

from aiokafka.record.util import calc_crc32c

LENGTH, CRC, ATTRIBUTES, RECORDS = 8, 17, 21, 61  # where a batch of format 2 has what


def batches_on_disk(segment: Path) -> list[bytearray]:
    """The batches of a segment, each for itself."""
    held, found = segment.read_bytes(), []
    while held:
        size = 12 + struct.unpack_from(">i", held, LENGTH)[0]
        found.append(bytearray(held[:size]))
        held = held[size:]
    return found


def damage(batch: bytearray, how: str) -> None:
    """Make it one that nobody can decode: a payload that is none of its codec's, a codec nobody knows, or
    bits that fell over."""
    if how == "payload":
        batch[RECORDS:] = b"\x5a" * (len(batch) - RECORDS)
    elif how == "codec":
        batch[ATTRIBUTES + 1] |= 0x07
    elif how == "bits":
        batch[-1] ^= 0xFF
        return
    elif how == "header":  # a name that is no UTF-8, as a client in C may send it
        batch[batch.index(b"name-of-a-header")] = 0xFF
    struct.pack_into(">I", batch, CRC, calc_crc32c(bytes(batch[ATTRIBUTES:])))
