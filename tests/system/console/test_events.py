"""What became of an event, and an event that could not be taken, as an engineer sees and mends them in the console."""

import msgspec
import pytest

from lab.departures.client import Client
from services.console.domain.addresses import with_query
from tests.services.console.conftest import Browser
from tests.system.console.deployment import Deployment
from tests.system.console.pages import hidden, links
from tests.system.corrections.test_notes import event, invoiced
from tests.waiting import until

HOSTILE = "</textarea><script>alert(1)</script>\u202e"


@pytest.mark.timeout(240)
async def test_an_event_is_explained_and_a_faulty_one_mended(deployment: Deployment, client: Client) -> None:
    await invoiced(client)
    engineer = await deployment.console.signed_in("eve", "engineer")
    finance = await deployment.console.signed_in("ana", "finance")
    page = await engineer.get(with_query("/events", {"source": "test", "id": "e1"}))
    assert ">billed<" in page.text and "acme-1" in page.text and "1–31 Jan 2024" in page.text
    nobody = await engineer.get(with_query("/events", {"source": "test", "id": HOSTILE}))
    assert nobody.status_code == 200 and ">never seen<" in nobody.text and "<script>alert" not in nobody.text
    faulty = msgspec.json.decode(event("q1")) | {"data": {"note": HOSTILE}}
    del faulty["time"]
    await client.send_events([msgspec.json.encode(faulty)])
    await _it_is_counted_as_repaired(engineer, finance, faulty)
    await _another_is_discarded(engineer, client)
    await _a_customer_is_looked_after(await deployment.console.signed_in("cs", "customer-success"), finance)


async def _in_quarantine(engineer: Browser) -> str:
    """The page of the one event that could not be taken: it comes there over the bus."""

    async def there() -> list[str]:
        return links(await engineer.get("/quarantine"), "/quarantine/qua_")

    [opened] = await until(there, "an event in quarantine")
    return opened


async def _it_is_counted_as_repaired(engineer: Browser, finance: Browser, faulty: dict[str, object]) -> None:
    opened = await _in_quarantine(engineer)
    asked = await engineer.get(with_query("/events", {"source": "test", "id": "q1"}))
    assert ">could not be taken<" in asked.text and links(asked, "/quarantine/qua_") == [opened]
    page = await engineer.get(opened)
    assert "time_missing" in page.text and "<script>alert" not in page.text and "⟨U+202E⟩" in page.text
    assert '<form id="repair"' not in (await finance.get(opened)).text, "finance looks only"
    refused = await finance.post(
        f"{opened}/discard", **hidden(page, "discard") | {"csrf": finance.csrf}, reason="x"
    )
    assert refused.status_code == 403
    still = await engineer.post(f"{opened}/repair", **hidden(page, "repair"), event='{"no": "event"}')
    assert still.status_code == 422 and "&#34;no&#34;: &#34;event&#34;" in still.text, (
        "what was typed is there"
    )
    assert still.headers["hx-reselect"] == "#repair"
    mended = msgspec.json.encode({**faulty, "time": "2024-01-10T12:00:00Z"}).decode()
    done = await engineer.post(f"{opened}/repair", **hidden(still, "repair"), event=mended)
    assert (done.status_code, done.headers["location"]) == (303, f"{opened}?done=repair"), done.text
    assert "It is counted as you wrote it." in (await engineer.get(f"{opened}?done=repair")).text
    assert links(await engineer.get("/quarantine"), "/quarantine/qua_") == []

    async def stored() -> bool:
        told = await engineer.get(with_query("/events", {"source": "test", "id": "q1"}))
        return "10 Jan 2024" in told.text

    await until(stored, "the repaired event is stored")


async def _another_is_discarded(engineer: Browser, client: Client) -> None:
    faulty = msgspec.json.decode(event("q2"))
    del faulty["time"]
    await client.send_events([msgspec.json.encode(faulty)])
    opened = await _in_quarantine(engineer)
    page = await engineer.get(opened)
    again = await engineer.post(f"{opened}/replay", **hidden(page, "replay"))
    assert again.status_code == 200 and "It still does not fit: " in again.text
    done = await engineer.post(f"{opened}/discard", **hidden(again, "discard"), reason="a test of ours")
    assert done.status_code == 303, done.text
    closed = await engineer.get(opened)
    assert (
        "a test of ours" in closed.text and "by eve" in closed.text and '<form id="repair"' not in closed.text
    )


async def _a_customer_is_looked_after(success: Browser, finance: Browser) -> None:
    async def evaluated() -> bool:
        return "not evaluated" not in (await success.get("/customers")).text

    await until(evaluated, "the customer's first evaluation")
    for asked in ("?sort=stake", "?sort=renewal&at_risk=false", "?q=AC"):
        assert links(await success.get(f"/customers{asked}"), "/customers/acme") == ["/customers/acme"], asked
    page = await success.get("/customers/acme")
    assert "silent days" in page.text and "whole local days without an event" in page.text

    async def told() -> list[str]:
        return links(await success.get("/customers/acme"), "/signals/sig_")

    opened = (await until(told, "a signal of the customer"))[0]
    signal = await success.get(opened)
    assert '<form id="note"' not in (await finance.get(opened)).text, "finance looks only"
    refused = await success.post(f"{opened}/snooze", **hidden(signal, "snooze"), until="soon")
    assert refused.status_code == 422 and 'value="soon"' in refused.text
    assert refused.headers["hx-retarget"] == "#snooze", "what is typed into the note stays"
    for act, fields in (("acknowledge", {}), ("note", {"text": "called <b>Ann</b>"})):
        done = await success.post(f"{opened}/{act}", **hidden(signal, act), **fields)
        assert (done.status_code, done.headers["location"]) == (303, f"{opened}?done={act}"), done.text
    after = await success.get(f"{opened}?done=note")
    assert "It is written down." in after.text and "called &lt;b&gt;Ann&lt;/b&gt;" in after.text
    assert ">acknowledged<" in after.text and ">cs<" in after.text
