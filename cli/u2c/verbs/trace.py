"""`u2c trace`: a line of a document, from its cents back to the events; a note's line to the correction it is from."""

import asyncio
from typing import Annotated, Any

import typer

from u2c.api import WRONG, Api, OfDatabase
from u2c.printing import AsJson, console, print_json

EVENTS_SHOWN = 10


def command(
    document: Annotated[str, typer.Argument(help="The document's number, or its id, inv_…")],
    line: Annotated[
        str | None, typer.Argument(help="The line's key, or its id; default: the document's only one")
    ] = None,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Where a line of an invoice or note comes from: its clause, its statement, its journal entry, its first events, and of
    a note which correction it is, of what, and what the line came to before and after."""
    found = asyncio.run(_traced(document, line, database))
    if as_json:
        print_json(found)
        return
    for name, says in told(found):
        console().print(
            f"  {name:12} {says}" if name else says, markup=False, highlight=False, soft_wrap=True
        )


def told(trace: dict[str, Any]) -> list[tuple[str, str]]:
    """What is said of a trace, (name, words) a line."""
    line, statement, clause = trace["line"], trace["statement"], trace["clause"]
    number = trace["number"] or f"{trace['document']} (draft)"
    words = [
        ("", f"{number}  {trace['customer']}  {line['key']}: {line['quantity']}, {line['amount']}"),
        ("period", f"{trace['contract']}, {trace['period']['start']} to {trace['period']['end']}"),
        ("clause", f"{clause['section']}/{clause['key']} of version {clause['version']}"),
        ("statement", f"{statement['id']} revision {statement['revision']}"),
        *_correction(trace["correction"]),
        *[("step", step["text"]) for step in line.get("steps") or ()],
    ]
    if (entry := trace["journal_entry"]) is not None:
        words.append(("journal", f"{entry['id']} of {entry['posted_on']}"))
    if (events := trace["events"]) is not None:
        more = " and more: --json, or the API page by page" if events["has_more"] else ""
        names = ", ".join(f"{event['source']} {event['id']}" for event in events["data"])
        words.append(("events", f"{names}{more}" if names else "none"))
    return words


def _correction(correction: dict[str, Any] | None) -> list[tuple[str, str]]:
    if correction is None:
        return []
    return [
        (
            "correction",
            f"{correction['occasion']}: the line is {correction['amount']} then, {correction['before']} was asked for "
            f"before: {correction['asked']}",
        ),
        *[
            (
                "corrects",
                f"{part['corrects']['document']} by {part['amount']}" if part["corrects"] else part["amount"],
            )
            for part in correction["parts"]
        ],
    ]


async def _traced(name: str, line: str | None, database: str | None) -> dict[str, Any]:
    async with Api("billing", database) as billing:
        document = await _document(billing, name)
        lines = {one["id"]: one["key"] for one in document["lines"]}
        wanted = [id for id, key in lines.items() if line in (None, id, key)]
        if len(wanted) != 1:
            raise _refused(
                f"{name} has {'no such line' if line else f'{len(lines)} lines'}: {', '.join(lines.values())}"
            )
        found: dict[str, Any] = await billing.get(
            f"/v1/invoices/{document['id']}/lines/{wanted[0]}/trace", limit=str(EVENTS_SHOWN)
        )
        return found


async def _document(billing: Api, name: str) -> dict[str, Any]:
    if name.startswith("inv_"):
        found: dict[str, Any] = await billing.get(f"/v1/invoices/{name}")
        return found
    listed = (await billing.get("/v1/invoices", number=name))["data"]
    if not listed:
        raise _refused(f"No document {name}.  All: GET /v1/invoices of billing")
    return await _document(billing, listed[0]["id"])


def _refused(says: str) -> typer.Exit:
    console(as_json=True).print(says, markup=False, highlight=False, soft_wrap=True)
    return typer.Exit(WRONG)
