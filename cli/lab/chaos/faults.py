"""What is done to the deployment: one fault each, and the record of how it went."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of faults. A kill is `kill -9` always."""

    KILL_SERVICE = "kill service"
    KILL_POSTGRES = "kill postgres"
    KILL_KAFKA = "kill kafka"
    PAUSE = "stop and wake"
    REJOIN = "leave and join"
    FAIL_POINT = "die at fail-point"
    RESTORE = "lose it, restore a backup"


POSTGRES, KAFKA = "postgres", "kafka"


@dataclass(frozen=True)
class Fault:
    """One fault to come. `target` is an instance (`rating-2`), `postgres` or `kafka`."""

    kind: Kind
    target: str
    point: str = ""  # of a fail-point: name:count
    deaths: int = 1  # of a fail-point: so often before it is disarmed
    calm: bool = True  # wait for recovery before the next one


@dataclass(frozen=True)
class Strike:
    """One fault that was done: how much work was left at that moment, and how long until all was ready
    again."""

    fault: Fault
    lag: int
    recovery_s: float | None  # None: nobody waited for it


def kills(targets: tuple[str, ...], each: int) -> list[Fault]:
    """`kill -9` of each service so often, in turn."""
    return [Fault(Kind.KILL_SERVICE, target) for _ in range(each) for target in targets]


def pauses(targets: tuple[str, ...], count: int) -> list[Fault]:
    return [Fault(Kind.PAUSE, targets[number % len(targets)]) for number in range(count)]


def storm(targets: tuple[str, ...], count: int) -> list[Fault]:
    """Members leave politely and join again, every fifth dies instead; nobody waits for anything to
    settle."""
    faults = []
    for number in range(count):
        kind = Kind.KILL_SERVICE if number % 5 == 4 else Kind.REJOIN
        faults.append(Fault(kind, targets[number % len(targets)], calm=False))
    return faults


def fail_point(service: str, point: str, deaths: int) -> Fault:
    return Fault(Kind.FAIL_POINT, service, point, deaths)
