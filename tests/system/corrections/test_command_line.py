"""`u2c late` and `u2c trace` as a person runs them beside a running deployment: what came too late is listed and decided,
and lines of an invoice and of a note are followed back to their events."""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from lab.departures.client import Client
from tests.services.rating.deployment import terms
from tests.system.corrections.test_notes import event, invoiced, notes
from tests.waiting import until
from u2c.api import WRONG
from u2c.deployment.cluster import Cluster
from u2c.deployment.services import URL_VARIABLES

#: January's usage is accepted until 20 February.
TWENTY = terms("acme-1", "acme", late_usage={"accept_days": 20})


@dataclass
class Person:
    """Somebody at the command line, who knows where the services answer, and a key."""

    cluster: Cluster

    async def says(self, *words: str, fails: int = 0) -> str:
        """What a command prints, to the person or about what is wrong."""
        services = {URL_VARIABLES[name]: url for name, url in self.cluster.urls.items()}
        done = await asyncio.to_thread(
            subprocess.run,
            [sys.executable, "-m", "u2c", *words],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, **services, "U2C_KEY": self.cluster.admin_key, "COLUMNS": "200"},
        )
        assert done.returncode == fails, done.stdout + done.stderr
        return done.stderr if fails else done.stdout

    async def asks(self, *words: str) -> Any:
        return json.loads(await self.says(*words, "--json"))


@pytest.mark.timeout(240)
async def test_what_came_too_late_is_listed_decided_and_traced(cluster: Cluster, client: Client) -> None:
    person = Person(cluster)
    await invoiced(client, TWENTY)
    assert "No usage waits for a decision." in await person.says("late", "list")
    await client.move_clock(datetime(2024, 2, 25, tzinfo=UTC))
    await client.send_events([event("late-1"), event("late-2")])
    held = await _held(person)
    assert (held["contract"], held["period"]["start"], held["events"], held["amount"]) == (
        "acme-1",
        "2024-01-01",
        2,
        "4.00",
    )
    seen = await _seen(person)
    refused = await person.says(
        "late", "decide", "acme-1", "2024-01-01", "bill", "--reason", "x", "--seen", "0:x", fails=2
    )
    assert "such as 0:17,1:23" in refused
    decided = await person.says(
        "late", "decide", "acme-1", "2024-01-01", "bill", "--reason", "agreed with Acme", "--seen", seen
    )
    assert decided.startswith("2 events of acme-1, 2024-01-01 to 2024-01-31, 4.00 USD: the next correction")
    assert "No usage waits for a decision." in await person.says("late", "list", "--contract", "acme-1")
    await person.says(
        "late", "decide", "acme-1", "2024-01-01", "waive", "--reason", "again", "--seen", seen, fails=WRONG
    )
    await client.move_clock(datetime(2024, 3, 4, tzinfo=UTC))
    [note] = await notes(client)
    await _traced(person, note)


async def _held(person: Person) -> dict[str, Any]:
    """What waits once both events are metered."""

    async def both() -> bool:
        return [one["events"] for one in (await person.asks("late", "list"))["data"]] == [2]

    await until(both, "both late events are listed")
    [held] = (await person.asks("late", "list"))["data"]
    found: dict[str, Any] = held
    return found


async def _seen(person: Person) -> str:
    """What a decision names: the last word of the command that is offered."""
    shown = await person.says("late", "list")
    assert "calls 2: 4.00" in shown and "4.00 USD" in shown
    assert "./u2c late decide acme-1 2024-01-01 bill --reason WHY --seen " in shown
    return shown.split()[-1]


async def _traced(person: Person, note: dict[str, Any]) -> None:
    """By number, by id and as JSON; a line that is not there is refused by the names of those that are."""
    invoice = note["corrects"]
    final = await person.says("trace", invoice, "calls")
    assert "acme  calls: 3, 6.00" in final and "acme-1, 2024-01-01 to 2024-01-31" in final
    assert "lines/calls of version 1" in final
    asked = await person.says("trace", note["number"])
    assert f"{note['number']}  acme  calls: 2, 4.00" in asked
    assert "note:1: the line is 10.00 then, 6.00 was asked for before: 4.00" in asked
    assert f"{invoice} by 4.00" in asked
    assert [name in asked for name in ("test e0", "test late-1", "test late-2")] == [True] * 3
    found = await person.asks("trace", note["id"], note["lines"][0]["id"])
    assert sorted(one["id"] for one in found["events"]["data"]) == ["e0", "e1", "e2", "late-1", "late-2"]
    assert found["journal_entry"] is not None
    assert "no such line: calls" in await person.says("trace", note["id"], "seats", fails=WRONG)
    assert "No document DEFAULT-0" in await person.says("trace", "DEFAULT-0", fails=WRONG)
