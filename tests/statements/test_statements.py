"""Statements follow usage, contracts and the clock, on a real Postgres with the service running."""

from tests.statements.deployment import Deployment, event, terms, utc, void


async def test_usage_is_priced(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme"))
    await rating.send(*(event(f"e{n}", "acme", utc("2024-01-05T10:00:00")) for n in range(3)))
    await rating.settled()
    statement = await rating.stored("acme-1", "2024-01-01")
    assert [(line.key, str(line.quantity), line.amount_minor) for line in statement.lines] == [("calls", "3", 600)]
    assert not statement.final
