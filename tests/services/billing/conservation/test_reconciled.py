"""The reconciliation says what it did not read, and never calls it nothing; each amount and instant stands in
it as in every answer."""

from datetime import UTC, datetime
from decimal import Decimal

from pydantic import TypeAdapter

from services.billing.conservation.answers.events import PlacedEventAnswer
from services.billing.conservation.answers.reconciled import ReconciledUsageAnswer, ReconciliationAnswer
from services.billing.conservation.domain.dispositions import Bucket, Reason
from services.billing.conservation.domain.filters import Narrow
from services.billing.conservation.domain.readings import Counted, Hold, ListPrice, Measured, Placed, Usage
from services.billing.conservation.domain.reconciled import rows_of, totals_of
from services.billing.conservation.rows import ResultRow, StoredCheck
from services.billing.conservation.usecases.reconcile import Reconciled
from shared.http.instants import Instant
from shared.values.money import currency

NOW = datetime(2025, 1, 1, tzinfo=UTC)
USAGE = Usage("acme", None, "call", NOW)
CALLS = ListPrice(currency("USD"), Decimal("0.50"))


def test_quantities_that_were_not_read_are_absent() -> None:
    counted = [Counted(USAGE, Bucket.APPLIED, None, 3)]
    [narrow], [whole] = rows_of(counted, [], every_meter=False), rows_of(counted, [], every_meter=True)
    assert "quantities" not in ReconciledUsageAnswer.of(narrow).as_json()
    assert ReconciledUsageAnswer.of(whole).as_json()["quantities"] == {}, "all were read, and none takes it"


def test_what_waits_has_a_value_where_a_list_price_says_one_and_an_owner_always() -> None:
    counted = [
        Counted(USAGE, Bucket.SUSPENSE, Reason.NO_METER, 2),
        Counted(USAGE, Bucket.SUSPENSE, Reason.NO_CONTRACT, 4),
    ]
    [row] = rows_of(counted, [Measured(USAGE, Bucket.SUSPENSE, "calls", CALLS, 3, Decimal("3.000"))])
    shown = ReconciledUsageAnswer.of(row).as_json()
    assert shown["quantities"] == {"calls": {"suspense": "3"}} and shown["counts"]["stored"] == 6
    assert shown["waiting"] == [
        {
            "place": "suspense",
            "reason": "no_meter",
            "owner": "integration engineer",
            "events": 2,
            "value": [],
            "unvalued": 2,
        },
        {
            "place": "suspense",
            "reason": "no_contract",
            "owner": "account executive",
            "events": 4,
            "value": [{"currency": "USD", "amount": "1.50"}],
            "unvalued": 1,
        },
    ]


def test_the_bounds_are_said_in_utc_whatever_the_offset_they_were_asked_with() -> None:
    asked = Narrow(TypeAdapter(Instant).validate_python("2025-01-01T00:00:00+14:00"), customer="acme")
    result = ResultRow("chk_1", "K1", NOW, {}, Decimal(0), True, 0, {"breaks_listed": 0})
    check = StoredCheck("chk_1", "usr_1", "done", NOW, NOW, NOW, 1, None, (result,))
    shown = ReconciliationAnswer.of(asked, Reconciled([], [], totals_of([], [])), check).as_json()
    assert (shown["from"], shown["to"], shown["quantities_of"]) == (
        "2024-12-31T10:00:00Z",
        None,
        "every meter",
    )


def test_a_held_event_names_what_holds_the_meters_that_take_it() -> None:
    holds = tuple(
        Hold("acme-2025", NOW, meter, f"exc_{meter}", "pricing_failed", "finance")
        for meter in ("calls", "bytes")
    )
    event = Placed(
        source="app",
        id="1",
        type="call",
        subject="acme",
        customer="acme",
        time=NOW,
        received_at=NOW,
        batch_id=1,
        seq=0,
        bucket=Bucket.HELD,
        reason=Reason.PRICING_FAILED,
        held_kind=None,
        meters=("calls",),
        closed=(),
        holds=holds,
        value=None,
    )
    shown = PlacedEventAnswer.of(event).as_json()
    assert shown["periods"] == [{"contract": "acme-2025", "period_start": "2025-01-01T00:00:00Z"}]
    assert (
        shown["exceptions"] == [{"id": "exc_calls", "kind": "pricing_failed", "owner": "finance"}]
        and shown["owner"] == "finance"
    )
