"""`u2c verify` as a person runs it: exit codes, one JSON object, and a row for every planted fault."""

import json
import os
import subprocess
import sys

from tests.conftest import TestDatabase
from tests.conservation.conftest import Book


def verify(book_state: str, admin_url: str, database: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "u2c", "verify", "--admin-url", admin_url, "--database", database, *more], capture_output=True, text=True,
        env={**os.environ, "U2C_STATE": book_state}, timeout=100)


def test_a_clean_book_exits_0_and_says_so(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, book.name, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["holds"] and [statement["k"] for statement in told["statements"]] == ["K1", "K2", "K3", "K4", "K5"]


def test_all_sabotages_are_named_and_rolled_back(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, book.name, "--sabotage", "all", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    trials = json.loads(done.stdout)["trials"]
    assert [trial["sabotage"] for trial in trials] == ["event-deleted", "aggregate-off", "statement-dropped", "line-changed", "batch-row-removed"]
    for trial in trials:
        assert trial["break"]["table"] == trial["table"]
        assert trial["row"].items() <= trial["break"]["key"].items() | trial["row"].items()
    assert verify(str(book.state.folder), book.server_url, book.name).returncode == 0, "the book is as it was"


def test_an_empty_book_says_what_is_missing(book: Book, database: TestDatabase) -> None:
    assert verify(str(book.state.folder), book.server_url, database.name).returncode == 0, "an empty book has no break"
    done = verify(str(book.state.folder), book.server_url, database.name, "--sabotage", "line-changed")
    assert done.returncode == 3 and "needs a finalized document" in done.stderr and "./u2c demo" in done.stderr


def test_no_such_database_is_a_matter_of_the_environment(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, "nothing_of_the_kind")
    assert done.returncode == 3 and "./u2c demo" in done.stderr
