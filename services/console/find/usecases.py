"""Finding what somebody has pasted or begun to type, whatever it is the name of: each service is asked once."""

import asyncio
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.upstream.clients import Services
from services.console.upstream.domain.faults import ServiceRefused
from services.console.upstream.domain.told import Query, Service, Silent, Told

Kind = Literal["document", "contract", "customer", "signal", "quarantined event"]
ROWS: Final = 20
#: What is pasted as a whole, since its service looks by no part of it.
DOCUMENT_ID, SIGNAL_ID, QUARANTINE_ID = (
    re.compile(rf"{prefix}_[A-Za-z0-9]{{22}}") for prefix in ("inv", "sig", "qua")
)


@dataclass(frozen=True, slots=True)
class Named:
    """Something that is called so, or begins so. `id` is what its page is found by, `says` what else is known of it."""

    kind: Kind
    id: str
    name: str
    says: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A service that did not answer is said: what it knows may be missing."""

    named: tuple[Named, ...]
    silent: tuple[Silent, ...]


async def find(services: Services, name: str) -> Found:
    """What begins so, what is called just so first."""
    told = await asyncio.gather(
        _asked(services, "billing", "/v1/invoices", DOCUMENT_ID, name),
        _asked(services, "rating", "/v1/contracts", None, name),
        _asked(services, "signals", *_of_signals(name), name),
        _asked(services, "usage_ingest", "/v1/quarantine", QUARANTINE_ID, name),
    )
    documents, contracts, signals, quarantined = (_rows(one) for one in told)
    named = dict.fromkeys(
        (
            *(_document(one) for one in documents),
            *(Named("contract", one["contract"], one["contract"]) for one in contracts),
            *_customers(name, documents, contracts, signals),
            *(Named("signal", one["id"], one["id"], one["type"]) for one in signals if "type" in one),
            *(_quarantined(one) for one in quarantined),
        )
    )
    exact_first = sorted(named, key=lambda one: name not in (one.name, one.id))
    return Found(tuple(exact_first), tuple(one for one in told if isinstance(one, Silent)))


def _of_signals(name: str) -> tuple[str, re.Pattern[str] | None]:
    return ("/v1/signals", SIGNAL_ID) if SIGNAL_ID.fullmatch(name) else ("/v1/customers", None)


async def _asked(
    services: Services, service: Service, path: str, whole: re.Pattern[str] | None, name: str
) -> Told | Silent:
    """By its id where it is one, else by how it begins. What cannot be a name of the kind is none of it."""
    query: dict[str, Query] = {"q": name, "limit": ROWS}
    try:
        if whole is not None and whole.fullmatch(name):
            return await services.get(service, f"{path}/{{}}", name)
        return await services.get(service, path, **query)
    except ServiceRefused:
        return Told({})


def _rows(told: Told | Silent) -> list[dict[str, Any]]:
    if isinstance(told, Silent) or not told.document:
        return []
    rows: list[dict[str, Any]] = told.document.get("data", [told.document])
    return rows


def _document(one: dict[str, Any]) -> Named:
    name = one["number"] or f"draft of {one['contract']}"
    return Named("document", one["id"], name, one["customer_name"])


def _customers(name: str, *found: list[dict[str, Any]]) -> Iterator[Named]:
    """Those that are called so by id or name; a contract or document that begins so is of another, too."""
    begins = name.casefold()
    for one in (one for rows in found for one in rows if one.get("customer")):
        customer, label = one["customer"], one.get("customer_name") or one.get("name") or ""
        if customer.casefold().startswith(begins) or label.casefold().startswith(begins):
            yield Named("customer", customer, customer)


def _quarantined(one: dict[str, Any]) -> Named:
    return Named("quarantined event", one["quarantine_id"], one["id"] or "without id", one["code"])
