"""What one connection, one request and one service may take, from the first byte on. Stated here alone: the
protocol keeps it, answers, documents and `u2c doctor` read it from here. What a body may hold is its
service's own to say (`usage_ingest/domain/limits.py`)."""

import resource
from typing import Final

from shared.environment_fault import EnvironmentFault

# request line and headers; also what may follow a byte of a body without another one (trailers)
HEAD_MAX_BYTES: Final = 64 * 1024
HEADERS_MAX: Final = 100
URL_MAX_BYTES: Final = 8 * 1024
# from accept, or from the first byte of a further request, to the end of the headers
HEAD_TIMEOUT_S: Final = 10.0
KEEP_ALIVE_S: Final = 75  # of silence between two requests
#: A caller that is told why has to read it and to hang up.
LINGER_S: Final = 2.0
#: For a caller that does not take its answer.
ANSWER_TIMEOUT_S: Final = 30.0
#: Requests sent ahead while one is answered.
PIPELINED_MAX: Final = 8
#: Of heads and body nobody has read yet, on one connection.
HELD_MAX_BYTES: Final = 64 * 1024
#: Read at once, however much is held.
READ_MIN_BYTES: Final = 4 * 1024

BODY_MAX_BYTES: Final = 1024 * 1024  # where a service says nothing else
BODY_TIMEOUT_S: Final = 30.0
VALUES_MAX: Final = 10_000  # in a body that FastAPI parses
#: Customers that one service asks another about at once: who asks cuts by it, who answers refuses by it.
CUSTOMERS_ASKED_MAX: Final = 1_000
#: Faults of a body that its answer lists.
ERRORS_MAX: Final = 100
# of names that a caller made up, so many are told back, and so much of each
NAMED_MAX, NAME_CHARS_MAX = (
    5,
    100,
)
# a larger body is taken apart by another thread, so that others are answered meanwhile
OFF_LOOP_BYTES: Final = 1024 * 1024

#: Of one process; the one that waits longest makes room.
CONNECTIONS_MAX: Final = 1_000
#: In work at once in one process; more are answered 503.
REQUESTS_MAX: Final = 500
BACKLOG_MAX: Final = 512
DESCRIPTORS_SPARE: Final = 128  # for database, bus, files and logs
DESCRIPTORS_UNBOUNDED: Final = 2**20


def descriptors_allowed() -> int:
    """How many descriptors a process may take here, once it has raised its own limit."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return hard if hard != resource.RLIM_INFINITY else DESCRIPTORS_UNBOUNDED


def raise_descriptors() -> int:
    """Raise this process's limit to what it is allowed; return that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return descriptors_allowed()


def connections_within(descriptors: int, connections_max: int, requests_max: int) -> int:
    """How many of the wanted connections fit into so many descriptors. Raises EnvironmentFault where they are
    no more than the requests that may be in work."""
    room = min(connections_max, descriptors - DESCRIPTORS_SPARE)
    if room <= requests_max:
        raise EnvironmentFault(
            f"{descriptors} descriptors are too few for {requests_max} requests at once (and {DESCRIPTORS_SPARE} for database, bus and files).",
            f"Allow {connections_max + DESCRIPTORS_SPARE}: ulimit -Hn (LimitNOFILE= of a unit), or take fewer: --requests-max (U2C_REQUESTS_MAX)",
        )
    return room


def documented(body_max_bytes: int) -> str:
    """The limits as an API's description tells them."""
    return (
        f"Limits: a URL of {URL_MAX_BYTES} bytes (414), {HEADERS_MAX} headers of together {HEAD_MAX_BYTES} bytes (431), sent within "
        f"{HEAD_TIMEOUT_S:g} s (408); a body of {body_max_bytes} bytes (413); {KEEP_ALIVE_S} s between two requests of a connection. "
        "A service that has as many requests in work as it takes answers 503 with Retry-After."
    )
