"""The door over HTTP."""

import json

from tests.ingest.conftest import Door


def plain(event_id: str, **changes: object) -> dict[str, object]:
    return {"specversion": "1.0", "id": event_id, "source": "gate", "type": "t", "subject": "s", "time": "2013-07-15T11:00:00Z", **changes}


async def test_events_reach_the_bus(door: Door) -> None:
    with door.client() as client:
        answer = client.post("/v1/events", json=[plain("a"), plain("b")])
    assert answer.status_code == 202, answer.text
    print(json.dumps(answer.json(), indent=1))
