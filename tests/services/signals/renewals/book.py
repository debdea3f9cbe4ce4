"""A customer whose yearly term ends with 2024, as signals hears of it: use, statements and documents of each month."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from services.signals.renewals.usecases.judge_terms import judge_terms
from shared.runtime.clock import to_us
from shared.topics.billing import DOCUMENTS
from shared.topics.rating import (
    ACTIVE_HOURS,
    CATALOGUE_METERS,
    CONTRACTS,
    CUSTOMERS,
    STATEMENTS,
    ActiveHour,
    ActiveHoursMessage,
    ContractVersionMessage,
    CustomerMessage,
    MeterMessage,
    StatementMessage,
    SubjectActivity,
)
from shared.values.period import add_months, local_midnight
from tests.services.signals.contracts import told_version, written
from tests.services.signals.deployment import START, Signals
from tests.services.signals.settling import document, line

YEAR, END, JUDGED = date(2024, 1, 1), date(2025, 1, 1), date(2025, 4, 1)
NAME = "acme-2024"


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


async def agree(signals: Signals, contract: str = NAME, **over: Any) -> None:
    """The customer, its meter, and a contract that renews each year with two months' notice."""
    await signals.say(CUSTOMERS, "cus_acme", CustomerMessage("cus_acme", 1, "acme", "Acme", (), "us", "UTC"))
    await signals.say(
        CATALOGUE_METERS,
        "calls",
        MeterMessage("calls", 1, "call", "count", None, "ignore", (), {}, None, None),
    )
    terms = written(contract=contract, **over)
    chain = (told_version(terms, to_us(START) - 1, to_us(START)),)
    await signals.say(CONTRACTS, contract, ContractVersionMessage(contract, 1, "cus_acme", "acme", chain))


async def use(signals: Signals, first: date, end: date, revision: int = 1, events: int = 5) -> None:
    """Calls at noon of each day of [first, end); none: what was there is void."""
    hours = tuple(
        ActiveHour("calls", to_us(noon(day)), events, str(events), to_us(noon(day)))
        for day in (first + timedelta(days=n) for n in range((end - first).days))
    )
    told = SubjectActivity(subject="acme", customer_id="cus_acme", customer="acme", hours=hours)
    await signals.say(ACTIVE_HOURS, "acme", ActiveHoursMessage(f"{revision}-{first}", revision, (told,)))


def statement(month: date, *, final: bool = True, contract: str = NAME, **over: Any) -> StatementMessage:
    end, zone = add_months(month, 1), over.get("timezone", "UTC")
    said: dict[str, Any] = {
        "statement_id": f"00000000-0000-5000-8000-{month.year:06d}{month.month:06d}",
        "revision": 2 if final else 1,
        "contract": contract,
        "customer_id": "cus_acme",
        "customer": "acme",
        "legal_entity": "us",
        "currency": "USD",
        "period_start_us": to_us(local_midnight(month, zone)),
        "period_end_us": to_us(local_midnight(end, zone)),
        "timezone": zone,
        "period_start_date": month.isoformat(),
        "period_end_date": (end - timedelta(days=1)).isoformat(),
        "lines": (),
        "subtotal_minor": 0,
        "watermark": {},
        "watermark_us": 0,
        "final": final,
        "priced_us": 0,
        "close_due_us": 0,
        "net_days": 30,
        "contract_versions": (1,),
    }
    return StatementMessage(**{**said, **over})


async def bill(
    signals: Signals, months: Sequence[date], amount: int, contract: str = NAME, **over: Any
) -> None:
    """Each month is final, and its invoice is of so much."""
    await signals.say(
        STATEMENTS, contract, *(statement(month, contract=contract, **over) for month in months)
    )
    invoices = [
        document(f"{contract}-{month}", month, line(amount, key="calls"), contract=contract)
        for month in months
    ]
    await signals.say(DOCUMENTS, contract, *invoices)


def months(first: date, count: int) -> list[date]:
    return [add_months(first, n) for n in range(count)]


async def judge(signals: Signals) -> None:
    """As the job does."""
    while True:
        async with signals.context.db.transaction() as uow:
            if not await judge_terms(uow, signals.context.clock.now(), 50):
                return


async def renewal(signals: Signals) -> dict[str, Any]:
    """The newest signal that the term which ends with 2024 is due."""
    told = (await signals.get("/v1/signals", type="renewal.due", contract=NAME))["data"]
    found: dict[str, Any] = next(one for one in told if one["data"]["term_end"] == END.isoformat())
    return found


async def report(signals: Signals) -> dict[str, Any]:
    found: dict[str, Any] = await signals.get("/v1/signals/report")
    return found
