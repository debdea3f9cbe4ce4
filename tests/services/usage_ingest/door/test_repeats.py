"""A name twice in one object is quarantined wherever it stands, and nothing else is taken for one."""

import json
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.usage_ingest.circumstances import codes, event, judge
from tests.services.usage_ingest.conftest import Door
from tests.waiting import until

PLAIN = json.dumps(event(), separators=(",", ":"))
DATA = '"data":{"distance":1400,"tail":"N1"}'

REPEATED = {
    "in data": PLAIN.replace('"tail"', '"distance":1,"tail"'),
    "the same value": PLAIN.replace('"tail"', '"distance":1400,"tail"'),
    "an attribute": PLAIN.replace('"id":"e1"', '"id":"e0","id":"e1"'),
    "data itself": PLAIN.replace(DATA, f'"data":{{"a":"::"}},{DATA}'),
    "deep within": PLAIN.replace('"N1"', '"N1","list":[{"a":{"b":1,"b":2}}]'),
    "an object read over": PLAIN.replace('"tail":"N1"', '"tail":{"a":1,"b":2},"tail":"N1"'),
    "spelled in another way": PLAIN.replace('"tail"', '"\\u0064istance":1,"tail"'),
    "an escaped colon beside it": PLAIN.replace('"N1"', '"\\u003a","tail":"N1"'),
    "escaped colons that would make up for it": PLAIN.replace('"gate"', '"g\\u003Aa\\u003ate"').replace(
        '"id":"e1"', '"id":"e0","id":"e1"'
    ),
    "an attribute that is not kept": PLAIN.replace(
        '"id":', '"dataschema":"http://a","dataschema":"http://b","id":'
    ),
    "within an attribute that is not kept": PLAIN.replace('"id":', '"extension":{"a":1,"a":1},"id":'),
    "with white space": PLAIN.replace('"tail"', '"distance"\n\t : 1, "tail"'),
    "null both times": PLAIN.replace(DATA, '"data":null,"data":null'),
    "an empty name": PLAIN.replace('"N1"', '"N1","":1,"":2'),
}
ONCE = {
    "a plain event": PLAIN,
    "colons in texts": PLAIN.replace(
        '"N1"', '"N1","url":"https://a:80/b?c=\\":\\"","a:b":":","at":["12:00:00"]'
    ).replace('"gate"', '"urn:a:b"'),
    "an escaped colon": PLAIN.replace('"N1"', '"\\u003a:"'),
    "attributes that are not kept": PLAIN.replace(
        '"id":', '"dataschema":"http://a","traceparent":"00:1","extension":{"a":{"a":":"}},"id":'
    ),
    "one name at two depths": PLAIN.replace('"N1"', '"N1","a":{"a":1,"tail":2},"b":[{"a":1},{"a":1}]'),
    "names that differ in case or spelling": PLAIN.replace(
        '"N1"', '"N1","Tail":1,"caf\u00e9":1,"cafe\u0301":2'
    ),
    "no version": PLAIN.replace('"specversion":"1.0",', ""),
    "a content type": PLAIN.replace('"id":', '"datacontenttype":"application/json","id":'),
    "attributes that are null": PLAIN.replace('"id":', '"datacontenttype":null,"data_base64":null,"id":'),
    "an offset in the time": PLAIN.replace("11:00:00Z", "16:45:00+05:45"),
    "white space": json.dumps(event(), indent=3),
    "great numbers where nothing is kept": PLAIN.replace(
        '"id":', f'"extension":[{"9" * 5000},1e999999999],"id":'
    ),
}


@pytest.mark.parametrize("where", REPEATED)
def test_a_name_twice_is_quarantined_with_its_bytes(where: str) -> None:
    raw = REPEATED[where].encode()
    judged = judge(raw, event(id="good"))
    assert codes(judged) == ["name_repeated"]
    assert judged.quarantined[0].raw == raw and "send it once" in judged.results[0].detail
    assert len(judged.published) == 1, "the neighbour is not harmed"


@pytest.mark.parametrize("what", ONCE)
def test_what_merely_looks_like_it_is_taken(what: str) -> None:
    assert judge(ONCE[what].encode()).results == []


def test_the_name_is_told() -> None:
    assert "'distance'" in judge(REPEATED["in data"].encode()).results[0].detail


@pytest.mark.parametrize("extension", [b'"\n"', b'"\\q"', b"[" * 900 + b"]" * 900])
def test_what_is_passed_over_unread_never_crashes_the_door(extension: bytes) -> None:
    judged = judge(PLAIN.encode().replace(b'"id":', b'"extension":' + extension + b',"id":'))
    assert judged.received == 1 and set(codes(judged)) <= {"json_malformed", "nesting_too_deep"}


texts = st.text(st.sampled_from([":", '"', "\\", "a", "b", "é", "{", ","]), max_size=4)
values: Any = st.recursive(
    st.none() | st.integers(-9, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(texts, values, max_size=4),
    st.dictionaries(st.sampled_from(["ext", "e:x"]), values, max_size=2),
    st.booleans(),
    st.integers(0, 10**6),
)
def test_it_is_found_wherever_it_is_planted_and_only_there(
    data: dict[str, Any], extensions: dict[str, Any], escaped: bool, where: int
) -> None:
    whole = json.dumps(
        {**extensions, **event(data={**data, "distance": 1, "tail": "N1"})}, ensure_ascii=escaped
    )
    assert judge(whole.encode()).results == []
    members = [at for at in range(len(whole)) if whole[at] == "{" and _is_structure(whole, at)]
    at = members[where % len(members)] + 1
    planted = f'{whole[:at]}"twice":":","twice":0{"" if whole[at] == "}" else ","}{whole[at:]}'
    assert codes(judge(planted.encode())) == ["name_repeated"]


def _is_structure(text: str, at: int) -> bool:
    """Whether the character stands outside of every string."""
    inside, n = False, 0
    while n < at:
        if inside and text[n] == "\\":
            n += 1
        elif text[n] == '"':
            inside = not inside
        n += 1
    return not inside


async def test_it_is_kept_and_counts_once_when_it_is_mended(door: Door) -> None:
    mine = str(uuid4())
    raw = json.dumps(event(source=mine)).replace('"tail"', '"distance": 7, "tail"')
    with door.client() as client:
        answer = client.post("/v1/events", content=raw, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["results"][0]["code"]) == (202, "name_repeated")

        async def kept() -> bool:
            return bool(await door.fetch("select 1 from usage_ingest.quarantine where source = $1", mine))

        await until(kept)
        [row] = await door.fetch(
            "select quarantine_id, raw, code from usage_ingest.quarantine where source = $1", mine
        )
        assert (row["raw"], row["code"]) == (raw.encode(), "name_repeated")
        mended = client.post(
            f"/v1/quarantine/{row['quarantine_id']}/repair", json={"event": event(source=mine)}
        )
        assert mended.status_code == 200, mended.text
    assert [json.loads(bytes(message.data)) for message in await door.usage(mine)] == [
        {"distance": 1400, "tail": "N1"}
    ]


async def test_a_void_or_correction_with_a_name_twice_is_refused(door: Door) -> None:
    mine = str(uuid4())
    bodies = {
        "void": f'{{"source": "{mine}", "id": "1", "id": "2"}}',
        "correct": f'{{"source": "{mine}", "id": "1", "id": "2", "event": {json.dumps(event(source=mine, id="e2"))}}}',
    }
    with door.client() as client:
        for verb, body in bodies.items():
            answer = client.post(
                f"/v1/events/{verb}", content=body, headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "name_repeated"), (
                answer.text
            )
    assert await door.usage(mine) == []
