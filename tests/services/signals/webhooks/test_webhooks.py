"""Receivers fail, stall, redirect, lie and flood: every fact arrives at least once under one id, and nothing
waits for anybody else."""

import asyncio
import shutil
import ssl
import subprocess
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from services.signals.domain.retry import ATTEMPTS_MAX, DELAYS, next_delay, retry_after_s
from tests.services.signals.conftest import Start
from tests.services.signals.deployment import START, Signals, fact
from tests.services.signals.receivers import (
    Answer,
    Receiver,
    answers,
    drips,
    drops,
    first,
    floods,
    receiving,
    stalls,
)
from tests.waiting import until
from u2c import asyncapi


async def test_a_fact_arrives_signed_with_its_id_and_number(signals: Signals) -> None:
    async with receiving(answers(204)) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1), fact(2))
        await until(lambda: _seen(receiver, 2))
        assert await until(lambda: _order_of_start(signals, 2)) == [1, 2], "attempts start in order"
        # Two attempts under way at once may reach the receiver the other way round: the sequence number
        # tells.
        verified = [
            (Webhook(endpoint["secret"]).verify(one.body, one.headers), one.id) for one in receiver.seen
        ]
        seen = sorted(verified, key=lambda one: one[0]["sequence"])
        bodies = [body for body, _ in seen]
        assert [(body["sequence"], body["data"]["number"]) for body in bodies] == [(1, 1), (2, 2)]
        assert [id for _, id in seen] == [fact(1).signal_id, fact(2).signal_id]
        assert {body["type"] for body in bodies} == {"renewal.due"} and bodies[0][
            "timestamp"
        ] == "2024-01-01T12:00:00Z"
        documented = asyncapi.document()["components"]["schemas"]["WebhookHeaders"]["required"]
        assert {name for name in receiver.seen[0].headers if name.startswith("webhook-")} == set(documented)


async def test_the_same_fact_found_again_is_told_once(signals: Signals) -> None:
    async with receiving(answers(200)) as receiver:
        await signals.endpoint(receiver.url)
        await signals.tell(fact(1), fact(1))
        await signals.tell(fact(1), fact(2))
        await until(lambda: _seen(receiver, 2))
        assert sorted(receiver.ids) == sorted({fact(1).signal_id, fact(2).signal_id})
        assert len((await signals.get("/v1/signals"))["data"]) == 2


async def test_an_endpoint_gets_only_what_it_asks_for(signals: Signals) -> None:
    async with receiving(answers(200)) as receiver:
        await signals.endpoint(receiver.url, events=["meter.silent"])
        await signals.tell(fact(1), fact(2, "meter.silent"))
        await until(lambda: _seen(receiver, 1))
        assert receiver.ids == [fact(2, "meter.silent").signal_id]


@pytest.mark.parametrize(
    ("answer", "status", "says"),
    [
        (answers(500), 500, None),
        (stalls, None, "no answer within"),
        (drips, None, "no answer within"),
        (drops, None, "RemoteProtocolError"),
        (answers(302, "location: http://169.254.169.254/latest/meta-data"), 302, None),
        (answers(404), 404, None),
    ],
    ids=["500", "200 after 60 s", "slow drip", "drops", "redirects", "404"],
)
async def test_what_is_no_2xx_in_time_fails_is_tried_again_and_is_in_the_log(
    start: Start,
    answer: Answer,
    status: int | None,
    says: str | None,
) -> None:
    async with start(webhook_timeout_s="0.5") as signals, receiving(first(answer, answers(200))) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        failed = await until(lambda: _attempted(signals, endpoint, 1))
        assert failed["state"] == "pending" and failed["log"][0]["status"] == status
        assert says is None or says in failed["log"][0]["error"]
        assert len(receiver.seen) == 1, "no redirect is followed, nothing is tried again before its time"
        await signals.move_clock(START + timedelta(seconds=6))
        delivered = await until(lambda: _in_state(signals, endpoint, "delivered"))
        assert delivered["attempts"] == 2 and receiver.ids == [fact(1).signal_id] * 2, "the same id again"
        assert delivered["log"][1]["request"]["body"] == failed["log"][0]["request"]["body"]
        assert "webhook-signature" not in delivered["log"][0]["request"]["headers"], (
            "the log holds no signature"
        )


async def test_ten_megabytes_of_answer_are_not_read(signals: Signals) -> None:
    async with receiving(floods) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        delivered = await until(lambda: _in_state(signals, endpoint, "delivered"))
        assert len(delivered["log"][0]["response"]) == 64 * 1024


async def test_a_dead_endpoint_delays_no_other_and_a_stalled_delivery_not_the_next(start: Start) -> None:
    async with (
        start(webhook_timeout_s="30") as signals,
        receiving(stalls) as dead,
        receiving(first(stalls, answers(200))) as slow,
        receiving(answers(200)) as well,
    ):
        endpoints = [await signals.endpoint(receiver.url) for receiver in (dead, slow, well)]
        await signals.tell(*(fact(number) for number in range(1, 6)))
        await until(lambda: _seen(well, 5))
        await until(lambda: _seen(slow, 5))
        assert (
            sorted(slow.ids) == sorted(well.ids) == sorted(fact(number).signal_id for number in range(1, 6))
        )
        assert await until(lambda: _started(signals, endpoints[2], 5)) == [1, 2, 3, 4, 5], (
            "attempts start in order; the network may reorder them"
        )
        passed = await until(lambda: _started(signals, endpoints[1], 4))
        assert len(passed) == 4 and passed == sorted(passed), "one still stalls, and keeps nobody"


async def test_a_certificate_nobody_vouches_for_is_no_answer(signals: Signals, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("no openssl on this machine to make a certificate with")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-days",
            "2",
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout",
            key,
            "-out",
            certificate,
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    async with receiving(answers(200), context) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        failed = await until(lambda: _attempted(signals, endpoint, 1))
        assert (
            failed["state"] == "pending"
            and "certificate" in failed["log"][0]["error"].lower()
            and not receiver.seen
        )


async def test_410_disables_with_notice_and_a_replay_brings_the_rest(signals: Signals) -> None:
    async with receiving(first(answers(410), answers(200))) as gone, receiving(answers(200)) as watching:
        endpoint = await signals.endpoint(gone.url, events=["renewal.due"])
        await signals.endpoint(watching.url, events=["webhook.disabled"])
        await signals.tell(fact(1))
        await until(lambda: _seen(watching, 1))
        shown = await signals.get(f"/v1/webhook-endpoints/{endpoint['id']}")
        assert shown["state"] == "disabled" and "410" in shown["disabled_reason"]
        opened = await signals.context.db.pool.fetchrow(
            "select * from signals.exceptions where kind = 'webhook_endpoint_disabled'"
        )
        assert opened is not None and opened["owner"] == "customer success"
        await signals.tell(fact(2))
        await signals.post(
            f"/v1/webhook-endpoints/{endpoint['id']}/replay", {"signal": fact(1).signal_id}, status=409
        )
        await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/enable")
        span = {"from": START.isoformat(), "to": (START + timedelta(days=1)).isoformat()}
        assert (await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/replay", span, status=202))[
            "queued"
        ] == 2
        await until(lambda: _seen(gone, 3))
        assert sorted(gone.ids[1:]) == sorted([fact(1).signal_id, fact(2).signal_id]), (
            "what it missed while disabled comes too, in any order"
        )
        assert await signals.context.db.pool.fetchval(
            "select resolved_at is not null from signals.exceptions"
        )
        await until(lambda: _logged(signals, endpoint, 2))
        await signals.post(
            f"/v1/webhook-endpoints/{endpoint['id']}/replay", {"signal": fact(1).signal_id}, status=202
        )
        [sent, _] = await until(lambda: _logged(signals, endpoint, 3))
        assert (sent["attempts"], sent["replays"], sent["state"]) == (3, 2, "delivered")
        log = (await signals.get(f"/v1/webhook-deliveries/{sent['id']}"))["log"]
        assert [(one["number"], one["replay"], one["of_schedule"], one["status"]) for one in log] == [
            (1, 0, 1, 410),
            (2, 1, 1, 200),
            (3, 2, 1, 200),
        ]


async def test_a_replay_asked_for_while_an_attempt_is_under_way_is_sent_too(signals: Signals) -> None:
    asked = asyncio.Event()

    async def holds(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await asked.wait()
        await answers(200)(receiver, writer)

    async with receiving(first(holds, answers(200))) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        await until(lambda: _seen(receiver, 1))
        await signals.post(
            f"/v1/webhook-endpoints/{endpoint['id']}/replay", {"signal": fact(1).signal_id}, status=202
        )
        asked.set()
        await until(lambda: _seen(receiver, 2))
        assert receiver.ids == [fact(1).signal_id] * 2
        [sent] = await until(lambda: _logged(signals, endpoint, 2))
        assert (sent["state"], sent["attempts"]) == ("delivered", 2)


async def test_down_for_ten_days_the_schedule_is_followed_then_disabled_then_replayed(
    signals: Signals,
) -> None:
    alive: list[bool] = []

    async def down_until_alive(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await answers(200 if alive else 503)(receiver, writer)

    async with receiving(down_until_alive) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        now, waits = START, []
        for number in range(1, ATTEMPTS_MAX + 1):
            delivery = await until(partial(_attempted, signals, endpoint, number))
            if delivery["state"] != "pending":
                break
            due = _instant(delivery["due_at"])
            waits.append(due - now)
            now = due
            await signals.move_clock(now)
        assert len(receiver.seen) == ATTEMPTS_MAX == 10
        assert all(wanted <= wait <= wanted * 1.1 for wait, wanted in zip(waits, DELAYS[1:], strict=True)), (
            waits
        )
        shown = await signals.get(f"/v1/webhook-endpoints/{endpoint['id']}")
        assert shown["state"] == "disabled" and "whole retry schedule" in shown["disabled_reason"]
        kinds = await signals.context.db.pool.fetch(
            "select kind from signals.exceptions where resolved_at is null order by 1"
        )
        assert [row["kind"] for row in kinds] == ["webhook_endpoint_disabled", "webhook_given_up"], (
            "nothing is given up unseen"
        )
        alive.append(True)
        await signals.move_clock(START + timedelta(days=10))
        await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/enable")
        span = {"from": START.isoformat(), "to": (START + timedelta(days=1)).isoformat()}
        await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/replay", span, status=202)
        await until(lambda: _in_state(signals, endpoint, "delivered"))
        assert set(receiver.ids) == {fact(1).signal_id}


async def test_retry_after_is_honoured(signals: Signals) -> None:
    async with receiving(answers(429, "retry-after: 3600")) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        await signals.tell(fact(1))
        delivery = await until(lambda: _attempted(signals, endpoint, 1))
        assert _instant(delivery["due_at"]) == START + timedelta(hours=1)


def test_the_schedule_and_what_a_header_may_do_to_it() -> None:
    assert sum(DELAYS, timedelta()) > timedelta(days=3), "at least a day, by far"
    assert next_delay(1, 0.0, None) == timedelta(seconds=5) and next_delay(10, 0.0, None) is None
    assert next_delay(1, 0.0, 10**9) == timedelta(days=1), "a receiver cannot park a webhook for ever"
    assert retry_after_s(503, "120") == 120 and retry_after_s(500, "120") is None
    assert (
        retry_after_s(429, "Wed, 21 Oct 2026 07:28:00 GMT") is None
        and retry_after_s(429, "١٢") is None
        and retry_after_s(429, "-5") is None
    )


async def test_a_rotated_secret_overlaps_and_a_wrong_one_never_verifies(signals: Signals) -> None:
    async with receiving(answers(200)) as receiver:
        endpoint = await signals.endpoint(receiver.url)
        assert "secret" not in await signals.get(f"/v1/webhook-endpoints/{endpoint['id']}"), "shown once"
        rotated = await signals.post(
            f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret", {"overlap_hours": 1}
        )
        await signals.tell(fact(1))
        await until(lambda: _seen(receiver, 1))
        one = receiver.seen[0]
        for secret in (endpoint["secret"], rotated["secret"]):
            assert Webhook(secret).verify(one.body, one.headers)["data"]["number"] == 1
        with pytest.raises(WebhookVerificationError):
            Webhook("whsec_" + "A" * 44).verify(one.body, one.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(endpoint["secret"]).verify(one.body.replace(b"acme", b"evil"), one.headers)
        with pytest.raises(WebhookVerificationError):
            Webhook(endpoint["secret"]).verify(
                one.body,
                {**one.headers, "webhook-timestamp": str(int(one.headers["webhook-timestamp"]) - 301)},
            )
        await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/rotate-secret", {"overlap_hours": 0})
        await signals.tell(fact(2))
        await until(lambda: _seen(receiver, 2))
        assert len(receiver.seen[1].headers["webhook-signature"].split(" ")) == 1, (
            "without an overlap the old one signs no more"
        )


async def test_a_test_event_goes_to_one_endpoint(signals: Signals) -> None:
    async with receiving(answers(200)) as receiver, receiving(answers(200)) as other:
        endpoint = await signals.endpoint(receiver.url, events=["meter.silent"])
        await signals.endpoint(other.url)
        queued = await signals.post(f"/v1/webhook-endpoints/{endpoint['id']}/test", status=202)
        await until(lambda: _seen(receiver, 1))
        assert receiver.ids == [queued["id"]] and not other.seen


async def test_slack_gets_a_line_of_text(signals: Signals) -> None:
    import msgspec

    async with receiving(answers(200)) as receiver:
        await signals.endpoint(receiver.url, format="slack")
        await signals.tell(fact(1), customer="A & <B>")
        await until(lambda: _seen(receiver, 1))
        body = msgspec.json.decode(receiver.seen[0].body)
        assert body["text"].startswith("A &amp; &lt;B&gt; (acme-2024): the renewal is due") and list(
            body
        ) == ["text"]


async def _order_of_start(signals: Signals, count: int) -> list[int]:
    """The sequence numbers of the recorded attempts, in the order in which they started; empty until there
    are so many."""
    connection = await asyncpg.connect(signals.database.admin_url)
    try:
        rows = await connection.fetch(
            "select d.sequence from signals.attempts a join signals.deliveries d using (delivery_id) order by a.at"
        )
    finally:
        await connection.close()
    return [row["sequence"] for row in rows] if len(rows) == count else []


async def _seen(receiver: Receiver, count: int) -> bool:
    return len(receiver.seen) >= count


async def _attempted(signals: Signals, endpoint: dict[str, Any], attempts: int) -> Any:
    """The endpoint's only delivery, once it has had so many attempts."""
    log = await signals.log(endpoint)
    return log[0] if log and log[0]["attempts"] >= attempts else None


async def _logged(signals: Signals, endpoint: dict[str, Any], attempts: int) -> Any:
    """The endpoint's deliveries, once the oldest has had so many attempts."""
    log = await signals.log(endpoint)
    return log if log and log[0]["attempts"] >= attempts else None


async def _in_state(signals: Signals, endpoint: dict[str, Any], state: str) -> Any:
    log = await signals.log(endpoint)
    return log[0] if log and log[0]["state"] == state else None


def _instant(text: str) -> Any:
    from datetime import datetime

    return datetime.fromisoformat(text)


async def _started(signals: Signals, endpoint: dict[str, Any], count: int) -> list[int] | None:
    """The sequence numbers of the recorded first attempts, by when each started; None until so many are
    recorded."""
    rows = await signals.context.db.pool.fetch(
        """select sequence from signals.deliveries join signals.attempts using (delivery_id)
           where endpoint_id = $1 and number = 1 order by at""",
        endpoint["id"],
    )
    return [row["sequence"] for row in rows] if len(rows) >= count else None
