"""A newcomer's first hour with the command line alone: up, a contract, a file of usage, the clock, and what
became of an event."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from shared.postgres.embedded import EmbeddedPostgres

pytestmark = [pytest.mark.long, pytest.mark.timeout(400)]
CSV = """source,id,type,subject,time,data.units
shop,1,parcel.sent,acme,2024-01-05T10:00:00Z,2.5
shop,2,parcel.sent,acme,2024-01-06T10:00:00Z,0.5
shop,3,parcel.sent,acme,2024-01-06T10:00:00Z,many
shop,4,parcel.lost,acme,2024-01-06T10:00:00Z,1
"""
CONTRACT = """
contract: acme-2024
customer: acme
currency: EUR
timezone: UTC
term: {start: 2024-01-01, months: 12}
billing: {interval: month, anchor_day: 1, net_days: 14, grace_hours: 24, rounding: half_up}
lines:
  - {key: parcels, kind: usage, meter: parcels, price: {model: per_unit, unit: "1.50"}}
"""


Done = subprocess.CompletedProcess[str]


class Session:
    """A running deployment and its command line, as its user types it."""

    def __init__(self, document: dict[str, Any], state: Path) -> None:
        self.urls = document["urls"]
        own = {name: value for name, value in os.environ.items() if not name.startswith("U2C_")}
        self.environment = {**own, "U2C_STATE": str(state)}
        self.http = httpx2.Client(
            headers={"Authorization": f"Bearer {document['key']}"}, trust_env=False, timeout=60
        )

    def u2c(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "u2c", *arguments], env=self.environment, capture_output=True, text=True
        )


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    state = tmp_path / "state"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("U2C_")}
    command = [sys.executable, "-m", "u2c", "up", "--base-port", "0", "--clock-at", "2024-01-01", "--json"]
    with subprocess.Popen(
        command, env={**environment, "U2C_STATE": str(state)}, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        yield Session(json.loads(process.stdout.readline()), state)
        process.terminate()
        process.wait(60)
    EmbeddedPostgres(state).remove()


def test_from_a_contract_and_a_file_to_a_priced_event(session: Session, tmp_path: Path) -> None:
    rating = session.urls["rating"]
    meter = {"meter": "parcels", "event_type": "parcel.sent", "aggregation": "sum", "field": "units"}
    assert session.http.post(f"{rating}/v1/meters", json=meter).status_code == 201
    assert (
        session.http.post(
            f"{rating}/v1/customers", json={"external_id": "acme", "name": "Acme", "timezone": "UTC"}
        ).status_code
        == 201
    )
    _apply(session, tmp_path)
    assert json.loads(session.u2c("clock", "advance", "2024-01-07", "--json").stdout)
    shown = session.u2c("clock", "show").stdout
    assert "now              2024-01-07T00:00:00Z" in shown and not set("[]{}'") & set(
        shown.replace("machine's", "")
    )
    _send(session, tmp_path)
    _explain(session)
    _find(session)


def _find(session: Session) -> None:
    """It runs on ports nobody named, and its verbs find it there; a wrong name is answered with the right
    one."""
    assert [
        row["contract"] for row in json.loads(session.u2c("contract", "list", "--json").stdout)["data"]
    ] == ["acme-2024"]
    assert [
        row["external_id"] for row in json.loads(session.u2c("customer", "list", "--json").stdout)["data"]
    ] == ["acme"]
    wrong = session.u2c("contract", "show", "acme")
    assert (wrong.returncode, wrong.stderr.strip()) == (
        1,
        'No contract "acme". Customer acme has acme-2024.  All: ./u2c contract list',
    )
    status = json.loads(session.u2c("status", "--json").stdout)
    assert status["ready"] and [one["service"] for one in status["services"]] == list(session.urls)
    assert all(one["lag_records"] == 0 and one["memory_mib"] > 0 for one in status["services"])
    told = session.u2c("env").stdout.splitlines()
    assert told[0].startswith("export KEY=u2c_live_")
    assert told[1:] == [
        f"export {name}={session.urls[service]}"
        for name, service in (
            ("INGEST", "usage_ingest"),
            ("RATING", "rating"),
            ("BILLING", "billing"),
            ("SIGNALS", "signals"),
        )
    ]
    elsewhere = subprocess.run(
        [sys.executable, "-m", "u2c", "clock", "show"],
        env={**session.environment, "U2C_BASE_PORT": "1"},
        capture_output=True,
        text=True,
    )
    assert (
        elsewhere.returncode == 3
        and session.urls["rating"] in elsewhere.stderr
        and "./u2c up" not in elsewhere.stderr
    )


def _apply(session: Session, folder: Path) -> None:
    file = folder / "contract.yaml"
    file.write_text(CONTRACT.replace("per_unit", "per_moon"))
    refused = session.u2c("contract", "apply", str(file))
    assert refused.returncode == 1
    assert "per_moon" in refused.stderr or "model" in refused.stderr
    file.write_text(CONTRACT)
    applied = session.u2c("contract", "apply", str(file), "--json")
    assert applied.returncode == 0, applied.stderr
    shown = session.u2c("contract", "show", "acme-2024", "--json")
    assert json.loads(shown.stdout)["contract"] == "acme-2024"
    terms = folder / "terms.yaml"
    terms.write_text(session.u2c("contract", "show", "acme-2024", "--terms").stdout)
    again = session.u2c("contract", "apply", str(terms), "--json")
    assert (again.returncode, json.loads(again.stdout)["version"]) == (0, 1), (
        "what it shows is what apply takes, and no new version"
    )


def _send(session: Session, folder: Path) -> None:
    """One of the four has a value that is no number: it is kept aside and named, and the exit code says
    so."""
    file = folder / "usage.csv"
    file.write_text(CSV)
    sent = _until(
        lambda: session.u2c("events", "send", str(file), "--json"),
        lambda done: "value_not_a_number" in done.stdout,
    )
    results = {(row["status"], row["code"]): row["events"] for row in json.loads(sent.stdout)["results"]}
    assert sent.returncode == 1
    assert results.pop(("quarantined", "value_not_a_number")) == 1
    assert sum(results.values()) == 3
    assert json.loads(sent.stdout)["unmatched"] == {
        "events": 1,
        "subjects": [{"subject": "acme", "type": "parcel.lost", "events": 1}],
    }
    again = session.u2c("events", "send", str(file), "--json")
    assert json.loads(again.stdout)["sent"] == 4


def _explain(session: Session) -> None:
    """One word first; 1 only when nobody knows the event."""
    told = _until(
        lambda: session.u2c("events", "explain", "shop", "1", "--json"),
        lambda done: "lines" in done.stdout and "acme-2024" in done.stdout,
    )
    assert told.returncode == 0, told.stderr
    assert (
        next(iter(json.loads(told.stdout))) == "verdict"
        and json.loads(told.stdout)["verdict"] == "will_be_billed"
    )
    story = session.u2c("events", "explain", "shop", "1").stdout.splitlines()
    assert (
        story[0].startswith("1  of shop")
        and story[0].endswith("will be billed")
        and any("parcels +2.5" in line for line in story)
    )
    assert json.loads(session.u2c("events", "explain", "shop", "4", "--json").stdout)["verdict"] == "suspense"
    kept = _until(
        lambda: session.u2c("events", "explain", "shop", "3"), lambda done: "quarantined" in done.stdout
    )
    assert kept.returncode == 0 and "value_not_a_number" in kept.stdout
    nothing = session.u2c("events", "explain", "shop", "no-such-event")
    assert (
        nothing.returncode == 1
        and "never sent" in nothing.stdout.replace("\n", " ")
        and "unknown" in nothing.stdout.splitlines()[0]
    )


def _until(call: Callable[[], Done], good: Callable[[Done], bool]) -> Done:
    """Services hear of each other over the bus, within moments; a call made too early is made again."""
    for _attempt in range(30):
        done = call()
        if good(done):
            return done
    raise AssertionError(f"{done.returncode}: {done.stdout}\n{done.stderr}")
