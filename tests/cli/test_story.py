"""The verdict of `u2c events explain`, put together from what three services say, and the words it is told
in."""

from typing import Any

import pytest

from services.rating.disposition.domain.verdict import Verdict
from u2c.explaining import QUARANTINED, Explained, verdict_of
from u2c.story import WORDS, told

STORED = {
    "type": "call",
    "subject": "acme",
    "time": "2024-01-01T00:00:00Z",
    "data": {},
    "received_at": "2024-01-01T00:00:00Z",
    "stored_at": "2024-01-01T00:00:01Z",
    "topic": "usage.events",
    "partition": 4,
    "batch_id": 7,
    "seq": 1,
}
LINE = {"line_id": "l", "key": "calls", "meter": "calls"}
CONTRACT = {
    "contract": "acme-1",
    "version": 1,
    "final": True,
    "period": {"start": "2024-01-01", "end": "2024-01-31"},
    "lines": [LINE],
}
DOCUMENT = {
    "id": "inv_1",
    "number": "N-000001",
    "kind": "invoice",
    "status": "finalized",
    "contract": "acme-1",
    "currency": "USD",
    "lines": [],
}


def answer(verdict: str, **changes: Any) -> dict[str, Any]:
    return {
        "verdict": verdict,
        "source": "shop",
        "id": "1",
        "stored": STORED,
        "duplicates": [],
        "duplicates_total": 0,
        "conflicts": [],
        "conflicts_total": 0,
        "void": None,
        "in_flight": [],
        "dead_letters": [],
        "detail": "why",
        "meters": [
            {"meter": "calls", "group": {"region": "eu"}, "value": "1", "item": None, "unreadable": False}
        ],
        "contracts": [CONTRACT],
        **changes,
    }


@pytest.mark.parametrize(
    ("said", "stored", "quarantine", "documents", "verdict"),
    [
        ("unknown", None, ["open"], [], QUARANTINED),
        ("unknown", None, ["discarded"], [], QUARANTINED),
        ("unknown", None, ["replayed"], [], "unknown"),
        ("voided", None, ["open"], [], QUARANTINED),
        ("in_flight", None, ["open"], [], "in_flight"),
        ("suspense", STORED, ["open"], [], "suspense"),
        ("billed", STORED, [], [DOCUMENT], "billed"),
        ("billed", STORED, [], [{**DOCUMENT, "status": "draft"}], "will_be_billed"),
        ("billed", STORED, [], [], "will_be_billed"),
        ("billed", STORED, [], None, "billed"),
        ("unknown", None, None, [], "unknown"),
    ],
)
def test_one_word_of_three_answers(
    said: str, stored: Any, quarantine: list[str] | None, documents: Any, verdict: str
) -> None:
    rows = None if quarantine is None else [{"status": status} for status in quarantine]
    assert verdict_of(answer(said, stored=stored), rows, documents) == verdict


def test_every_verdict_has_its_words() -> None:
    assert set(WORDS) == {*Verdict, QUARANTINED}


def test_the_story_names_the_line_and_the_document() -> None:
    lines = dict(told(Explained("billed", answer("billed"), [], [DOCUMENT])))
    assert (
        lines["counted"] == "calls +1 (region eu)"
        and lines["billed by"].endswith("→ N-000001 (final)")
        and "why" not in lines
    )
    assert (
        dict(told(Explained("billed", answer("billed"), [], None, ("documents: nothing answers",))))[
            "not asked"
        ]
        == "documents: nothing answers"
    )
    assert dict(told(Explained("suspense", answer("suspense", contracts=[]), [], [])))["why"] == "why"
