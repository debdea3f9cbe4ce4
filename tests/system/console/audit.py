"""What holds of every page: it hinders nobody, in either scheme; Tab goes through it and Enter leaves nobody nowhere; it is
small, asks for few files, and for none of another host."""

import gzip
import re
from typing import Final

from tests.system.console.browser import SCHEMES, Window

REQUESTS_MAX, PAGE_MAX_BYTES = 8, 40_000
#: What is another one in each row.
_NAMES: Final = re.compile("[a-z]{3}_[0-9A-Za-z]+|[0-9a-f]{12}|[0-9]+")
#: Where Enter leads away from what is tried here.
LEAVES: Final = {
    "#print": "billing's own page",
    "#sign-out": "to the sign-in page",
    "#everywhere-do": "to the sign-in page",
}


async def hindrances(on: Window, where: str) -> list[str]:
    """What of the page as it stands is against WCAG 2.2 A and AA, in either scheme; and where Tab does not go through it
    from its first place to its last."""
    found = []
    for scheme in SCHEMES:
        await on.page.emulate_media(color_scheme=scheme)
        found += [f"{where}, {scheme}: {one}" for one in await on.violations()]
    await on.page.emulate_media(color_scheme="light")
    places = await on.walk()
    if not places[0].startswith('<a class="skip"') or places[-1] != "#keys-open":
        found.append(f"{where}: Tab goes from {places[0]} to {places[-1]}")
    return found


async def opened(on: Window, address: str) -> int:
    """Go there, and see that little was asked for, little came, and nothing is kept. The status it answers with."""
    began = len(on.reports.requests)
    status = await on.open(address)
    asked = on.reports.requests[began:]
    assert len(asked) <= REQUESTS_MAX, (address, asked)
    size = len(gzip.compress((await on.page.content()).encode()))
    assert size <= PAGE_MAX_BYTES, f"{address} has {size} bytes"
    assert await on.page.evaluate("() => localStorage.length") == 0, address
    return status


async def lost_by_enter(on: Window, address: str, tried: set[str]) -> list[str]:
    """Of each kind of place of a page that was not tried on another one: where Enter leaves the focus on no page."""
    await on.open(address)
    places = {_NAMES.sub("N", place): place for place in await on.walk() if place.startswith("#")}
    lost = []
    for kind in places.keys() - tried - LEAVES.keys():
        tried.add(kind)
        place = places[kind]
        await on.open(address)
        stands = on.page.locator(f'[id="{place[1:]}"]')
        if not await stands.count():
            # what was done before took it away, as sharing a view does
            continue
        await stands.focus()
        await on.enter()
        if await on.focused() == "body":
            lost.append(f"Enter on {place} of {address}")
    return lost
