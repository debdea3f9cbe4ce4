"""What was said here is judged by what followed, over HTTP."""

from datetime import UTC, date, datetime, timedelta

from shared.runtime.clock import to_us
from shared.topics.rating import ACTIVE_HOURS, CONTRACTS, ContractVersionMessage
from tests.services.signals.contracts import told_version
from tests.services.signals.deployment import START, Signals
from tests.services.signals.replica.test_heard import TERMS, evaluate_until, hour_of, set_up, told


async def test_one_customer_is_judged_and_what_cannot_be_told_is_null(signals: Signals) -> None:
    """Used daily until the end of May, then silent: as June began it could not be known, from July on it was gone."""
    await set_up(signals)
    terms = told_version(TERMS, to_us(START) - 1, to_us(START))
    await signals.say(
        CONTRACTS, "acme-2024", ContractVersionMessage("acme-2024", 1, "cus_acme", "acme", (terms,))
    )
    days = [date(2024, 1, 1) + timedelta(days=number) for number in range(152)]
    await signals.say(ACTIVE_HOURS, "acme", *(told(n, hour_of(day, 15, 9)) for n, day in enumerate(days, 1)))
    await evaluate_until(signals, datetime(2024, 10, 2, 12, tzinfo=UTC))
    found = await signals.get("/v1/backtest")
    judged = {one["said"]["at"]: one for one in found["judged"]}
    assert judged["2024-05-01"]["lost"] is True and judged["2024-05-01"]["silent_days"] == 0
    assert judged["2024-03-01"]["lost"] is None, "three months before it are not known"
    assert judged["2024-09-01"]["lost"] is None, "it was silent for the quarter before"
    worth = found["worth"]
    assert (worth["customers"], worth["largest_loser"]) == (1, {"customer": "acme", "share": "1"})
    assert worth["base_rate_interval"] is None and worth["losses"] > 0
