"""Every line of bad input: the answer names the fault and the remedy, it is never a 500, and good neighbours
are not harmed."""

import gzip
import io
import json
import random
from uuid import uuid4

import httpx2
import psutil
import pytest

from services.usage_ingest.door.requests.body import MEMBERS_MAX, STEP_BYTES, GzipBroken, gunzip
from tests.services.usage_ingest.circumstances import event
from tests.services.usage_ingest.conftest import Door
from tests.waiting import until

JSON = {"Content-Type": "application/json"}
MIB = 1024 * 1024


def told(answer: httpx2.Response, status: int) -> dict[str, str]:
    """The problem document of a refusal; it names itself and the request."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, str] = answer.json()
    assert problem["code"] and problem["title"] and problem["request_id"] == answer.headers["x-request-id"]
    return problem


def source() -> str:
    """A source no other test uses."""
    return f"test-{uuid4()}"


@pytest.mark.parametrize(
    ("body", "offset"),
    [
        (b"{", "byte 1"),
        (b"not json", "byte 1"),
        (b'[{"id":"a"},{"id":}]', "byte 18"),
        (b'{"data":{"value":NaN}}', "byte 17"),
        (b"", "byte 0"),
    ],
)
def test_malformed_json_is_refused_with_its_offset(door: Door, body: bytes, offset: str) -> None:
    with door.client() as client:
        problem = told(client.post("/v1/events", content=body, headers=JSON), 400)
    assert problem["code"] == "body_malformed"
    assert offset in problem["detail"]


async def test_a_syntax_fault_in_an_array_accepts_nothing_of_it(door: Door) -> None:
    mine = source()
    body = json.dumps([event(source=mine), event(source=mine, id="e2")])[:-1] + ",{]"
    with door.client() as client:
        told(client.post("/v1/events", content=body, headers=JSON), 400)
    assert await door.usage(mine) == []


async def test_in_ndjson_each_line_stands_alone(door: Door) -> None:
    mine = source()
    lines = "\n".join(
        [
            json.dumps(event(source=mine)),
            "{broken",
            '{"id": "n", "data": {"x": NaN}}',
            json.dumps(event(source=mine, id="e2")),
        ]
    )
    with door.client() as client:
        answer = client.post("/v1/events", content=lines, headers={"Content-Type": "application/x-ndjson"})
    assert answer.status_code == 202
    assert [(r["index"], r["code"]) for r in answer.json()["results"]] == [
        (1, "json_malformed"),
        (2, "json_malformed"),
    ]
    assert {message.id for message in await door.usage(mine)} == {"e1", "e2"}


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=utf-16", None]
)
def test_a_wrong_content_type_is_told_what_is_taken(door: Door, content_type: str | None) -> None:
    with door.client() as client:
        problem = told(
            client.post(
                "/v1/events",
                content=json.dumps(event()),
                headers={"Content-Type": content_type} if content_type else {},
            ),
            415,
        )
    assert "charset" in problem["detail"] or "application/cloudevents-batch+json" in problem["detail"]


def test_head_is_get_without_its_body(door: Door) -> None:
    with door.client() as client:
        for path, status in (
            ("/healthz", 200),
            ("/v1/keys", 200),
            ("/v1/quarantine/qua_none", 404),
            ("/v1/events/void", 405),
        ):
            for method in ("HEAD", "GET"):  # on one connection, which must not lose its place
                answer = client.request(method, path)
                assert (answer.status_code, bool(answer.content)) == (status, method == "GET"), (method, path)
    assert httpx2.head(f"{door.url}/v1/keys", trust_env=False).status_code == 401


CUT_OFF = gzip.compress(b"[]" * 9999, mtime=0)[:-9]  # the same bytes whenever the tests are collected


@pytest.mark.parametrize(
    ("encoding", "body", "status"), [("br", b"x", 415), ("gzip", b"not gzip", 400), ("gzip", CUT_OFF, 400)]
)
def test_a_wrong_encoding_is_refused(door: Door, encoding: str, body: bytes, status: int) -> None:
    with door.client() as client:
        told(client.post("/v1/events", content=body, headers={**JSON, "Content-Encoding": encoding}), status)


async def test_gzip_is_welcome_in_several_members_too(door: Door) -> None:
    mine = source()
    body = json.dumps([event(source=mine)]).encode()
    with door.client() as client:
        answer = client.post(
            "/v1/events",
            content=gzip.compress(body[:20]) + gzip.compress(body[20:]),
            headers={**JSON, "Content-Encoding": "gzip"},
        )
    assert (answer.status_code, answer.json()["accepted"]) == (202, 1)


@pytest.mark.parametrize("of_a_quarantined_event", [False, True])
def test_a_gzip_of_very_many_members_is_refused_after_the_first_thousand(
    door: Door, of_a_quarantined_event: bool
) -> None:
    body = gzip.compress(b"") * 400_000 + gzip.compress(b"[]")
    path = "/v1/quarantine/qua_none/repair" if of_a_quarantined_event else "/v1/events"
    with door.client() as client:
        problem = told(client.post(path, content=body, headers={**JSON, "Content-Encoding": "gzip"}), 400)
    assert "more than 1000 members" in problem["detail"]


def test_a_body_may_come_in_a_thousand_members_and_each_may_be_longer_than_a_step() -> None:
    piece = random.Random(1).randbytes(4000)
    assert gunzip(gzip.compress(piece) * MEMBERS_MAX) == piece * MEMBERS_MAX
    long = random.Random(2).randbytes(3 * STEP_BYTES)
    assert gunzip(gzip.compress(long) + gzip.compress(long)) == long * 2
    with pytest.raises(GzipBroken, match="members"):
        gunzip(gzip.compress(b"") * (MEMBERS_MAX + 1))
    with pytest.raises(GzipBroken, match="too early"):
        gunzip(gzip.compress(piece) + gzip.compress(long)[:-1])
    with pytest.raises(GzipBroken):
        gunzip(gzip.compress(piece) + b"{}")


@pytest.mark.parametrize("announced", [True, False])
def test_nine_mebibytes_are_too_many(door: Door, announced: bool) -> None:
    body = b" " * (9 * MIB)
    with door.client() as client:
        problem = told(
            client.post("/v1/events", content=body if announced else iter([body[:MIB]] * 9), headers=JSON),
            413,
        )
    assert "split the batch" in problem["detail"]


def test_a_gzip_bomb_is_refused_at_once_and_in_little_memory(door: Door) -> None:
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as bomb:
        for _ in range(200):
            bomb.write(b" " * MIB)
    process = psutil.Process(door.process.pid)
    before = process.memory_info().rss
    with door.client() as client:
        problem = told(
            client.post(
                "/v1/events", content=packed.getvalue(), headers={**JSON, "Content-Encoding": "gzip"}
            ),
            413,
        )
    assert "unpacks to more than" in problem["detail"]
    assert process.memory_info().rss - before < 50 * MIB


DEEP = 100_000


@pytest.mark.parametrize(
    "body",
    [
        b"[" * DEEP + b"]" * DEEP,
        b'{"data":' + b"[" * DEEP + b"]" * DEEP + b"}",
        b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    ],
)
def test_nesting_of_a_hundred_thousand_is_refused_at_once(door: Door, body: bytes) -> None:
    with door.client() as client:
        assert "nested" in told(client.post("/v1/events", content=body, headers=JSON), 400)["detail"]
        for path in (
            "/v1/events/void",
            "/v1/events/correct",
            "/v1/keys",
            "/v1/quarantine/replay",
            "/v1/quarantine/qua_1/repair",
        ):
            assert client.post(path, content=body, headers=JSON).status_code in (400, 422), path


async def test_faulty_events_are_kept_with_their_bytes_and_their_neighbours_counted(door: Door) -> None:
    mine = source()
    plain = json.dumps(event(source=mine))
    faults = {
        plain.replace("1400", "1e400"): "number_out_of_range",
        plain.replace("1400", "1e1000000"): "number_out_of_range",
        plain.replace("1400", '"NaN"'): "value_not_a_number",
        plain.replace("1400", "true"): "value_not_a_number",
        plain.replace("1400", '""'): "value_missing",
        plain.replace('"N1"', r'"N\u0000"'): "text_has_nul",
        plain.replace('"N1"', r'"\ud800"'): "text_not_unicode",
        plain.replace('"UA"', r'"\udfffA"'): "text_not_unicode",
        plain.replace('"UA"', '""'): "attribute_missing",
        plain.replace('"2013-07-15T11:00:00Z"', "null"): "time_missing",
        plain.replace("2013-07-15T11:00:00Z", "2013-07-15T12:05:01Z"): "timestamp_out_of_range",
        plain.replace("2013-07-15T11:00:00Z", "9999-01-01T00:00:00Z"): "timestamp_out_of_range",
        plain.replace("2013-07-15T11:00:00Z", "2013-07-15T11:00:00"): "time_unreadable",
        plain.replace('"N1"', '"' + "x" * 70_000 + '"'): "event_too_large",
        "17": "not_an_object",
    }
    body = (
        "["
        + ",".join(
            [json.dumps(event(source=mine, id="first")), *faults, json.dumps(event(source=mine, id="last"))]
        )
        + "]"
    )
    with door.client() as client:
        answer = client.post("/v1/events", content=body, headers=JSON)
        assert answer.status_code == 202, answer.text
        assert [result["code"] for result in answer.json()["results"]] == list(faults.values())
        assert all(
            result["status"] == "quarantined" and result["detail"] for result in answer.json()["results"]
        )
    assert (answer.json()["accepted"], answer.json()["received"], answer.json()["quarantined"]) == (
        2,
        2 + len(faults),
        len(faults),
    )
    assert {message.id for message in await door.usage(mine)} == {"first", "last"}

    trace = answer.headers["x-request-id"]

    async def all_stored() -> bool:
        return len(
            await door.fetch("select from usage_ingest.quarantine where request_id = $1", trace)
        ) == len(faults)

    await until(all_stored)
    kept = await door.fetch(
        "select raw, code from usage_ingest.quarantine where request_id = $1 order by index_", trace
    )
    assert [(row["raw"].decode(), row["code"]) for row in kept] == list(faults.items())


async def test_the_same_id_with_another_body_is_a_conflict_and_both_go_to_metering(door: Door) -> None:
    mine = source()
    with door.client() as client:
        answer = client.post(
            "/v1/events",
            json=[event(source=mine), event(source=mine, data={"distance": 1}), event(source=mine)],
        ).json()
    assert [(r["index"], r["status"]) for r in answer["results"]] == [(1, "conflict"), (2, "duplicate")]
    assert (answer["accepted"], answer["published"]) == (1, 3)
    first, other, again = sorted(
        await door.usage(mine), key=lambda message: len(bytes(message.data)), reverse=True
    )
    assert first.body_hash != again.body_hash or other.body_hash != first.body_hash
    assert len({first.body_hash, other.body_hash, again.body_hash}) == 2


@pytest.mark.parametrize("change", [{"subject": "nobody"}, {"type": "never.heard"}])
async def test_an_unknown_customer_or_type_is_accepted_as_unmatched(
    door: Door, change: dict[str, str]
) -> None:
    mine = source()
    with door.client() as client:
        answer = client.post("/v1/events", json=event(source=mine, **change)).json()
    assert [(r["status"], r["code"]) for r in answer["results"]] == [("accepted", "unmatched")]
    assert (answer["accepted"], len(await door.usage(mine))) == (1, 1)


def test_ten_thousand_events_are_taken_and_one_more_is_not(door: Door) -> None:
    small = [{"id": str(n), "source": "many"} for n in range(10_001)]
    with door.client() as client:
        assert client.post("/v1/events?dry_run=true", json=small[:-1]).status_code == 202
        assert told(client.post("/v1/events?dry_run=true", json=small), 413)["code"] == "too_many_events"
        names = [{"source": "many", "id": str(n)} for n in range(10_001)]
        assert client.post("/v1/events/void?dry_run=true", json=names[:-1]).status_code == 202
        assert told(client.post("/v1/events/void?dry_run=true", json=names), 413)["code"] == "too_many_events"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"source": "s"}, 422),
        ({"source": "s", "id": ""}, 422),
        ([{"source": "s", "id": 1}], 422),
        ({"source": "s\0", "id": "1"}, 422),
        (7, 422),
        ("{", 400),
    ],
)
def test_a_void_that_names_no_event_is_refused(door: Door, body: object, status: int) -> None:
    with door.client() as client:
        told(
            client.post(
                "/v1/events/void", content=body if isinstance(body, str) else json.dumps(body), headers=JSON
            ),
            status,
        )


async def test_refused_requests_are_counted(door: Door) -> None:
    with door.client() as client:
        secret = client.post("/v1/keys", json={"name": "clumsy", "scopes": ["usage:write"]}).json()
    with door.client(secret["secret"]) as client:
        for _ in range(3):
            told(client.post("/v1/events", content=b"{", headers=JSON), 400)

    async def counted() -> bool:
        rows = await door.fetch(
            "select received, refused from usage_ingest.door_hours where key_id = $1 and source = ''",
            secret["id"],
        )
        return bool(sum(row["refused"] for row in rows) == sum(row["received"] for row in rows) == 3)

    await until(counted)
