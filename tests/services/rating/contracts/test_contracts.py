"""What the contracts API takes, answers and refuses."""

import json
from typing import Any

import yaml

from shared.documents.reading import read_document
from shared.topics.rating import CONTRACTS
from tests.services.rating.deployment import Deployment, terms, utc
from tests.waiting import until
from u2c.deployment.state import ROOT


async def started(rating: Deployment) -> None:
    await rating.customer("acme")
    await rating.meter("calls")


async def test_a_chain_is_shown_with_clause_ids_and_hashes(rating: Deployment) -> None:
    await started(rating)
    first = await rating.apply(terms("acme-1", "acme"))
    dearer = terms("acme-1", "acme", effective="2024-02-01")
    dearer["lines"][0]["price"]["unit"] = "3.00"
    second = await rating.apply(dearer)
    assert (
        first["clauses"][0]["clause"] == second["clauses"][0]["clause"]
        and first["clauses"][0]["hash"] != second["clauses"][0]["hash"]
    )
    shown = (await rating.client.get("/v1/contracts/acme-1")).json()
    assert [(v["version"], v["effective_at"]) for v in shown["versions"]] == [
        (1, "2024-01-01T00:00:00Z"),
        (2, "2024-02-01T00:00:00Z"),
    ]
    assert shown["versions"][1]["terms"]["lines"][0]["price"]["unit"] == "3.00"
    listed = (await rating.client.get("/v1/contracts", params={"customer": "acme"})).json()
    assert [(c["contract"], c["versions_count"]) for c in listed["data"]] == [("acme-1", 2)]


async def test_each_version_is_told_once_with_the_length_of_the_chain(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.apply(terms("acme-1", "acme", effective="2024-02-01"))

    async def told() -> list[Any]:
        found = []
        for partition, head in (await rating.context.bus.heads(CONTRACTS.name)).items():
            run = await rating.context.bus.read(CONTRACTS.name, partition, 0, head) if head else None
            found += [CONTRACTS.decode(record.value) for record in run.records] if run else []
        return found if len(found) == 2 else []

    first, second = sorted(await until(told), key=lambda message: message.revision)
    assert [(m.version.version, m.chain, m.versions, m.customer) for m in (first, second)] == [
        (1, 1, (), "acme"),
        (2, 2, (), "acme"),
    ]
    assert CONTRACTS.record_key(first) != CONTRACTS.record_key(second) and CONTRACTS.partition_key(
        first
    ) == CONTRACTS.partition_key(second)


async def test_a_dry_run_records_nothing(rating: Deployment) -> None:
    await started(rating)
    answer = await rating.client.post(
        "/v1/contracts", params={"dry_run": "true"}, json=terms("acme-1", "acme")
    )
    assert (answer.status_code, answer.json()["version"], answer.json()["created"]) == (200, 1, False)
    assert (await rating.client.get("/v1/contracts/acme-1")).status_code == 404


async def test_the_example_of_the_documentation_is_taken_as_it_stands(rating: Deployment) -> None:
    await started(rating)
    await rating.meter("api_calls", event_type="api.call")
    body = (await rating.client.get("/openapi.json")).json()["paths"]["/v1/contracts"]["post"]["requestBody"][
        "content"
    ]["application/json"]
    applied = await rating.apply(body["example"])
    assert (applied["contract"], applied["version"]) == ("acme-2026", 1)


async def test_yaml_and_json_are_the_same_document(rating: Deployment) -> None:
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    text = """
contract: acme-1
customer: acme
currency: USD
timezone: UTC
term: {start: 2024-01-01, months: 12}
billing: {interval: month, net_days: 30, grace_hours: 72}
lines: [{key: calls, kind: usage, meter: calls, price: {model: per_unit, unit: "2.00"}}]
"""
    answer = await rating.client.post(
        "/v1/contracts", content=text.encode(), headers={"content-type": "application/yaml"}
    )
    assert (answer.status_code, answer.json()["created"]) == (201, False)


async def test_one_idempotency_key_is_one_effect(rating: Deployment) -> None:
    await started(rating)
    headers = {"Idempotency-Key": "k1"}
    first = await rating.client.post("/v1/contracts", json=terms("acme-1", "acme"), headers=headers)
    again = await rating.client.post("/v1/contracts", json=terms("acme-1", "acme"), headers=headers)
    other = await rating.client.post("/v1/contracts", json=terms("acme-2", "acme"), headers=headers)
    assert (first.status_code, again.content, other.status_code) == (201, first.content, 422)


def usage(meter: str, unit: Any) -> dict[str, Any]:
    return {
        "lines": [{"key": "x", "kind": "usage", "meter": meter, "price": {"model": "per_unit", "unit": unit}}]
    }


REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "unknown customer": ({"customer": "nobody"}, "customer_unknown", "customer"),
    "unknown plan": ({"plan": "gold"}, "plan_unknown", "plan"),
    "unknown meter": (usage("nothing", "1"), "meter_unknown", "lines[0].meter"),
    "unknown key": ({"colour": "red"}, "terms_invalid", "colour"),
    "float": (usage("calls", 0.5), "terms_invalid", "lines[0].price.unit"),
    "not priced yet": ({"tax": {}}, "clause_not_priced_yet", "tax"),
}


async def test_terms_are_refused_with_the_path_of_the_fault(rating: Deployment) -> None:
    await started(rating)
    for name, (changes, code, path) in REFUSED.items():
        answer = await rating.apply({**terms("acme-1", "acme"), **changes}, status=422)
        assert answer["code"] == code and path in [error["path"] for error in answer["errors"]], (
            f"{name}: {answer}"
        )


FIXED: dict[str, dict[str, Any]] = {
    "currency": {"currency": "EUR"},
    "timezone": {"timezone": "Asia/Tokyo"},
    "legal_entity": {"legal_entity": "uk"},
    "customer": {"customer": "other"},
    "term.start": {"term": {"start": "2024-02-01", "months": 12}},
}


async def test_an_amendment_keeps_what_money_rests_on(rating: Deployment) -> None:
    await started(rating)
    await rating.customer("other")
    await rating.apply(terms("acme-1", "acme"))
    for path, changes in FIXED.items():
        answer = await rating.apply({**terms("acme-1", "acme"), **changes}, status=422)
        assert [error["path"] for error in answer["errors"]] == [path]


async def test_a_term_cannot_end_before_a_period_that_has_begun(rating: Deployment) -> None:
    """A prolonged term goes on where the last period ended; a shortened one keeps what has begun."""
    await started(rating)
    await rating.apply(terms("acme-1", "acme"))
    await rating.advance(utc("2024-02-02T00:00:00"))
    short = await rating.apply(
        {**terms("acme-1", "acme"), "term": {"start": "2024-01-01", "months": 1}}, status=422
    )
    assert [error["code"] for error in short["errors"]] == ["term_cuts_opened_period"]
    await rating.apply({**terms("acme-1", "acme"), "term": {"start": "2024-01-01", "months": 2}})
    assert (await rating.client.get("/v1/contracts/acme-1")).json()["next_period_at"] is None
    await rating.apply({**terms("acme-1", "acme"), "term": {"start": "2024-01-01", "months": 3}})
    assert (await rating.client.get("/v1/contracts/acme-1")).json()[
        "next_period_at"
    ] == "2024-03-01T00:00:00Z"


UNREADABLE = {
    "not JSON": (b"{", "application/json", 400),
    "a list": (b"[]", "application/json", 400),
    "NaN": (b'{"a": NaN}', "application/json", 400),
    "a key twice": (b'{"a": 1, "a": 2}', "application/json", 400),
    "too deep": (b"[" * 100_000, "application/json", 400),
    "the last of many keys twice": (
        json.dumps({f"k{n}": 0 for n in range(70_000)}).encode()[:-1] + b',"k69999":0}',
        "application/json",
        400,
    ),
    "deep within": (b'{"a":' * 60 + b"1" + b"}" * 60, "application/json", 400),
    "not UTF-8": (b"\xff", "application/json", 400),
    "anchors": (b"a: &a [1]\nb: *a\n", "application/yaml", 400),
    "merging": (b"a: {<<: {b: 1}}\n", "application/yaml", 400),
    "a YAML key twice": (b"a: 1\n'a': 2\n", "application/yaml", 400),
    "a second document": (b"a: 1\n---\nb: 1\n", "application/yaml", 400),
    "a mapping as key": (b"{a: 1}: 1\n", "application/yaml", 400),
    "a date as mapping": (b"2024-01-01\n", "application/yaml", 400),
    "no document": (b"", "application/yaml", 400),
    "a character beyond Unicode": (b'a: "\\UFFFFFFFF"\n', "application/yaml", 400),
    "base 60": (b"a: 1:30\n", "application/yaml", 400),
    "much base 60": (b"a: 1" + b":59" * 20_000 + b"\n", "application/yaml", 400),
    "a fraction in base 60": (b"a: 1" + b":59" * 5_000 + b".5\n", "application/yaml", 400),
    "base 8": (b"a: 010\n", "application/yaml", 400),
    "base 16": (b"a: 0x" + b"f" * 8000 + b"\n", "application/yaml", 400),
    "infinity": (b"a: -.inf\n", "application/yaml", 400),
    "large YAML": (b"a: [" + b"1," * 250_000 + b"1]\n", "application/yaml", 413),
    "large in base 60": (b"a: 1" + b":59" * 300_000, "text/yaml", 413),
    "deep YAML": (b"[" * 5_000, "application/yaml", 400),
    "XML": (b"<a/>", "application/xml", 415),
    "too large": (b" " * 1_100_000, "application/json", 413),
    "a huge number": (b'{"contract": ' + b"9" * 5000 + b"}", "application/json", 400),
    "NUL": (b'{"contract": "a\\u0000"}', "application/json", 422),
    "a lone surrogate": (b'{"customer": "\\ud800"}', "application/json", 422),
    "a lone surrogate as key": (b'{"\\ud800": 1}', "application/json", 422),
    "NUL plan": (b'{"plan": "\\u0000"}', "application/json", 422),
}


async def test_hostile_documents_are_answered_with_a_problem(rating: Deployment) -> None:
    for name, (body, media, status) in UNREADABLE.items():
        answer = await rating.client.post("/v1/contracts", content=body, headers={"content-type": media})
        assert (name, answer.status_code, answer.headers["content-type"]) == (
            name,
            status,
            "application/problem+json",
        ), answer.text


async def test_a_body_is_not_looked_at_without_a_key(rating: Deployment) -> None:
    for path in ("/v1/contracts", "/v1/customers", "/v1/meters", "/v1/plans", "/v1/clock/advance"):
        for key, status in (("", 401), ("Bearer no", 401), (rating.client.headers["authorization"], 400)):
            headers = {"authorization": key, "content-type": "application/json"}
            assert (await rating.client.post(path, content=b"{bad", headers=headers)).status_code == status, (
                path
            )


TAGGED = {
    "!!int": "''",
    "!!bool": "x",
    "!!timestamp": "x",
    "!!float": "x",
    "!!null": "x",
    "!!binary": "aGk=",
    "!!set": "{a: null}",
    "!!omap": "[a: 1]",
    "!!python/object/apply:os.system": "['id']",
    "!!seq": "{a: 1}",
    "!!map": "[1]",
    "!!str": "{a: 1}",
    "!mine": "x",
}


async def test_a_tag_is_refused_by_its_name(rating: Deployment) -> None:
    for tag, value in TAGGED.items():
        answer = await rating.client.post(
            "/v1/contracts",
            content=f"a: {tag} {value}\n".encode(),
            headers={"content-type": "application/yaml"},
        )
        assert (answer.status_code, answer.json()["code"], tag in answer.json()["detail"]) == (
            422,
            "yaml_tag_refused",
            True,
        ), answer.text


def test_yaml_is_read_as_yaml_is_read() -> None:
    text = "{i: 12, j: -1_000, k: 0, f: 1.5, b: yes, c: False, n: ~, e: , t: 12a, q: '12', d: 2024-01-01, s: !!str 12, l: !!seq [a], m: !!map {}}"
    expected = {**yaml.safe_load(text), "d": "2024-01-01"}
    assert read_document(text.encode(), "application/yaml") == expected
    for path in sorted((ROOT / "examples").rglob("contracts/*.yaml")):
        assert read_document(path.read_bytes(), "text/yaml") == {
            key: _dates(value) for key, value in yaml.safe_load(path.read_text()).items()
        }


def _dates(value: Any) -> Any:
    """The value with its dates as text, as JSON has them."""
    return json.loads(json.dumps(value, default=str))


async def test_hostile_addresses_are_answered_with_a_problem(rating: Deployment) -> None:
    for path in (
        "/v1/contracts/%00",
        "/v1/contracts?customer=%00",
        "/v1/contracts?cursor=%00",
        "/v1/contracts?cursor=WyJcdTAwMDAiXQ==",
        "/v1/statements/%00/2024-01-01",
        "/v1/statements/a/9999-99-99",
        "/v1/statements?cursor=WyJcdTAwMDAiLDJd",
        "/v1/statements?contract=%00",
        "/v1/statements?cursor=WyJhIiwgLTE0NDExNTE4ODA3NTg1NTg3Ml0=",
        "/v1/statements?cursor=WyJhIiwgMTAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMF0=",
        "/v1/statements?cursor=WyJhIiwgIngiXQ==",
        "/v1/customers/%00/cost",
        "/v1/statements/a/0001-01-01",
        "/v1/statements/a/2024-01-01/lines/x/explanation",
    ):
        answer = await rating.client.get(path)
        assert (
            answer.status_code in (404, 422) and answer.headers["content-type"] == "application/problem+json"
        ), f"{path}: {answer.text}"


async def test_a_legal_entity_is_written_in_one_way(rating: Deployment) -> None:
    """Its documents are numbered in capital letters: `us` and `US` would share a series."""
    for name in ("acme", "bolt", "core"):
        await rating.customer(name)
    await rating.meter("calls")
    await rating.apply(terms("acme-1", "acme", legal_entity="us"))
    dry = await rating.client.post(
        "/v1/contracts?dry_run=true", json=terms("bolt-1", "bolt", legal_entity="US")
    )
    refused = await rating.apply(terms("bolt-1", "bolt", legal_entity="US"), status=409)
    assert dry.json()["code"] == refused["code"] == "legal_entity_spelling"
    assert "is written us by other contracts" in refused["detail"]
    await rating.apply(terms("bolt-1", "bolt", legal_entity="us"))
    await rating.apply(terms("core-1", "core", legal_entity="us-west"))
    # two spellings of before: amendments go on
    await rating.context.db.pool.execute("update rating.legal_entities set name = 'US' where folded = 'us'")
    await rating.apply(terms("acme-1", "acme", legal_entity="us", effective="2024-02-01"))
