"""Signals as an Atom feed (RFC 4287), for those who want no endpoint."""

from collections.abc import Sequence
from datetime import datetime
from xml.etree.ElementTree import Element, SubElement, tostring

from services.signals.domain.payload import Event, sentence
from services.signals.facts.rows import FactRow
from shared.values.instants import written

ATOM = "http://www.w3.org/2005/Atom"


def atom(facts: Sequence[FactRow], base_url: str, now: datetime) -> bytes:
    """The facts as entries, in the order given. Control characters that XML cannot hold are left out."""
    feed = Element("feed", {"xmlns": ATOM})
    _text(feed, "id", "urn:usage-to-cash:signals")
    _text(feed, "title", "usage-to-cash: signals")
    _text(feed, "updated", written(facts[0].occurred_at if facts else now))
    SubElement(feed, "link", {"rel": "self", "href": f"{base_url}/v1/signals/feed.atom"})
    _text(SubElement(feed, "author"), "name", "usage-to-cash")
    for fact in facts:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:usage-to-cash:{fact.signal_id}")
        _text(entry, "title", f"{fact.customer}: {fact.type}")
        _text(entry, "updated", written(fact.occurred_at))
        SubElement(entry, "link", {"href": f"{base_url}/v1/signals/{fact.signal_id}"})
        _text(
            entry,
            "summary",
            sentence(
                Event(
                    fact.signal_id,
                    fact.type,
                    fact.customer,
                    fact.contract,
                    fact.occurred_at,
                    fact.sequence,
                    fact.data,
                )
            ),
        )
    body: bytes = tostring(feed, encoding="utf-8", xml_declaration=True)
    return body


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = "".join(
        c for c in text if c in "\t\n\r" or (c >= " " and c not in "\ufffe\uffff")
    )
