"""An explained event in words: the verdict first, then a line for each thing a person asks next."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from u2c.explaining import BILLED, Explained

#: Verdict → its colour and its words; where it is not fine, the words say so without the colour.
WORDS = {
    "billed": ("green", "billed"),
    "will_be_billed": ("green", "will be billed"),
    "suspense": ("yellow", "waits in suspense"),
    "unpriced": ("yellow", "unpriced"),
    "voided": ("yellow", "voided"),
    "held_late": ("yellow", "held late"),
    "waived_late": ("green", "waived: it came too late"),
    "held": ("yellow", "held"),
    "conflict": ("red", "conflict: another body was refused"),
    "quarantined": ("red", "quarantined"),
    "set_aside": ("red", "set aside"),
    "in_flight": ("yellow", "in flight"),
    "unknown": ("red", "unknown"),
}
DATA_CHARS_MAX = 200


def told(explained: Explained) -> Iterator[tuple[str, str]]:
    """Pairs of what a line is about and what it says; the event's own line has no name."""
    answer = explained.answer
    if stored := answer["stored"]:
        yield (
            "",
            f"{_time(stored['time'])}   {stored['subject']}   {stored['type']}   {_short(json.dumps(stored['data'], ensure_ascii=False))}",
        )
        yield "counted", " · ".join(map(_fed, answer["meters"])) or "by no meter"
        yield from _billing(explained)
        yield "received", _received(answer)
        yield (
            "stored",
            (
                f"{stored['topic']} p{stored['partition']} batch {stored['batch_id']} seq {stored['seq']}{_after(stored)}"
            ),
        )
    for record in answer["in_flight"]:
        yield (
            "in flight",
            f"{record['kind'] or 'a record'} on {record['topic']} p{record['partition']} offset {record['offset']}",
        )
    for letter in answer["dead_letters"]:
        yield "set aside", f"{letter['name']} since {_time(letter['at'])}: {_short(letter['error'])}"
    for row in explained.quarantine or ():
        by = f" ({row['resolved_by']}: {row['resolution']})" if row["status"] == "discarded" else ""
        yield "quarantine", f"{row['quarantine_id']} {row['status']}{by}, {row['code']}: {row['detail']}"
    for missing in explained.unasked:
        yield "not asked", missing
    if explained.verdict not in ("billed", "will_be_billed", "quarantined") or answer["conflicts"]:
        yield "why", _why(explained)


def _billing(explained: Explained) -> Iterator[tuple[str, str]]:
    for contract in explained.answer["contracts"]:
        lines = ", ".join(line["key"] for line in contract["lines"])
        period = f"{contract['period']['start']} to {contract['period']['end']}"
        documents = [
            document for document in explained.documents or () if document["contract"] == contract["contract"]
        ]
        named = ", ".join(
            f"{document['number'] or document['id']} ({'final' if document['status'] == 'finalized' else document['status']})"
            for document in documents
        )
        yield (
            ("billed by" if explained.verdict == BILLED else "priced by")
            if contract["lines"]
            else "in force",
            (
                f"{contract['contract']} v{contract['version']}{f', lines {lines}' if lines else ''}, {period}{f' → {named}' if named else ''}"
            ),
        )


def _why(explained: Explained) -> str:
    refused = explained.answer["conflicts_total"]
    also = (
        f"; {refused} other bod{'y' if refused == 1 else 'ies'} under its id {'was' if refused == 1 else 'were'} refused"
        if refused
        else ""
    )
    return f"{explained.answer['detail']}{also}"


def _fed(meter: dict[str, Any]) -> str:
    """departures +1 (origin EWR)"""
    if meter["unreadable"]:
        return f"{meter['meter']}: no value that can be read"
    group = json.loads(meter["group"]) if isinstance(meter["group"], str) else meter["group"] or {}
    what = f" {meter['item']}" if meter["item"] is not None else f" +{meter['value']}"
    return f"{meter['meter']}{what}" + (
        f" ({', '.join(f'{name} {value}' for name, value in group.items())})" if group else ""
    )


def _received(answer: dict[str, Any]) -> str:
    again, refused = answer["duplicates_total"], answer["conflicts_total"]
    times = "once" if not again else f"{again + 1} times"
    void = f"void since {_time(answer['void']['received_at'])}" if answer["void"] else "no void"
    return f"{times}; {refused or 'no'} conflict{'' if refused == 1 else 's'}, {void}"


def _after(stored: dict[str, Any]) -> str:
    if not stored["stored_at"]:
        return ""
    seconds = (
        datetime.fromisoformat(stored["stored_at"]) - datetime.fromisoformat(stored["received_at"])
    ).total_seconds()
    return f", {max(seconds, 0.0):.1f} s after it arrived"


def _time(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M:%S} UTC"


def _short(text: str) -> str:
    return text if len(text) <= DATA_CHARS_MAX else f"{text[:DATA_CHARS_MAX]}…"
