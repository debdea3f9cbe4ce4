"""Writes the request bodies before the clock starts, in a process of its own: while it is measured, the load
only reads a file.

`python -m lab.bench.bodies` reads a BodiesPlan on standard input.
"""

import asyncio
import random
import sys
import uuid
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

import msgspec

from lab.bench.workload import (
    DUPLICATE_SHARE,
    LATE_BY_S,
    LATE_SHARE,
    REGIONS,
    REQUEST_EVENTS,
    TIERS,
    TYPES,
    USERS_PER_CUSTOMER,
    VOID_EVERY_REQUESTS,
    VOID_SHARE,
    ZIPF_EXPONENT,
    Bodies,
    BodiesPlan,
    Request,
    subject,
)

RECENT_EVENTS = 20_000  # a duplicate repeats one of these
SOURCES = tuple(f"bench/edge-{number}" for number in range(4))


@dataclass
class Writer:
    """Makes events from a seed. The same plan writes the same bytes."""

    plan: BodiesPlan
    requests: list[Request] = field(default_factory=list)
    _offset: int = 0

    def __post_init__(self) -> None:
        self._rng = random.Random(self.plan.seed)
        first = self.plan.first
        self._subjects = [subject(number) for number in range(first, first + self.plan.customers)]
        self._weights = list(
            accumulate(1 / (rank**ZIPF_EXPONENT) for rank in range(1, self.plan.customers + 1))
        )
        self._recent: deque[bytes] = deque(maxlen=RECENT_EVENTS)
        self._voidable: deque[bytes] = deque(maxlen=REQUEST_EVENTS)

    def write(self) -> None:
        """Write file and index."""
        left = self.plan.events
        with open(self.plan.file, "wb") as file:
            while left > 0:
                count = min(REQUEST_EVENTS, left)
                file.write(self._events(count, 1 - left / self.plan.events))
                left -= count
                if len(self.requests) % VOID_EVERY_REQUESTS == VOID_EVERY_REQUESTS - 1:
                    file.write(self._voids(int(VOID_EVERY_REQUESTS * REQUEST_EVENTS * VOID_SHARE)))
        self._index()

    def write_one_each(self) -> None:
        """Write one event of each customer, and nothing else."""
        plan, rng = self.plan, self._rng
        second, places = _second(plan.to_s), range(0, plan.customers, REQUEST_EVENTS)
        with open(plan.file, "wb") as file:
            for start in places:
                bodies = [
                    _event(
                        rng, (_name(rng), SOURCES[0]), (TYPES[0], customer, second), (REGIONS[0], TIERS[0])
                    )
                    for customer in self._subjects[start : start + REQUEST_EVENTS]
                ]
                file.write(self._request(bodies, len(bodies), ("", "")))
        self._index()

    def _index(self) -> None:
        with open(self.plan.index, "wb") as index:
            index.write(msgspec.msgpack.encode(self.requests))

    def _events(self, count: int, done: float) -> bytes:
        rng, plan = self._rng, self.plan
        at_s = plan.from_s + done * (plan.to_s - plan.from_s)
        seconds, late_seconds = _second(at_s), _second(at_s - LATE_BY_S)
        subjects = rng.choices(self._subjects, cum_weights=self._weights, k=count)
        kinds, regions, tiers = (
            rng.choices(TYPES, k=count),
            rng.choices(REGIONS, k=count),
            rng.choices(TIERS, k=count),
        )
        bodies, fresh, sample = [], 0, ("", "")
        for n in range(count):
            chance = rng.random()
            if chance < DUPLICATE_SHARE and self._recent:
                bodies.append(self._recent[rng.randrange(len(self._recent))])
                continue
            late = chance > 1 - LATE_SHARE
            name, source = _name(rng), SOURCES[n & 3]
            second = late_seconds if late else seconds
            body = _event(rng, (name, source), (kinds[n], subjects[n], second), (regions[n], tiers[n]))
            bodies.append(body)
            fresh += 1
            self._recent.append(body)
            if n == count - 1 or (n == count // 2 and not late):
                sample = (f"{source} {name}", subjects[n]) if not late else sample
            elif n % 50 == 7:
                self._voidable.append(f'{{"source":"{source}","id":"{name}"}}'.encode())
        return self._request(bodies, fresh, sample)

    def _voids(self, count: int) -> bytes:
        names = [self._voidable.popleft() for _ in range(min(count, len(self._voidable)))]
        return self._request(names, 0, ("", ""), void=True)

    def _request(
        self, parts: list[bytes], unique: int, sample: tuple[str, str], *, void: bool = False
    ) -> bytes:
        body = b"[" + b",".join(parts) + b"]"
        self.requests.append(Request(self._offset, len(body), len(parts), unique, void, *sample))
        self._offset += len(body)
        return body


def _event(
    rng: random.Random, key: tuple[str, str], usage: tuple[str, str, str], data: tuple[str, str]
) -> bytes:
    """One CloudEvent of about 350 bytes: (id, source), (type, subject, second) and (region, tier)."""
    (name, source), (kind, customer, second), (region, tier) = key, usage, data
    value, user, millisecond = (
        rng.randrange(1, 100_000),
        rng.randrange(USERS_PER_CUSTOMER),
        rng.randrange(1000),
    )
    return (
        f'{{"specversion":"1.0","id":"{name}","source":"{source}","type":"{kind}","subject":"{customer}","time":"{second}.{millisecond:03d}Z",'
        f'"datacontenttype":"application/json","data":{{"region":"{region}","tier":"{tier}","value":{value // 1000}.{value % 1000:03d},'
        f'"user":"user-{user:04d}","path":"/v1/things/{value:08d}","agent":"sdk-python/3.1.4 (x86)"}}}}'
    ).encode()


def _name(rng: random.Random) -> str:
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


async def written(plan: BodiesPlan) -> Bodies:
    """Have another process write these bodies."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "lab.bench.bodies", stdin=asyncio.subprocess.PIPE
    )
    await writer.communicate(msgspec.json.encode(plan))
    assert writer.returncode == 0, "the writer of the bodies failed"
    requests = msgspec.msgpack.decode(Path(plan.index).read_bytes(), type=list[Request])
    return Bodies(Path(plan.file), tuple(requests))


def one_each(plan: BodiesPlan) -> Bodies:
    """One event of each of the plan's customers, at its last instant: written here, since they are few."""
    writer = Writer(plan)
    writer.write_one_each()
    return Bodies(Path(plan.file), tuple(writer.requests))


def _second(at_s: float) -> str:
    return datetime.fromtimestamp(int(at_s), UTC).strftime("%Y-%m-%dT%H:%M:%S")


if __name__ == "__main__":
    Writer(msgspec.json.decode(sys.stdin.buffer.read(), type=BodiesPlan)).write()
