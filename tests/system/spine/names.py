"""Names as hostile producers give them, and a deployment that is asked by raw request lines: no client mends
an address on the way."""

import json
import time
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from hypothesis import strategies as st

DEADLINE_S = 60.0
#: What addresses, stores, normalisation and eyes trip over.
PIECES = [
    "a",
    "B",
    "7",
    "/",
    "//",
    "%",
    "%2F",
    "%25",
    "?",
    "#",
    "&",
    "+",
    ";",
    ":",
    "\\",
    '"',
    "'",
    ".",
    "..",
    " ",
    "  ",
    "{",
    "~",
    "é",
    "e\u0301",
    "Å",
    "\u212b",
    "\u1e9b\u0323",
    "ﬁ",
    "ß",
    "日本",
    "👩\u200d💻",
    "❤\ufe0f\u200d🔥",
    "🏳\ufe0f\u200d🌈",
    "🙂\u200d↔\ufe0f",
    "😀",
    "\u0301",
    "\u0600",
    "\u00ad",
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u2060",
    "\ufeff",
    "\u00a0",
    "\u3000",
    "\u2028",
    "\u2029",
    "\u3164",
    "\t",
    "\n",
    "\0",
    "\x7f",
    "\x85",
    "\U000e0041",
    "\ue000",
    "\ufffd",
]
#: What names people do give, near and beyond the bounds.
WHOLE = [
    "acme",
    "a/b",
    "a%2Fb",
    "a?b=c#d",
    "100%",
    "Acme Corp",
    ".",
    "..",
    "...",
    "acme.html",
    "schema",
    "type:call",
    "ACME",
    "acme ",
    " acme",
    "ac\u200bme",
    "caf\u00e9",
    "cafe\u0301",
    "x" * 255,
    "x" * 256,
    "x" * 1024,
    "x" * 1025,
    "é" * 255,
    "e\u0301" * 255,
    "é" * 256,
    "😀" * 255,
    "👩\u200d💻" * 85,
    "日" * 341,
    "日" * 342,
]
NAMES = st.one_of(
    st.sampled_from(WHOLE),
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=6).map("".join),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12),
)


@dataclass(frozen=True)
class Sent:
    """An event by its four names, as they are sent."""

    source: str
    id: str
    type: str
    subject: str

    def cloud_event(self) -> dict[str, Any]:
        at = (datetime.now(UTC) - timedelta(hours=1)).replace(microsecond=0)
        names = {"source": self.source, "id": self.id, "type": self.type, "subject": self.subject}
        return {"specversion": "1.0", "time": at.isoformat(), "data": {}, **names}


EVENTS = st.lists(st.builds(Sent, NAMES, NAMES, NAMES, NAMES), min_size=12, max_size=16)


@dataclass
class Asker:
    """Sends raw request lines to the services of a deployment. Paths are written as they go over the wire."""

    urls: Mapping[str, str]
    key: str

    def ask(self, service: str, path: str, body: Any = None, **query: str) -> tuple[int, Any]:
        """GET, or POST with a body: the status, and the answer read."""
        place = urlsplit(self.urls[service])
        connection = HTTPConnection(place.hostname or "", place.port, timeout=60)
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        target = f"{path}?{urlencode(query)}" if query else path
        try:
            connection.request(
                "GET" if body is None else "POST",
                target,
                None if body is None else json.dumps(body).encode(),
                headers,
            )
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def found(
        self, service: str, path: str, holds: Callable[[Any], bool] = lambda _answer: True, **query: str
    ) -> Any:
        """The answer once it is 200 and holds: what travels by the bus takes its time."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            status, answer = self.ask(service, path, **query)
            if status == 200 and holds(answer):
                return answer
            assert status in (200, 404), f"{service} {path} {query}: {status} {answer}"
            assert time.monotonic() < deadline, f"{service} {path} {query}: {answer}"
            time.sleep(0.1)


def segment(name: str) -> str:
    """A name as one segment of a path."""
    return quote(name, safe="")


def spellings(name: str) -> set[str]:
    """The name as sent and in the forms an operating system may make of it."""
    return {name, unicodedata.normalize("NFD", name), unicodedata.normalize("NFC", name)}
