"""What is wrong in signals has an owner and can be asked for, as in every other service."""

from shared.cases import NewCase, open_exception, resolve_exception
from tests.services.signals.deployment import START, Signals


async def test_what_is_open_is_listed_with_its_owner_and_its_deadline(signals: Signals) -> None:
    async with signals.context.db.transaction() as uow:
        for n in range(3):
            await open_exception(
                uow,
                NewCase(
                    "webhook_given_up", f"del_{n}", "It was tried for three days.", owner="customer success"
                ),
                START,
            )
        await resolve_exception(uow, "webhook_given_up", "del_0", START)
    listed = await signals.get("/v1/exceptions", limit=1, owner="customer success")
    rest = await signals.get(
        "/v1/exceptions", limit=1, owner="customer success", cursor=listed["next_cursor"]
    )
    assert listed["has_more"] and not rest["has_more"]
    found = {row["reference"]: row for row in (*listed["data"], *rest["data"])}
    assert found.keys() == {"del_1", "del_2"}
    assert found["del_1"] == {
        "object": "exception",
        "id": found["del_1"]["id"],
        "kind": "webhook_given_up",
        "reference": "del_1",
        "detail": "It was tried for three days.",
        "owner": "customer success",
        "opened_at": "2024-01-01T12:00:00Z",
        "deadline_at": "2024-01-04T12:00:00Z",
        "price": None,
        "resolved_at": None,
        "resolves": "by_person",
    }
    assert [row["reference"] for row in (await signals.get("/v1/exceptions", resolved=True))["data"]] == [
        "del_0"
    ]
