"""What the API shows of what a customer settled."""

from datetime import date
from typing import Annotated, Literal, Self

from pydantic import Field

from services.signals.evaluation.usecases.say_settled import CustomerSettled
from services.signals.replica.rows import SettledPeriodRow
from shared.http.answers import Amount, Answer, WorthAnswer
from shared.http.shown_names import ContractName, CurrencyCode, CustomerName
from shared.values.money import Money, currency, format_minor


class SettledPeriodAnswer(Answer):
    """What is settled of one service period, as last corrected. The dates are local and both inclusive."""

    contract: ContractName
    start: date
    end: date
    currency: CurrencyCode
    amount: Amount
    """Fees and usage, before tax and whatever pays them, without one-off charges and what a credit given pays"""
    shortfall: Amount
    """What is short of a commitment, less what late use pays from it"""
    documents: Annotated[list[str], Field(examples=[["inv_0PzN5cVbfq9yqLJ1fGzWmA"]])]
    """Those that say so, in billing"""

    @classmethod
    def of(cls, row: SettledPeriodRow) -> Self:
        of = currency(row.currency)
        return cls(
            contract=row.contract,
            start=row.start_date,
            end=row.end_date,
            currency=row.currency,
            amount=format_minor(row.settled_minor, of),
            shortfall=format_minor(row.shortfall_minor, of),
            documents=list(row.documents),
        )


class SettledAnswer(Answer):
    """What a customer settled, of the service periods that ended on the days from `since` until before `until`."""

    object: Literal["settled"] = "settled"
    customer: CustomerName
    since: date
    until: date
    """Exclusive"""
    settled: list[WorthAnswer] | None
    """All periods together, shortfalls too, a currency each; null while a document is awaited that was told before money was
    kept: what is known of it would be too little"""
    periods: list[SettledPeriodAnswer]

    @classmethod
    def of(cls, customer: str, since: date, until: date, found: CustomerSettled) -> Self:
        worth = None
        if found.worth is not None:
            amounts = (Money(minor, currency(code)) for code, minor in sorted(found.worth.items()))
            worth = WorthAnswer.each(amounts)
        periods = [SettledPeriodAnswer.of(row) for row in found.periods]
        return cls(customer=customer, since=since, until=until, settled=worth, periods=periods)
