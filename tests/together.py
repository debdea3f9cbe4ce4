"""What is so costly that it is made once for a whole run, and the files that share it: they run on one worker.

Whoever needs a deployment in a state of its own (a clock at some day, other settings, a process to kill, a book it
counts as a whole) starts its own: services have one database and one clock, and a second book means a second start.
"""

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

#: Fixture of the session → the files that use it.
SHARED = {
    "book": tuple(
        f"tests/services/billing/conservation/test_{name}.py"
        for name in ("api", "clean_book", "gate", "of_nobody", "sabotage", "verify")
    ),
    "year": tuple(
        f"tests/system/console/test_year_{name}.py" for name in ("figures", "pages", "people", "secrets")
    ),
    "shared_broker": (
        "tests/shared/bus/test_kafka.py",
        "tests/system/security/test_unconfirmed_keys_on_kafka.py",
    ),
}
_SHARES = {file: fixture for fixture, files in SHARED.items() for file in files}


class Together(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """A worker gets a whole file at a time, and with it all that share what it uses."""

    def _split_scope(self, nodeid: str) -> str:
        return scope_of(nodeid)


def scope_of(nodeid: str) -> str:
    """What is handed out at once with this test: its file, or the name of what its file shares."""
    file = nodeid.partition("::")[0]
    return _SHARES.get(file, file)


def scheduler(config: pytest.Config, log: Producer) -> Together | None:
    return Together(config, log) if config.getvalue("dist") == "loadfile" else None


def refuse_stranger(item: pytest.Item) -> None:
    """A file that uses what is shared says so above: elsewhere it would be made once more, unseen."""
    for fixture in SHARED.keys() & {*getattr(item, "fixturenames", ())}:
        if scope_of(item.nodeid) != fixture:
            file = item.nodeid.partition("::")[0]
            pytest.fail(f"{file} uses `{fixture}`: name it in SHARED of tests/together.py", pytrace=False)
