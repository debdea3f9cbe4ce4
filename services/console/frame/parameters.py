"""In whose zone a page shows its times: the address says it (`zone=`), so a link shows all who follow it the same; which zone
is "mine" the browser says by a cookie."""

from functools import cache
from typing import Annotated, Final
from zoneinfo import available_timezones

from fastapi import Cookie, Depends, Query

from services.console.domain.times import UTC, Choice, Zones

_known: Final = cache(available_timezones)


def _zones(
    zone: Annotated[Choice, Query()] = "customer",
    mine: Annotated[str, Cookie(alias="zone")] = "",
) -> Zones:
    return Zones(zone, mine if mine in _known() else UTC)


Zoned = Annotated[Zones, Depends(_zones)]
