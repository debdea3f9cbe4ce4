"""Each reason of a risk names where its proof lies, and whoever may read signals can open it: from the API, and from
a webhook."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.signals.domain.customer_day import Customer, Known, Meter
from services.signals.domain.proofs import proof_of
from services.signals.domain.rollup import fresh
from services.signals.domain.steps.silence import silences_of
from services.signals.settings import read_policy
from shared.runtime.clock import to_us
from shared.topics.rating import ACTIVE_HOURS, CONTRACTS, ContractVersionMessage
from tests.services.signals.contracts import told_version
from tests.services.signals.deployment import START, Signals, reading
from tests.services.signals.evaluation.test_producers import NAMES, STOP, book, evaluate_at, speak
from tests.services.signals.receivers import answers, receiving
from tests.services.signals.replica.test_heard import TERMS, evaluate_until, hour_of, set_up, told
from tests.waiting import until

NOTICE_DAY = date(2024, 11, 2)


async def test_every_proof_can_be_opened_by_who_may_read_signals(signals: Signals) -> None:
    """Used for twenty days of January and never again: each way to say it is proven, at the notice day."""
    await set_up(signals)
    terms = told_version(TERMS, to_us(START) - 1, to_us(START))
    await signals.say(
        CONTRACTS, "acme-2024", ContractVersionMessage("acme-2024", 1, "cus_acme", "acme", (terms,))
    )
    days = [date(2024, 1, number) for number in range(1, 21)]
    await signals.say(ACTIVE_HOURS, "acme", *(told(n, hour_of(day, 15, 9)) for n, day in enumerate(days, 1)))
    async with receiving(answers(204)) as receiver:
        await signals.endpoint(receiver.url, ["customer.at_risk", "renewal.at_risk"])
        await evaluate_until(signals, datetime(2024, 11, 2, 12, tzinfo=UTC))

        async def both_came() -> bool:
            return len(set(receiver.ids)) == 2

        await until(both_came)
    webhooks = [json.loads(one.body) for one in receiver.seen]
    standing = (await signals.get("/v1/customers/acme/signals"))["evaluated"]
    facts = (await signals.get("/v1/signals", limit=200))["data"]
    reasons = [
        *_reasons(webhooks),
        *_reasons(standing),
        *_reasons([fact for fact in facts if fact["type"].endswith("at_risk")]),
    ]
    assert len(reasons) == 6 and all(reason["evidence"]["service"] == "signals" for reason in reasons)
    said = {reason["evidence"]["path"] for reason in reasons}
    async with reading(signals) as headers:
        for path in said | _every_path():
            answer = await signals.client.get(path, headers=headers)
            assert answer.status_code == 200, f"{path}: {answer.text}"
            shows = answer.json().get("days") or answer.json().get("evaluated")
            assert shows or path not in said, f"{path} shows nothing"
    silent = next(reason for reason in _reasons(webhooks) if reason["reason"] == "silent_days")
    shown = (await signals.client.get(silent["evidence"]["path"])).json()["days"]
    assert [day["day"] for day in shown] == ["2024-01-20"], "the last day with use, and none after it"


@pytest.mark.parametrize("at_once", [1, 100])
async def test_of_a_silent_producer_who_was_silent_can_be_opened(signals: Signals, at_once: int) -> None:
    """In zones from New York to Tokyo, told before a day begins for all of them; nobody has to be silent any more."""
    await book(signals, dict(zip(NAMES, (STOP, STOP, STOP, None, None), strict=True)))
    told_on = datetime(2024, 3, 28, 16, tzinfo=UTC)
    await signals.move_clock(told_on)
    await evaluate_at(signals, told_on, at_once)
    [producer] = (await signals.get("/v1/signals", type="meter.silent"))["data"]
    assert (producer["customer"], producer["evidence"]["service"]) == ("call", "signals")
    await speak(signals, ("a", "b", "c"), date(2024, 3, 28))
    await signals.move_clock(datetime(2024, 4, 5, 23, tzinfo=UTC))
    await evaluate_at(signals, datetime(2024, 4, 5, 23, tzinfo=UTC), at_once)
    assert (await signals.get("/v1/customers", silent="true"))["data"] == []
    async with reading(signals) as headers:
        answer = await signals.client.get(producer["evidence"]["path"], headers=headers)
    assert answer.status_code == 200, answer.text
    shown = answer.json()["data"]
    assert shown and {one["customer"] for one in shown} <= {"a", "b", "c"}


async def test_that_a_producer_is_silent_is_never_said_of_a_time_to_come(signals: Signals) -> None:
    """Told on the 28th of Auckland, which is the evening of the 27th by UTC."""
    await book(signals, dict(zip(NAMES, (None, None, STOP, STOP, STOP), strict=True)))
    told_on = datetime(2024, 3, 27, 20, tzinfo=UTC)
    await signals.move_clock(told_on)
    await evaluate_at(signals, told_on, 100)
    [producer] = (await signals.get("/v1/signals", type="meter.silent"))["data"]
    assert datetime.fromisoformat(producer["occurred_at"]) == datetime(2024, 3, 27, 11, tzinfo=UTC)
    answer = await signals.client.get(producer["evidence"]["path"])
    assert answer.status_code == 200, answer.text
    [shown] = answer.json()["data"]
    assert shown["customer"] == "e" and shown["silent_meters"] == ["calls"]


def _every_path() -> set[str]:
    """Of every reason there is, whether it counts here or not."""
    rollup = fresh("calls", date(2024, 1, 20))
    rollup.add(date(2024, 1, 20), 9, Decimal(9))
    customer = Customer(
        "cus_acme", "acme", "America/New_York", {"calls": rollup}, {"calls": Meter(True, "call")}, []
    )
    known = Known(customer, NOTICE_DAY, None, read_policy())
    reasons = {factor.reason for factor in known.policy.risk.factors}
    return {proof_of(known, silences_of(known), rollup, reason)["path"] for reason in reasons}


def _reasons(node: Any) -> list[dict[str, Any]]:
    """Every reason below."""
    if isinstance(node, list):
        return [reason for one in node for reason in _reasons(one)]
    if not isinstance(node, dict):
        return []
    return [*node.get("reasons", []), *(reason for one in node.values() for reason in _reasons(one))]
