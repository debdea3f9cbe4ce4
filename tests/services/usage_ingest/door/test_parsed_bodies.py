"""Bodies that FastAPI parses are counted first, on a service whose own bodies may be larger too, and an
answer does not list faults without end."""

import json
from collections.abc import Iterator

import psutil
import pytest

from shared.http.limits import BODY_MAX_BYTES, ERRORS_MAX, VALUES_MAX
from tests.services.usage_ingest.conftest import Door

MB = 1024 * 1024


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b'{"name":"' + b"x" * (6 * MB) + b'"}', "body_too_large"),
        (
            b'{"name":"a","scopes":["admin"],"x":[' + b"[]," * (BODY_MAX_BYTES // 3 - 20) + b"[]]}",
            "too_many_values",
        ),
        (
            b'{"name":"a","scopes":["admin"]' + b"".join(b',"x%d":0' % n for n in range(VALUES_MAX)) + b"}",
            "too_many_values",
        ),
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_values_are_counted_before_they_are_objects(
    door: Door, body: bytes, code: str, announced: bool
) -> None:
    def parts() -> Iterator[bytes]:
        for start in range(0, len(body), 100_000):
            yield body[start : start + 100_000]

    process = psutil.Process(door.process.pid)
    with door.client() as client:
        client.get("/v1/keys")
        before = process.memory_info().rss
        answer = client.post(
            "/v1/keys", content=body if announced else parts(), headers={"Content-Type": "application/json"}
        )
        assert (answer.status_code, answer.json()["code"]) == (413, code)
    assert process.memory_info().rss - before < 30 * MB


def test_faults_are_listed_up_to_a_number_and_counted(door: Door) -> None:
    wanted = {"name": "a", "scopes": ["admin"], **{f"x{n}": 0 for n in range(VALUES_MAX - 10)}}
    with door.client() as client:
        answer = client.post(
            "/v1/keys", content=json.dumps(wanted), headers={"Content-Type": "application/json"}
        )
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == ERRORS_MAX
    assert f"{VALUES_MAX - 10} in all, of which {ERRORS_MAX} are listed" in answer.json()["detail"]
