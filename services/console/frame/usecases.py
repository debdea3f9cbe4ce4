"""What stands around a page: where its reader can go, and how far what they see can be trusted."""

import asyncio
from datetime import datetime, timedelta
from typing import Final

from services.console.context import ConsoleContext
from services.console.domain.frame import Destination, Frame, Notice, Saved
from services.console.domain.navigation import is_below, keeps_views, open_to, zone_choices
from services.console.domain.parts import Cell
from services.console.domain.times import Moment
from services.console.domain.views import View, Wanted, filters_in, save_form
from services.console.domain.visit import Visit
from services.console.frame.memory import seen
from services.console.upstream.domain.shapes.billing import ListedCheck
from services.console.upstream.domain.shapes.parts import Listed
from services.console.upstream.domain.shapes.rating import Clock, Freshness
from services.console.upstream.domain.told import Silent
from shared.runtime.clock import machine_now
from shared.values.ids import new_id
from shared.values.instants import written

SIGN_OUT = "/sign-out"
#: Figures that are older are said to be late.
LATE_S = 60
#: The newest checks may still wait or run, one at a time.
CHECKS_LOOKED_AT = 20
#: They are made by themselves more often.
CHECKED_WITHIN: Final = timedelta(minutes=30)


async def frame_of(context: ConsoleContext, visit: Visit, title: str, said: str = "") -> Frame:
    """The frame of a page of a signed-in person. `said`: what has just been done."""
    return Frame(
        title,
        person=visit.name,
        sign_out=SIGN_OUT,
        csrf=visit.csrf,
        destinations=destinations(context, visit),
        notices=tuple(await asyncio.gather(*(notice(context, visit) for notice in NOTICES))),
        # a form has no address that one could go to
        zones=() if visit.idempotency_key else zone_choices(visit.here, visit.zones),
        said=said,
        is_demo=context.settings.demo,
        has_letters=visit.has_letters,
        saved=saved_of(context, visit),
    )


def destinations(context: ConsoleContext, visit: Visit) -> tuple[Destination, ...]:
    path = visit.here.partition("?")[0]
    return tuple(
        Destination(entry.text, entry.path, is_below(path, entry), entry.letter)
        for entry in open_to(visit.role, context.navigation)
    )


def saved_of(context: ConsoleContext, visit: Visit) -> Saved | None:
    """What is saved of this list, each as a link that shows it in the zone that was chosen."""
    path, _, query = visit.here.partition("?")
    if visit.idempotency_key or not keeps_views(path, visit.role, context.navigation):
        return None
    try:
        now = filters_in(query)
    except ValueError:
        now = ""
    views = tuple(_link(view, visit, now) for view in visit.views)
    return Saved(views, save_form(visit.csrf, new_id("idk"), Wanted(path, now)) if now else None)


def _link(view: View, visit: Visit, now: str) -> Destination:
    text = view.name if view.owner == visit.name else f"{view.name} (of {view.owner})"
    return Destination(text, view.at(visit.zones.query), view.query == now)


async def clock_notice(context: ConsoleContext, visit: Visit) -> Notice:
    """The business clock, and whether it was moved."""
    clock = await seen(context, visit, Clock, "rating", "/v1/clock")
    if isinstance(clock, Silent):
        return Notice("Business time", _unknown(clock), "bad")
    return Notice(
        "Business time, moved" if clock.moved else "Business time", Cell.at(_shown(clock.now, visit))
    )


async def freshness_notice(context: ConsoleContext, visit: Visit) -> Notice:
    """Up to when usage that was received is in the figures."""
    term = "Usage in the figures"
    fresh = await seen(context, visit, Freshness, "rating", "/v1/freshness")
    if isinstance(fresh, Silent):
        return Notice(term, _unknown(fresh), "bad")
    if fresh.covers_until is None or fresh.lag_s is None:
        return Notice(term, Cell("none yet, and some waits"), "warn")
    if not fresh.lag_s:
        return Notice(term, Cell("all that was received"))
    return Notice(
        f"{term} up to", Cell.at(_shown(fresh.covers_until, visit)), "warn" if fresh.lag_s > LATE_S else ""
    )


async def books_notice(context: ConsoleContext, visit: Visit) -> Notice:
    """What the last check of the books that is done has found, and that it is old, by the machine's clock."""
    checks = await seen(
        context,
        visit,
        Listed[ListedCheck],
        "billing",
        "/v1/reconciliation/checks",
        limit=CHECKS_LOOKED_AT,
    )
    if isinstance(checks, Silent):
        return Notice("Books", _unknown(checks), "bad")
    done = next((check for check in checks.data if check.state == "done"), None)
    if done is None or done.done_at is None:
        return Notice("Books", Cell("not checked yet"), "warn")
    checked = f"checked {_shown(done.done_at, visit).text}"
    if not done.holds:
        return Notice("Books", Cell("K1–K5 do not hold", checked), "bad")
    if machine_now() - done.done_at > CHECKED_WITHIN:
        return Notice("Books", Cell(f"K1–K5 held, {checked}", "no check is done since"), "warn")
    return Notice("Books", Cell("K1–K5 hold", checked), "good")


def _unknown(silent: Silent) -> Cell:
    return Cell(f"unknown: {silent.cause}", silent.remedy)


def _shown(at: datetime, visit: Visit) -> Moment:
    return visit.zones.moment(written(at))


#: The line on top of every page.
NOTICES: Final = (clock_notice, freshness_notice, books_notice)
