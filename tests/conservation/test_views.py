"""The reconciliation as JSON says what it did not read, and never calls it nothing."""

from datetime import UTC, datetime
from typing import Any

from services.billing.conservation.views import rows_of

PLACE = {"customer": "acme", "subject": None, "type": "call", "month": datetime(2025, 1, 1, tzinfo=UTC), "bucket": "applied"}


def test_quantities_that_were_not_read_are_absent() -> None:
    counted: list[dict[str, Any]] = [{**PLACE, "events": 3, "reason": None}]
    assert "quantities" not in rows_of(counted, [], every_meter=False)[0]
    assert rows_of(counted, [], every_meter=True)[0]["quantities"] == {}, "all were read, and none takes it"
