"""The contracts to start from apply as they stand, are priced, and say what they say."""

from datetime import date
from typing import Any

import pytest
from typer.testing import CliRunner

from shared.documents.reading import read_document
from tests.services.rating.deployment import Deployment, event, utc
from u2c.contract_shapes import SHAPES, contract_of
from u2c.verbs.contract import app

LINES = {
    "pay-as-you-go": {"usage": "0.00"},
    "prepaid": {"usage": "0.03"},
    "annual-commitment": {"usage": "0.02"},
    "hybrid": {"setup": "2500.00", "platform": "399.20", "usage": "0.00", "minimum_spend": "350.80"},
}


@pytest.mark.parametrize("shape", sorted(SHAPES))
async def test_a_shape_applies_as_it_stands_and_is_priced(rating: Deployment, shape: str) -> None:
    """Three calls in the first month."""
    await rating.customer("acme")
    await rating.meter("api_calls")
    await rating.advance(utc("2024-01-06T00:00:00"))
    written = contract_of(shape, "acme", "api_calls", date(2024, 1, 1))
    applied = await rating.client.post(
        "/v1/contracts", content=written, headers={"Content-Type": "application/yaml"}
    )
    assert applied.status_code == 201, applied.text
    await rating.send(*(event(f"e{n}", "acme", utc("2024-01-05T10:00:00")) for n in range(3)))
    await rating.settled()
    statement = await rating.statement(f"acme-{shape}", "2024-01-01")
    assert {line["key"]: line["amount"] for line in statement["lines"]} == LINES[shape]


@pytest.mark.parametrize("shape", sorted(SHAPES))
def test_the_verb_writes_it_for_whom_and_when_is_told(shape: str) -> None:
    told = ["--customer", "beta", "--meter", "tokens", "--start", "2026-03-15"]
    written = CliRunner().invoke(app, ["new", shape, *told])
    assert written.exit_code == 0, written.output
    document: dict[str, Any] = read_document(written.output.encode(), "application/yaml")
    assert (document["contract"], document["customer"], str(document["term"]["start"])) == (
        f"beta-{shape}",
        "beta",
        "2026-03-15",
    )
    assert "$" not in written.output and "tokens" in [line.get("meter") for line in document["lines"]]


def test_a_shape_that_is_not_there_is_refused_with_those_that_are() -> None:
    refused = CliRunner().invoke(app, ["new", "barter"])
    assert refused.exit_code == 2 and all(shape in refused.output for shape in SHAPES)
