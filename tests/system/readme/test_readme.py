"""README's calls, run as they stand on a running system, and its table of commands."""

import asyncio
import re
import time
from collections.abc import Callable
from decimal import Decimal

import httpx2
import pytest
import typer

from tests.system.readme.blocks import README, calls, verbs
from tests.system.readme.shell import refused, typed
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.state import ROOT
from u2c.main import OF_THE_LAB, VERBS, application

SETTLE_TIMEOUT_S = 60.0
CALLS_MIN = 7


async def test_the_calls_do_what_the_page_says(cluster_options: Callable[..., ClusterOptions]) -> None:
    blocks = calls()
    assert sum(block.count("curl") for block in blocks) >= CALLS_MIN
    async with Cluster(cluster_options(restart=False)) as cluster:
        answers = [
            answer for block in blocks[:-1] for answer in await asyncio.to_thread(typed, block, cluster)
        ]
        await _heard_of_acme(cluster)
        answers += await asyncio.to_thread(typed, blocks[-1], cluster)
        meter, customer, contract, sent, explained, invoices, reconciliation, endpoint, signals = answers
        assert (
            meter["meter"] == "api_calls"
            and customer["external_id"] == "acme"
            and contract["contract"] == "acme-2026"
        )
        assert sent["accepted"] == 2
        # The door may not have heard of the customer yet: then it says so, and the events count once it has.
        assert {(result["status"], result["code"]) for result in sent["results"]} <= {
            ("accepted", "unmatched")
        }
        assert explained["id"] == "req-1" and explained["source"] == "api-gateway"
        assert invoices["object"] == "list"
        assert reconciliation["conservation"]["holds"] is True
        assert endpoint["secret"].startswith("whsec_") and endpoint["state"] == "enabled"
        assert signals["customer"] == "acme"
        (problem,) = await asyncio.to_thread(refused, blocks[-1], cluster)
        assert problem["code"] == "key_refused", "a refusal is seen, not swallowed"
        await _settled(cluster, blocks)


async def _heard_of_acme(cluster: Cluster) -> None:
    """Signals hears of a customer over the bus: a reader's eyes take longer than that, a test does not."""
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    async with httpx2.AsyncClient(
        trust_env=False, headers={"Authorization": f"Bearer {cluster.admin_key}"}
    ) as client:
        while (
            await client.get(f"{cluster.urls['signals']}/v1/customers/acme/signals")
        ).status_code == 404 and time.monotonic() < deadline:
            await asyncio.sleep(0.2)


async def _settled(cluster: Cluster, blocks: list[str]) -> None:
    """Finance's and customer success's calls, repeated until the two events have gone the whole way."""
    finance, success = (
        next(block for block in blocks if word in block) for word in ("/v1/invoices", "/signals")
    )
    deadline = time.monotonic() + SETTLE_TIMEOUT_S
    while True:
        invoices, reconciliation = await asyncio.to_thread(typed, finance, cluster)
        (signals,) = await asyncio.to_thread(typed, success, cluster)
        used = [
            line
            for invoice in invoices["data"]
            for line in invoice["lines"]
            if line["key"] == "api" and Decimal(line["quantity"]) == 2
        ]
        if (used and signals["last_seen_at"]) or time.monotonic() > deadline:
            break
        await asyncio.sleep(0.5)
    (line,) = used
    (draft,) = [invoice for invoice in invoices["data"] if line in invoice["lines"]]
    assert draft["status"] == "draft" and draft["customer"] == "acme" and draft["contract"] == "acme-2026"
    assert Decimal(line["amount"]) == Decimal("0.02"), "one of two calls is included, the other costs 0.02"
    assert reconciliation["conservation"]["holds"] is True
    assert sum(row["counts"]["stored"] for row in reconciliation["rows"]) == 2
    assert signals["last_seen_at"]


def test_the_table_names_exactly_the_verbs_there_are() -> None:
    group = typer.main.get_command(application([]))
    below = {
        name: ([""] if getattr(verb, "invoke_without_command", False) else [])
        + list(getattr(verb, "commands", {}))
        for name, verb in group.commands.items()  # type: ignore[attr-defined]
    }
    there = {
        f"{name} {verb}" if verb else name
        for name, verbs_below in below.items()
        for verb in (verbs_below or [""])
    }
    assert verbs() == there
    assert {verb.split()[0] for verb in verbs()} == set(VERBS)
    assert _files("u2c") == set(VERBS) - OF_THE_LAB
    assert _files("lab") == OF_THE_LAB


def _files(package: str) -> set[str]:
    """The verbs that have a file in this package."""
    return {path.stem.replace("_", "-") for path in (ROOT / "cli" / package / "verbs").glob("[a-z]*.py")}


def test_the_table_has_one_row_a_verb() -> None:
    rows = [
        re.findall(r"\./u2c ([a-z-]+)", line.split("|")[1])
        for line in README.splitlines()
        if line.startswith("| `./u2c")
    ]
    named = [verb for row in rows for verb in sorted(set(row))]
    assert sorted(named) == sorted(set(named))


@pytest.mark.parametrize("block", calls(), ids=lambda block: block.split()[0])
def test_a_failing_call_fails_the_block(block: str) -> None:
    """Without --fail-with-body a refusal would look like success, and with -f nobody would see what it
    says."""
    assert block.count("curl -sS --fail-with-body ") == block.count("curl")
