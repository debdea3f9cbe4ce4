"""A webhook's URL and secret: whole for whoever may change them, elsewhere never, and sealed where they are
stored."""

import asyncio
import json
import logging
from typing import Any

import asyncpg
import pytest
from alembic import command
from standardwebhooks.webhooks import Webhook

from services.signals.domain.urls import masked, scrubbed
from services.signals.webhooks.usecases.seal import reseal
from shared.postgres.migrations import _config, migrate_all
from shared.postgres.setup import create_roles_and_schemas
from shared.postgres.urls import webhook_key
from shared.sealing import Seal, SealBroken, SealKeyMissing
from tests.conftest import TestDatabase
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import WEBHOOK_KEY, Signals, fact, reading
from tests.services.signals.receivers import answers, receiving
from tests.waiting import until

TOKEN = "T0KEN4nobody8else"
PATH = f"/hooks/{TOKEN}"


async def test_a_reader_sees_where_a_webhook_leads_and_a_writer_the_whole(signals: Signals) -> None:
    made = await signals.endpoint(f"https://example.com:8443{PATH}?sig={TOKEN}")
    assert made["url"] == f"https://example.com:8443{PATH}?sig={TOKEN}"
    paths = ("/v1/webhook-endpoints", f"/v1/webhook-endpoints/{made['id']}")
    assert [TOKEN in (await signals.client.get(path)).text for path in paths] == [True, True]
    async with reading(signals) as headers:
        answers = [await signals.client.get(path, headers=headers) for path in paths]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert not [answer for answer in answers if TOKEN in answer.text]
    assert answers[1].json()["url"] == "https://example.com:8443/…"


async def test_facts_exceptions_the_log_and_our_logs_hold_no_path(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """One receiver is gone and repeats its path in the answer; the other is told of it."""
    caplog.set_level(logging.DEBUG)
    echo = answers(410, f"location: {PATH}", body=f"no /hook{PATH}, no {TOKEN}".encode())
    async with start(log_level="debug") as signals, receiving(echo) as gone, receiving(answers(200)) as well:
        logging.getLogger().addHandler(caplog.handler)
        gone_endpoint = await signals.endpoint(gone.url + PATH, events=["renewal.due"])
        await signals.endpoint(well.url, events=["webhook.disabled"])
        await signals.tell(fact(1))
        await until(lambda: _seen(well))
        told = json.loads(well.seen[0].body)
        assert (told["type"], told["data"]["url"]) == ("webhook.disabled", masked(gone.url))
        async with reading(signals) as headers:
            for path in (
                "/v1/signals",
                "/v1/signals/feed.atom",
                f"/v1/webhook-endpoints/{gone_endpoint['id']}/deliveries",
            ):
                assert TOKEN not in (await signals.client.get(path, headers=headers)).text, path
        [delivery] = await signals.log(gone_endpoint)
        assert (
            delivery["log"][0]["request"]["url"] == masked(gone.url)
            and delivery["log"][0]["response"] == "no …, no …"
        )
        assert await _holding(signals.database, TOKEN) == [], "a dump of the database opens nothing"
    assert TOKEN not in caplog.text


async def test_secrets_are_stored_sealed_and_sign_as_ever_after_the_key_was_rotated(start: Start) -> None:
    async with receiving(answers(200)) as receiver:
        async with start() as signals:
            endpoint = await signals.endpoint(receiver.url + PATH)
            (stored,) = await signals.context.db.pool.fetch("select * from signals.endpoints")
            assert (
                endpoint["secret"] not in str(stored)
                and TOKEN not in str(stored)
                and endpoint["secret"].startswith("whsec_")
            )
        async with start(webhook_key="another key", webhook_key_previous=WEBHOOK_KEY) as signals:
            assert (
                await signals.context.db.pool.fetchval("select sealed_secret from signals.endpoints")
                != stored["sealed_secret"]
            )
        async with start(webhook_key="another key") as signals:
            await signals.tell(fact(1))
            await until(lambda: _seen(receiver))
            assert (
                Webhook(endpoint["secret"]).verify(receiver.seen[0].body, receiver.seen[0].headers)["data"][
                    "number"
                ]
                == 1
            )
            async with signals.context.db.transaction() as uow:
                assert await reseal(uow, Seal("another key")) == 0, (
                    "what is sealed with the newest stays as it is"
                )


async def test_an_endpoint_nobody_can_open_is_disabled_with_notice_and_can_be_mended(start: Start) -> None:
    async with receiving(answers(200)) as receiver:
        async with start() as signals:
            endpoint = await signals.endpoint(receiver.url)
        async with start(webhook_key="lost") as signals:
            await signals.tell(fact(1))

            async def disabled() -> Any:
                shown = await signals.get(f"/v1/webhook-endpoints/{endpoint['id']}")
                return shown if shown["state"] == "disabled" else None

            shown = await until(disabled)
            assert "U2C_WEBHOOK_KEY" in shown["disabled_reason"] and shown["url"] == masked(receiver.url)
            answer = await signals.client.put(
                f"/v1/webhook-endpoints/{endpoint['id']}", json={"url": receiver.url, "events": ["*"]}
            )
            assert answer.json()["url"] == receiver.url
            secret = (
                await signals.post(
                    f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret", {"overlap_hours": 0}
                )
            )["secret"]
            await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/enable")
            await signals.post(
                f"/v1/webhook-endpoints/{endpoint['id']}/replay", {"signal": fact(1).signal_id}, status=202
            )
            await until(lambda: _seen(receiver))
            assert Webhook(secret).verify(receiver.seen[-1].body, receiver.seen[-1].headers)


async def test_without_a_key_nothing_is_stored_plain(start: Start) -> None:
    async with start(webhook_key="") as signals:
        refused = await signals.client.post(
            "/v1/webhook-endpoints", json={"url": "https://example.com/x", "events": ["*"]}
        )
        assert (refused.status_code, refused.json()["code"]) == (
            503,
            "seal_key_missing",
        ) and "U2C_WEBHOOK_KEY" in refused.json()["detail"]


async def test_what_was_stored_plain_is_sealed_and_masked_by_the_migration(
    empty_database: TestDatabase,
) -> None:
    """A book of before: an endpoint, one deleted since, what was told and logged of their URLs."""
    url = await create_roles_and_schemas(
        empty_database.server_url, empty_database.name, empty_database.secret
    )
    await asyncio.to_thread(_upgrade, empty_database, "bus", url, "head")
    await asyncio.to_thread(_upgrade, empty_database, "signals", empty_database.url("signals"), "0007")
    connection = await asyncpg.connect(empty_database.admin_url)
    await connection.execute(BEFORE)
    await migrate_all(url, empty_database.secret)
    assert await _holding(empty_database, TOKEN) == [] == await _holding(empty_database, "whsec_")
    [row] = await connection.fetch("select * from signals.endpoints")
    seal = Seal(webhook_key(empty_database.secret))
    assert (
        row["url"] == "https://example.com/…"
        and seal.open(row["sealed_url"]) == f"https://example.com/h/{TOKEN}"
    )
    assert (seal.open(row["sealed_secret"]), seal.open(row["sealed_previous_secret"])) == (
        "whsec_new",
        "whsec_old",
    )
    said = await connection.fetchval("select detail from signals.exceptions")
    assert said == "https://example.com/…: it answered 410 Gone."
    bodies = await connection.fetch("select request ->> 'body' as body from signals.attempts order by 1")
    assert [json.loads(one["body"])["data"].get("url") for one in bodies] == [
        "https://example.com/…",
        "https://old.example/…",
        None,
    ]
    await connection.close()


BEFORE = f"""
insert into signals.endpoints (endpoint_id, url, description, events, format, secret, previous_secret,
    previous_until, state, created_at)
    values ('whe_1', 'https://example.com/h/{TOKEN}', '', '{{*}}', 'standard', 'whsec_new', 'whsec_old',
        now(), 'disabled', now());
insert into signals.exceptions (exception_id, kind, reference, detail, owner, opened_at, deadline_at)
    values ('exc_1', 'webhook_endpoint_disabled', 'whe_1',
        'https://example.com/h/{TOKEN}: it answered 410 Gone.', 'x', now(), now());
insert into signals.facts (signal_id, type, customer_id, customer, day, occurred_at, sequence, data) values
    ('sig_1', 'webhook.disabled', '', 'whe_1', now(), now(), 1,
        '{{"endpoint": "whe_1", "url": "https://example.com/h/{TOKEN}"}}'),
    ('sig_2', 'webhook.disabled', '', 'whe_gone', now(), now(), 1,
        '{{"endpoint": "whe_gone", "url": "https://old.example/{TOKEN}?a=1"}}'),
    ('sig_3', 'renewal.due', 'c', 'acme', now(), now(), 1, '{{}}');
insert into signals.deliveries (delivery_id, endpoint_id, signal_id, customer, sequence, state, attempts,
    due_at, created_at) values
    ('dlv_1', 'whe_2', 'sig_1', 'whe_1', 1, 'delivered', 1, now(), now()),
        ('dlv_2', 'whe_2', 'sig_2', 'whe_gone', 1, 'delivered', 1, now(), now()),
    ('dlv_3', 'whe_gone', 'sig_3', 'acme', 1, 'given_up', 1, now(), now());
insert into signals.attempts (attempt_id, delivery_id, number, at, business_at, took_ms, request, response)
    select 'att_' || n, 'dlv_' || n, 1, now(), now(), 1,
        jsonb_build_object('url', url, 'body', jsonb_build_object('data', data)::text), response
    from (values (1, 'https://b.example/{TOKEN}', '{{"url": "https://example.com/h/{TOKEN}"}}'::jsonb, ''),
                 (2, 'https://b.example/{TOKEN}', '{{"url": "https://old.example/{TOKEN}?a=1"}}', 'ok'),
                 (3, 'https://old.example/{TOKEN}?a=1', '{{}}', 'Cannot POST /{TOKEN}')) as told
                     (n, url, data, response);
"""


def _upgrade(database: TestDatabase, schema: str, url: str, revision: str) -> None:
    command.upgrade(_config(schema, url, database.secret), revision)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://example.com", "https://example.com/…"),
        ("https://example.com:8443/a/b?c#d", "https://example.com:8443/…"),
        ("http://[::1]:80/x", "http://[::1]:80/…"),
        ("https://user:pass@example.com/", "https://example.com/…"),
    ],
)
def test_what_is_shown_of_a_url(url: str, shown: str) -> None:
    assert masked(url) == shown


def test_what_an_answer_repeats_is_taken_out_whole_and_in_parts() -> None:
    url = "https://example.com/a/LongEnoughToken/b%2Fc?key=AnotherLongOne&x=1"
    for said in (
        url,
        "/a/LongEnoughToken/b%2Fc?key=AnotherLongOne&x=1",
        "POST /a/LongEnoughToken/b/c",
        "LongEnoughToken!",
        "AnotherLongOne",
    ):
        assert "LongEnough" not in scrubbed(said, url) and "AnotherLong" not in scrubbed(said, url), said
    assert scrubbed("all / good", "https://example.com/") == "all / good"


def test_a_seal_opens_with_its_key_and_the_one_before_only() -> None:
    sealed = Seal("a").seal("x")
    assert Seal("b", "a").open(sealed) == "x" == Seal("b").open(Seal("b", "a").renewed(sealed))
    with pytest.raises(SealBroken):
        Seal("b").open(sealed)
    with pytest.raises(SealKeyMissing):
        Seal("").seal("x")


async def _seen(receiver: Any) -> bool:
    return bool(receiver.seen)


async def _holding(database: TestDatabase, text: str) -> list[str]:
    """Tables of signals with this text anywhere in a row, as a dump would show them."""
    connection = await asyncpg.connect(database.admin_url)
    try:
        tables = [
            row["name"]
            for row in await connection.fetch(
                "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'signals'"
            )
        ]
        holds = "select exists (select from {} t where t::text like '%' || $1 || '%')"
        return [name for name in tables if await connection.fetchval(holds.format(name), text)]
    finally:
        await connection.close()
