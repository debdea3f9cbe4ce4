"""One file a kind of rule; each says which models it answers."""

from u2c.cases.answers import (
    balances,
    calendar,
    changes,
    discounts,
    metering,
    prices,
    rounding,
    spend,
    versions,
)
from u2c.cases.case import Answers

ANSWERS: Answers = {
    model: answer
    for kind in (prices, metering, spend, balances, discounts, rounding, calendar, versions, changes)
    for model, answer in kind.ANSWERS.items()
}
