"""What was paid for a grant is checked to the minor unit, also where its block hands on to others or has something of them."""

import asyncpg

from services.billing.conservation.checks.k5_blocks import blocks
from services.billing.conservation.checks.sabotage import plant
from tests.services.rating.deployment import Deployment, terms, utc

MONTHLY = {
    "key": "monthly",
    "kind": "prepaid",
    "amount": "10.00",
    "cost_basis": "0.333",
    "refill": {"every": "month", "anchor": "2024-01-01"},
    "roll_over": {"max": "2.00"},
}
HANDED = "select count(*) from rating.block_rows where block_id = $1 and cause = 'rolled_over'"
GRANTS = """select row_id, block_id from rating.block_rows where kind = 'grant' and cause = 'clause' order by row_id"""


async def test_a_grant_of_a_block_that_rolls_over_is_named_where_it_costs_a_minor_unit_more(
    rating: Deployment, auditor: asyncpg.Connection
) -> None:
    await rating.customer("acme")
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", credits=[MONTHLY]))
    await rating.settled()
    await rating.advance(utc("2024-04-05T00:00:00"))
    assert (await blocks(auditor, None, drained=False)).breaks == ()
    admin = await asyncpg.connect(rating.database.admin_url)
    try:
        await admin.execute("set session_replication_role = replica")
        grants = await admin.fetch(GRANTS)
        handed = [grant for grant in grants if await admin.fetchval(HANDED, grant["block_id"])]
        assert len(handed) >= 3
        for grant in handed:
            for by in (1, -1):
                change = "update rating.block_rows set cost_minor = cost_minor + $2 where row_id = $1"
                await admin.execute(change, grant["row_id"], by)
                found = (await blocks(auditor, None, drained=False)).breaks
                assert {(one.fault, one.where.key["block_id"]) for one in found} == {
                    ("block_cost_off", grant["block_id"])
                }
                await admin.execute(change, grant["row_id"], -by)
        planted = await plant(admin, "cost-shifted")
        found = (await blocks(auditor, None, drained=False)).breaks
        assert any(planted.named_by(one) for one in found), (planted, found)
    finally:
        await admin.close()
