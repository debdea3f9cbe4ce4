"""What became of one event, put together from what three services know of it."""

from dataclasses import dataclass
from typing import Any

import httpx2

from shared.environment_fault import EnvironmentFault
from u2c.api import Api

FORBIDDEN = {httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN}
UNKNOWN, QUARANTINED = "unknown", "quarantined"
BILLED, WILL_BE_BILLED = "billed", "will_be_billed"
#: Of the quarantine: what was replayed or repaired went on its way.
NOT_TAKEN = ("open", "discarded")


@dataclass(frozen=True)
class Explained:
    """`answer` of rating; rows of the quarantine and documents with a line that charges it, None where
    `unasked` says why they are missing."""

    verdict: str
    answer: dict[str, Any]
    quarantine: list[dict[str, Any]] | None
    documents: list[dict[str, Any]] | None
    unasked: tuple[str, ...] = ()

    def shown(self) -> dict[str, Any]:
        """The whole of it, the verdict first."""
        return {
            "verdict": self.verdict,
            **{name: value for name, value in self.answer.items() if name != "verdict"},
            "quarantine": self.quarantine,
            "documents": self.documents,
            "unasked": list(self.unasked),
        }


async def explained(source: str, event_id: str, database: str | None) -> Explained:
    """Ask rating, usage_ingest's quarantine, and billing for the documents.

    Without billing the verdict rests on rating's final statements, and says so; without the quarantine there
    would be none.
    """
    async with (
        Api("rating", database) as rating,
        Api("usage_ingest", database) as ingest,
        Api("billing", database) as billing,
    ):
        answer = await rating.get("/v1/events/explain", source=source, id=event_id)
        quarantine = await _listed(ingest, "/v1/quarantine", source=source, id=event_id)
        unasked: tuple[str, ...] = () if quarantine is not None else ("quarantine: the key may not read it",)
        try:
            documents = await _documents(billing, answer)
            unasked += () if documents is not None else ("documents: the key may not read them",)
        except EnvironmentFault as fault:
            documents, unasked = None, (*unasked, f"documents: {fault.fault}")
    return Explained(verdict_of(answer, quarantine, documents), answer, quarantine, documents, unasked)


def verdict_of(
    answer: dict[str, Any], quarantine: list[dict[str, Any]] | None, documents: list[dict[str, Any]] | None
) -> str:
    """Rating's word, unless the event never came so far, or its final statement has no finalized document
    yet."""
    word: str = answer["verdict"]
    if (
        answer["stored"] is None
        and word in (UNKNOWN, "voided")
        and any(row["status"] in NOT_TAKEN for row in quarantine or ())
    ):
        return QUARANTINED
    if (
        word == BILLED
        and documents is not None
        and not any(document["status"] == "finalized" for document in documents)
    ):
        return WILL_BE_BILLED
    return word


async def _documents(billing: Api, answer: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Number, kind, status and the lines of each document that has one of the lines which charge the
    event."""
    found: list[dict[str, Any]] = []
    for contract in answer.get("contracts", ()):
        lines = {line["line_id"] for line in contract["lines"]}
        if not lines:
            continue
        period = contract["period"]
        listed = await _listed(
            billing,
            "/v1/invoices",
            contract=contract["contract"],
            period_from=period["start"],
            period_to=period["end"],
            limit="200",
        )
        if listed is None:
            return None
        found += [
            {
                "id": document["id"],
                "number": document["number"],
                "kind": document["kind"],
                "status": document["status"],
                "contract": document["contract"],
                "currency": document["currency"],
                "lines": [
                    {"id": line["id"], "key": line["key"], "amount": line["amount"]}
                    for line in document["lines"]
                    if line["id"] in lines
                ],
            }
            for document in listed
            if any(line["id"] in lines for line in document["lines"])
        ]
    return found


async def _listed(service: Api, path: str, **query: str) -> list[dict[str, Any]] | None:
    """All rows of a list; None where the key may not see them."""
    rows: list[dict[str, Any]] = []
    while True:
        answer = await service.call("GET", path, params=query)
        if answer.status_code in FORBIDDEN:
            return None
        page = service.body(answer)
        rows += page["data"]
        if not page["has_more"]:
            return rows
        query["cursor"] = page["next_cursor"]
