"""`u2c verify` as a person runs it: exit codes, one JSON object, and a row for every planted fault."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.conftest import TestDatabase
from tests.services.billing.conservation.conftest import Book
from tests.services.billing.conservation.door_book import way
from tests.services.rating.metering.batches import event
from u2c.deployment.state import State


def verify(book_state: str, admin_url: str, database: str, *more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "u2c", "verify", "--admin-url", admin_url, "--database", database, *more],
        capture_output=True,
        text=True,
        env={**os.environ, "U2C_STATE": book_state},
        timeout=100,
    )


def test_a_clean_book_exits_0_and_says_so(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, book.name, "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert told["holds"] and [statement["k"] for statement in told["statements"]] == [
        "K1",
        "K2",
        "K3",
        "K4",
        "K5",
    ]


def test_each_statement_says_when_it_is_checked_and_may_be_asked_for_alone(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, book.name, "--json")
    assert [
        line.split()[:2] for line in done.stderr.splitlines() if line[:1] == "K" and line.endswith(" s")
    ] == [[k, "ok"] for k in ("K1", "K2", "K3", "K4", "K5")]
    alone = verify(
        str(book.state.folder), book.server_url, book.name, "--only", "K5", "--only", "K1", "--json"
    )
    assert [statement["k"] for statement in json.loads(alone.stdout)["statements"]] == ["K1", "K5"]


def test_all_sabotages_are_named_and_rolled_back(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, book.name, "--sabotage", "all", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    trials = told["trials"]
    assert [trial["sabotage"] for trial in trials] == [
        "event-deleted",
        "packed-off",
        "aggregate-off",
        "item-off",
        "fold-skipped",
        "admission-removed",
        "statement-dropped",
        "line-changed",
        "draw-doubled",
        "block-row-removed",
        "waiver-forged",
        "batch-row-removed",
        "message-set-aside",
    ]
    assert [(one["sabotage"], one["needs"]) for one in told["not_planted"]] == [
        ("cost-shifted", "a block that was sold below its amount"),
        ("breakage-dropped", "a block of which something lapsed that was paid"),
        ("breakage-doubled", "a block of which something lapsed that was paid"),
        ("lapse-unasked", "a block of which something lapsed that was paid"),
        ("correction-dropped", "a note that billing has heard of"),
        ("note-doubled", "a finalized note"),
    ], "what this book has nothing for is said"
    for trial in trials:
        assert trial["break"]["table"] == trial["table"]
        assert trial["row"].items() <= trial["break"]["key"].items() | trial["row"].items()
    assert verify(str(book.state.folder), book.server_url, book.name).returncode == 0, "the book is as it was"


def test_an_empty_book_says_what_is_missing(book: Book, database: TestDatabase) -> None:
    assert verify(str(book.state.folder), book.server_url, database.name).returncode == 0, (
        "an empty book has no break"
    )
    done = verify(str(book.state.folder), book.server_url, database.name, "--sabotage", "line-changed")
    assert (
        done.returncode == 3 and "needs a finalized document" in done.stderr and "./u2c demo" in done.stderr
    )


def test_no_such_database_is_a_matter_of_the_environment(book: Book) -> None:
    done = verify(str(book.state.folder), book.server_url, "nothing_of_the_kind")
    assert done.returncode == 3 and "./u2c demo" in done.stderr


async def test_what_was_set_aside_or_stands_still_is_told_until_it_is_decided(
    database: TestDatabase, tmp_path: Path
) -> None:
    """Accepted events in dead letters and others behind a stopped consumer: 1, with money, owner and remedy;
    discarded by name: 0, and told."""
    state = State(tmp_path / "state")
    state.adopt_secret(database.secret)

    def run(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                sys.executable,
                "-m",
                "u2c",
                *words,
                "--admin-url",
                database.server_url,
                "--database",
                database.name,
            ],
            capture_output=True,
            text=True,
            env={**os.environ, "U2C_STATE": str(state.folder), "COLUMNS": "200"},
            timeout=100,
        )

    async with way(database) as road:
        await road.broken("app", "b1", "b2", "b3")
        await road.metered()
        await road.publish(*(event(f"w{n}") for n in range(5)))
        await road.time_passes()
        done = run("verify")
        assert done.returncode == 1, done.stdout + done.stderr
        told = " ".join(done.stdout.split())
        assert "BREAK K2 message_set_aside" in told
        assert (
            "3 records of usage.events from source 'app' could not be taken by rating, worth 1.50 USD" in told
        )
        assert "BREAK K2 in_flight_stands" in told and "start rating" in told and "platform" in told
        assert "USD in_flight_stands 2.50, message_set_aside 1.50" in told
        await road.metered()
        letters = json.loads(run("dead-letters", "list", "--json").stdout)["data"]
        gone = run(
            "dead-letters",
            "discard",
            *(letter["name"] for letter in letters),
            "--reason",
            "sent by a probe of ours",
        )
        assert gone.returncode == 0, gone.stderr
        done = run("verify")
        assert done.returncode == 0 and "discarded 3" in " ".join(done.stdout.split()), done.stdout
