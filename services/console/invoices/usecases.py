"""What pages of documents ask of billing and rating, and what they have done there."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.console.domain.times import Zones
from services.console.invoices.domain.document import (
    OF_PERIOD,
    Acts,
    Document,
    Documents,
    Happened,
    History,
    Total,
    Totals,
    Trace,
)
from services.console.invoices.domain.history import HISTORY_MAX, is_cut
from services.console.invoices.domain.reviews import Act, LookedAt, body_of
from services.console.upstream.clients import Services
from services.console.upstream.domain.told import Silent, Streamed, read

ROWS: Final = 50


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list, and what all that fits comes to, by state and currency."""

    documents: Documents
    totals: list[Total]


@dataclass(frozen=True, slots=True)
class Seen:
    """A document, those of its contract up to its period, and what became of it."""

    document: Document
    earlier: list[Document] | Silent
    happened: list[Happened] | Silent
    is_cut: bool = False
    """`earlier` is not all, and has not as many periods as are shown"""


@dataclass(frozen=True, slots=True)
class Traced:
    """A line down to its events, and the document that it is on."""

    trace: Trace
    document: Document


async def list_documents(services: Services, asked: dict[str, str], cursor: str) -> Listed | Silent:
    """A page of the list, and what all of it comes to. Raises ServiceRefused."""
    fits = {name: value for name, value in asked.items() if name != "sort"}
    told, totals = await asyncio.gather(
        services.get("billing", "/v1/invoices", limit=ROWS, cursor=cursor or None, **asked),
        services.get("billing", "/v1/invoices/totals", **fits),
    )
    if isinstance(told, Silent):
        return told
    if isinstance(totals, Silent):
        return totals
    return Listed(read(told, Documents), read(totals, Totals).totals)


async def show_document(services: Services, document_id: str) -> Seen | Silent:
    """Raises ServiceRefused where there is none."""
    told, happened = await asyncio.gather(
        services.get("billing", "/v1/invoices/{}", document_id),
        services.get("billing", "/v1/invoices/{}/history", document_id),
    )
    if isinstance(told, Silent):
        return told
    document = read(told, Document)
    earlier = await services.get(
        "billing",
        "/v1/invoices",
        contract=document.contract,
        period_to=document.period.end,
        limit=HISTORY_MAX,
    )
    became = happened if isinstance(happened, Silent) else read(happened, History).happened
    if isinstance(earlier, Silent):
        return Seen(document, earlier, became)
    documents = read(earlier, Documents)
    return Seen(document, documents.data, became, is_cut(documents))


async def trace_line(services: Services, document_id: str, line_id: str, cursor: str) -> Traced | Silent:
    """Raises ServiceRefused where there is no such line."""
    path = "/v1/invoices/{}/lines/{}/trace"
    traced, told = await asyncio.gather(
        services.get("billing", path, document_id, line_id, limit=ROWS, cursor=cursor or None),
        services.get("billing", "/v1/invoices/{}", document_id),
    )
    if isinstance(traced, Silent):
        return traced
    if isinstance(told, Silent):
        return told
    return Traced(read(traced, Trace), read(told, Document))


async def download_events(
    services: Services, document_id: str, line_id: str, zones: Zones
) -> Streamed | Silent:
    """All raw events that the line counts, in the zone that its page is in. Raises ServiceRefused where there is no such
    line."""
    traced = await trace_line(services, document_id, line_id, "")
    if isinstance(traced, Silent):
        return traced
    line, correction = traced.trace.line, traced.trace.correction
    return await services.stream(
        "rating",
        "/v1/statements/{}/{}/lines/{}/events",
        line.contract,
        line.period.start,
        line.id,
        accept=zones.csv_of(traced.document.timezone),
        occasion=correction.occasion if correction else OF_PERIOD,
    )


async def print_document(services: Services, document_id: str) -> Streamed | Silent:
    return await services.stream("billing", "/v1/invoices/{}.html", document_id, accept="text/html")


async def download_documents(services: Services, asked: dict[str, str], zones: Zones) -> Streamed | Silent:
    """All of the list, as it is narrowed."""
    return await services.stream("billing", "/v1/invoices", accept=zones.csv, **asked)


async def review_document(
    services: Services, document_id: str, act: Act, seen: LookedAt, reason: str
) -> None:
    """Do it to the one draft. Raises ServiceRefused."""
    body = body_of(act, seen, reason) or None
    await services.change("billing", "POST", f"/v1/invoices/{{}}/{act}", document_id, document=body)


async def review_documents(services: Services, act: Act, seen: Sequence[LookedAt], reason: str) -> Acts:
    """Do it to each of these drafts; what is refused keeps nothing else from being done. Raises ServiceRefused where none of
    it can be."""
    acts = [{"act": act, "document": one.document, **body_of(act, one, reason)} for one in seen]
    return read(
        await services.change("billing", "POST", "/v1/invoices/reviews", document={"acts": acts}), Acts
    )
