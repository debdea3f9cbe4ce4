"""A term is judged once what followed it is known, again while that still changes, and beside what persons say."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from shared.topics.billing import DOCUMENTS
from shared.topics.rating import STATEMENTS
from tests.services.signals.contracts import calls_line
from tests.services.signals.deployment import Signals, reading
from tests.services.signals.renewals.book import (
    END,
    JUDGED,
    NAME,
    YEAR,
    agree,
    bill,
    judge,
    months,
    noon,
    renewal,
    report,
    statement,
    use,
)
from tests.services.signals.replica.test_heard import evaluate_until
from tests.services.signals.settling import document, line

SEPTEMBER = date(2024, 9, 20)


async def evaluated(signals: Signals, until: date) -> None:
    await evaluate_until(signals, noon(until))
    await judge(signals)


@pytest.mark.parametrize(
    ("after", "outcome", "shown"),
    [(740, "contracted", "22.20"), (760, "renewed", "22.80"), (1260, "expanded", "37.80")],
)
async def test_a_term_is_judged_by_what_it_settles_and_is_open_until_then(
    signals: Signals, after: int, outcome: str, shown: str
) -> None:
    await agree(signals)
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 12), 1000)
    await evaluated(signals, JUDGED - timedelta(days=1))
    assert (await renewal(signals))["outcome"] is None, "the three months are not over"
    await bill(signals, months(END, 2), after)
    await signals.say(STATEMENTS, NAME, statement(date(2025, 3, 1), final=False))
    await evaluated(signals, JUDGED)
    assert (await renewal(signals))["outcome"] is None, "March is not final"
    await signals.say(STATEMENTS, NAME, statement(date(2025, 3, 1)))
    await evaluated(signals, JUDGED + timedelta(days=1))
    counted = (await report(signals))["outcomes"]
    assert (await renewal(signals))["outcome"] is None and counted["open"] == 1, (
        "no document says what March is"
    )
    await bill(signals, [date(2025, 3, 1)], after)
    await evaluated(signals, JUDGED + timedelta(days=2))
    found = await renewal(signals)
    assert (found["outcome"], found["named"]) == (outcome, [])
    judged = found["judged"]
    assert (judged["currency"], judged["settled_before"], judged["settled_after"], judged["silent_days"]) == (
        "USD",
        "30.00",
        shown,
        0,
    )
    counted = (await report(signals))["outcomes"]
    assert counted[outcome] == 1 and sum(counted.values()) == 1
    await proven(signals, judged)


async def proven(signals: Signals, judged: dict[str, Any]) -> None:
    """Whoever may read signals opens the evidence, and finds there what the judgement says."""
    async with reading(signals) as headers:
        used, paid = [
            (await signals.client.get(where["path"], headers=headers)).json() for where in judged["evidence"]
        ]
    assert len({row["day"] for row in used["days"]}) == 90 and used["since"] == "2025-01-01"
    amounts = {row["start"]: Decimal(row["amount"]) for row in paid["periods"]}
    before, after = months(date(2024, 10, 1), 3), months(END, 3)
    assert sum(amounts[month.isoformat()] for month in before) == Decimal(judged["settled_before"])
    assert sum(amounts[month.isoformat()] for month in after) == Decimal(judged["settled_after"])
    assert amounts.keys() == {month.isoformat() for month in (*before, *after)}


async def test_an_auto_renewed_term_of_a_customer_silent_since_september_is_churned(signals: Signals) -> None:
    """The fee is billed on, so money alone would say that it was renewed."""
    await agree(signals)
    await use(signals, YEAR, SEPTEMBER)
    await bill(signals, months(YEAR, 15), 1000)
    await evaluated(signals, JUDGED)
    found = await renewal(signals)
    assert (found["outcome"], found["judged"]["silent_days"]) == ("churned", 90)
    told = await report(signals)
    assert (told["judged"], told["lost"], told["called"], told["precision"], told["recall"]) == (
        1,
        1,
        1,
        "1",
        "1",
    )
    assert told["largest"] == {"customer": "acme", "renewals": 1, "share": "1"} and told["customers"] == 1
    [row] = told["renewals"]
    assert (row["judged_from"], row["named"], row["judged"]) == ("2025-04-01", None, "churned")
    assert told["recall_interval"]["high"] == "1" and 0 < float(told["recall_interval"]["low"]) < 0.3


async def test_a_zero_that_has_no_document_is_not_waited_for(signals: Signals) -> None:
    await agree(signals, skip_zero_invoices=True)
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 12), 1000)
    zeros = [statement(month, skip_zero_invoices=True) for month in months(END, 3)]
    await signals.say(STATEMENTS, NAME, *zeros)
    await evaluated(signals, JUDGED)
    assert (await renewal(signals))["judged"]["settled_after"] == "0.00"
    assert (await renewal(signals))["outcome"] == "contracted"


async def test_what_comes_late_changes_a_judgement_until_ninety_days_after_and_no_longer(
    signals: Signals,
) -> None:
    """A note takes half of it back; then use turns out to be void; then, too late, it is there again."""
    await agree(signals)
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 15), 1000)
    await evaluated(signals, JUDGED)
    assert (await renewal(signals))["outcome"] == "renewed"
    corrected = {"kind": "credit_note", "occasion": "note:1", "corrects": f"{NAME}-2025-02-01"}
    note = document("note", date(2025, 2, 1), line(-900, key="calls"), **corrected)
    await signals.say(DOCUMENTS, NAME, note)
    await evaluated(signals, JUDGED + timedelta(days=8))
    assert (await renewal(signals))["judged"]["settled_after"] == "21.00"
    assert (await renewal(signals))["outcome"] == "contracted"
    await use(signals, END, date(2025, 3, 10), revision=2, events=0)
    await evaluated(signals, JUDGED + timedelta(days=60))
    assert (await renewal(signals))["outcome"] == "churned"
    await use(signals, END, date(2025, 3, 10), revision=3)
    await evaluated(signals, JUDGED + timedelta(days=150))
    assert (await renewal(signals))["outcome"] == "churned", "it stands"
    said = await signals.context.db.pool.fetch("select outcome from signals.outcomes order by said_id")
    assert [row["outcome"] for row in said] == ["renewed", "contracted", "churned"], "each is kept"


async def test_a_fee_of_the_whole_year_is_not_of_the_months_in_which_it_is_billed(signals: Signals) -> None:
    fee = {"key": "platform", "kind": "recurring", "amount": "120", "every": {"months": 12}}
    await agree(signals, lines=[calls_line(), fee])
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 15), 1000)
    yearly = document("yearly", date(2024, 12, 1), line(12_000, "recurring", key="platform"))
    await signals.say(DOCUMENTS, NAME, yearly)
    await evaluated(signals, JUDGED)
    found = await renewal(signals)
    assert (found["outcome"], found["judged"]["settled_before"]) == ("renewed", "30.00")


async def test_a_contract_that_ends_is_lost_unless_another_one_follows_it(signals: Signals) -> None:
    await agree(signals, renewal={"auto": False, "notice_days": 60})
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 12), 1000)
    await evaluated(signals, JUDGED)
    assert (await renewal(signals))["outcome"] == "churned"
    await agree(signals, contract="acme-2025", term={"start": "2025-01-01", "months": 12})
    await bill(signals, months(END, 3), 1500, contract="acme-2025")
    await evaluated(signals, JUDGED + timedelta(days=8))
    assert (await renewal(signals))["outcome"] == "expanded", "under another name"


async def test_periods_begin_where_each_contract_is(signals: Signals) -> None:
    """The contract is in New York, that which follows it in Kiritimati, the customer in UTC: one day begins three times."""
    new_york, kiritimati = {"timezone": "America/New_York"}, {"timezone": "Pacific/Kiritimati"}
    await agree(signals, renewal={"auto": False, "notice_days": 60}, **new_york)
    await agree(signals, contract="acme-2025", term={"start": "2025-01-01", "months": 12}, **kiritimati)
    await use(signals, YEAR, JUDGED)
    await bill(signals, months(YEAR, 12), 1000, **new_york)
    await bill(signals, months(END, 4), 1000, contract="acme-2025", **kiritimati)
    await evaluated(signals, JUDGED)
    found = await renewal(signals)
    assert (found["outcome"], found["judged"]["settled_after"]) == ("renewed", "30.00")
