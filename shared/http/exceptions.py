"""/v1/exceptions, the same in every service: what is wrong there, whose it is, until when, what it is worth, and what people
do about it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any, Final, Literal, Self

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from shared.cases import (
    Case,
    CaseAct,
    CaseCount,
    CaseFilter,
    ExceptionNotFound,
    ExceptionResolved,
    ResolvesByItself,
    act_on,
    acts_about,
    assignee_of,
    count_exceptions,
    count_listed,
    find_exception,
    list_exceptions,
)
from shared.db.unit_of_work import UnitOfWork
from shared.errors import refuses
from shared.http.answers import ABSENT, Answer, CountAnswer, Instant, Listed, WorthAnswer
from shared.http.changes import Changed, ChangingCall, Of, changing
from shared.http.etags import IfMatch, etag_of, tagged
from shared.http.keys import requires
from shared.http.shown_names import ExceptionId, Owner
from shared.http.sorting import INSTANT, TEXT, Listing, SortKey, listing
from shared.runtime.context import AnyContext, Ctx
from shared.values.fields import AskedReference, GivenId, Word
from shared.values.ids import new_id
from shared.values.made_from import made_from
from shared.values.money import Money, currency
from shared.values.names import ACTOR, LABEL

NOTE_CHARACTERS_MAX = 1000
SORTS: Final = {
    "opened": SortKey(TEXT, attrgetter("exception_id")),
    "deadline": SortKey(INSTANT, attrgetter("deadline_at")),
}
Sorted = Annotated[Listing[Case], listing(SORTS, "-opened", attrgetter("exception_id"))]
Text = Annotated[Word | None, Query()]
Reference = Annotated[AskedReference | None, Query(description="What the exception is about")]
Actor = Annotated[str, Field(examples=["usr_1"])]
Note = Annotated[
    str,
    Field(
        min_length=1,
        max_length=NOTE_CHARACTERS_MAX,
        pattern=LABEL,
        examples=["waits for their purchase order"],
    ),
]


@dataclass(frozen=True, slots=True)
class Work:
    """How people work on a service's exceptions: the scope it takes, and the kinds that nothing but a person resolves → by
    what they have been mended then."""

    scope: str
    by_person: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedCases:
    """The filter, as a query may say it."""

    kind: Text = None
    owner: Text = None
    reference: Reference = None
    resolved: Annotated[bool, Query(description="List the resolved ones instead")] = False
    overdue: Annotated[bool, Query(description="Those alone whose deadline is past")] = False

    def filter(self, now: datetime) -> CaseFilter:
        return CaseFilter(self.kind, self.owner, self.reference, self.resolved, now if self.overdue else None)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExceptionAssignBody(_Body):
    """Whose it is from now on."""

    to: Annotated[
        Annotated[str, Field(pattern=f"^{ACTOR}$")] | None,
        Field(description="An actor, as U2C-Actor names one; null: nobody", examples=["usr_1"]),
    ]


class ExceptionNoteBody(_Body):
    """What is to be known about it."""

    note: Note


class ExceptionActAnswer(Answer):
    """What somebody did about it."""

    at: Instant
    """Of the business clock"""
    by: Actor
    act: Literal["assigned", "noted", "resolved"]
    assignee: Actor | None
    """Of `assigned`: to whom; null: to nobody"""
    note: str | None

    @classmethod
    def of(cls, act: CaseAct) -> Self:
        return made_from(cls, act, by=act.actor)


class ExceptionAnswer(Answer):
    """Something that waits for its owner, or did. Times are of the business clock."""

    object: Literal["exception"] = "exception"
    id: ExceptionId
    kind: Annotated[str, Field(examples=["conservation_k5"])]
    reference: str
    """What it is about"""
    detail: str
    """Names the fault and the remedy"""
    owner: Owner
    opened_at: Instant
    deadline_at: Instant
    price: WorthAnswer | None
    """What it is worth"""
    resolved_at: Instant | None
    resolves: Literal["by_itself", "by_person"]
    """By itself, when what it is about is in order again; or where a person says that it is mended, since nothing else can"""
    assignee: Annotated[str | None, Field(examples=["usr_1"])] = ABSENT
    """Who looks after it; absent where nobody does"""
    acts: list[ExceptionActAnswer] | None = ABSENT
    """What people did about it, the oldest first; absent in lists"""

    @classmethod
    def of(cls, case: Case, acts: Sequence[CaseAct], work: Work, *, listed: bool = False) -> Self:
        return made_from(
            cls,
            case,
            id=case.exception_id,
            price=WorthAnswer.of(case.worth) if case.worth is not None else None,
            resolves="by_person" if case.kind in work.by_person else "by_itself",
            assignee=assignee_of(acts),
            acts=None if listed else [ExceptionActAnswer.of(act) for act in acts],
        )


class ExceptionCountAnswer(Answer):
    """What is open of a kind that an owner has."""

    kind: Annotated[str, Field(examples=["conservation_k5"])]
    owner: Owner
    open: int
    overdue: int
    """Past their deadline, by the business clock"""
    oldest_at: Instant
    """When the first of them was opened"""
    deadline_at: Instant
    """The first of their deadlines"""
    price: list[WorthAnswer]
    """What they are worth, as far as that can be said, by currency"""

    @classmethod
    def of(cls, counts: Sequence[CaseCount]) -> Self:
        first = counts[0]
        worths = [
            Money(one.amount_minor, currency(one.currency))
            for one in counts
            if one.currency is not None and one.amount_minor is not None
        ]
        return cls(
            kind=first.kind,
            owner=first.owner,
            open=sum(one.open for one in counts),
            overdue=sum(one.overdue for one in counts),
            oldest_at=min(one.opened_at for one in counts),
            deadline_at=min(one.deadline_at for one in counts),
            price=WorthAnswer.each(worths),
        )


class ExceptionSummaryAnswer(Answer):
    """What is open, by kind and owner."""

    object: Literal["exception_summary"] = "exception_summary"
    open: int
    overdue: int
    counts: list[ExceptionCountAnswer]

    @classmethod
    def of(cls, counts: Sequence[CaseCount]) -> Self:
        of_owner = groupby(counts, key=lambda one: (one.kind, one.owner))
        shown = [ExceptionCountAnswer.of(list(group)) for _, group in of_owner]
        return cls(
            open=sum(one.open for one in shown), overdue=sum(one.overdue for one in shown), counts=shown
        )


def exceptions_router(operation_id: str, scope: str, work: Work) -> APIRouter:
    """The routes over the service's own table, for callers with `scope`, and those of what people do. `operation_id`: that of
    the list, such as `list_exceptions`, after which the others are called."""
    router = APIRouter(prefix="/v1/exceptions", tags=["Exceptions"])
    READ, name = requires(scope), operation_id.removeprefix("list_")

    @router.get("", operation_id=operation_id, dependencies=[READ], summary="Open exceptions, newest first")
    async def list_all(
        context: Ctx,
        sorted_: Sorted,
        which: Annotated[AskedCases, Depends()],
    ) -> Listed[ExceptionAnswer]:
        asked = which.filter(context.clock.now())
        async with context.db.transaction() as uow:
            found = await list_exceptions(uow, asked, sorted_.window)
            acts = await acts_about(uow, [case.exception_id for case in found])
            fit = await count_listed(uow, asked) if sorted_.count else None
        return Listed[ExceptionAnswer].page(
            found,
            sorted_.page,
            sorted_.place,
            lambda case: ExceptionAnswer.of(case, acts.get(case.exception_id, ()), work, listed=True),
            CountAnswer.of(fit),
        )

    _add_reads(router, name, scope, work)
    _add_acts(router, name.removesuffix("s"), work)
    if work.by_person:
        _add_resolve(router, name.removesuffix("s"), work)
    return router


def _add_reads(router: APIRouter, name: str, scope: str, work: Work) -> None:
    """The routes that count them and show one."""
    READ = requires(scope)

    @router.get(
        "/summary",
        operation_id=f"count_{name}",
        dependencies=[READ],
        summary="How many exceptions are open and overdue, by kind and owner",
    )
    async def count(context: Ctx) -> ExceptionSummaryAnswer:
        async with context.db.transaction() as uow:
            return ExceptionSummaryAnswer.of(await count_exceptions(uow, context.clock.now()))

    @router.get(
        "/{exception_id}",
        operation_id=f"get_{name.removesuffix('s')}",
        dependencies=[READ],
        summary="One exception",
    )
    @refuses(ExceptionNotFound)
    async def get_exception(exception_id: GivenId, context: Ctx, response: Response) -> ExceptionAnswer:
        """Its `ETag` changes with what people do about it."""
        async with context.db.transaction() as uow:
            shown, tag = await _shown(uow, await find_exception(uow, exception_id), work)
        tagged(response, tag)
        return shown


def _add_acts(router: APIRouter, name: str, work: Work) -> None:
    """The routes by which people assign and note."""
    Change: Any = Annotated[ChangingCall, changing(work.scope)]

    @router.post(
        "/{exception_id}/assign",
        operation_id=f"assign_{name}",
        summary="Say who looks after it",
        response_model=ExceptionAnswer,
    )
    @refuses(ExceptionNotFound, ExceptionResolved)
    async def assign(
        exception_id: GivenId,
        body: ExceptionAssignBody,
        context: Ctx,
        call: Change,
        _if_match: IfMatch = None,
    ) -> Response:
        """Its owner stays who it is: a seat, not a person."""
        done = partial(CaseAct, act="assigned", assignee=body.to)
        return await _act(context, call, exception_id, done, work)

    @router.post(
        "/{exception_id}/note",
        operation_id=f"note_{name}",
        summary="Write down what is to be known about it",
        response_model=ExceptionAnswer,
    )
    @refuses(ExceptionNotFound, ExceptionResolved)
    async def note(
        exception_id: GivenId, body: ExceptionNoteBody, context: Ctx, call: Change, _if_match: IfMatch = None
    ) -> Response:
        return await _act(context, call, exception_id, partial(CaseAct, act="noted", note=body.note), work)


def _add_resolve(router: APIRouter, name: str, work: Work) -> None:
    Change: Any = Annotated[ChangingCall, changing(work.scope)]

    @router.post(
        "/{exception_id}/resolve",
        operation_id=f"resolve_{name}",
        summary="Say that it is mended, where nothing else can",
        response_model=ExceptionAnswer,
    )
    @refuses(ExceptionNotFound, ExceptionResolved, ResolvesByItself)
    async def resolve(
        exception_id: GivenId, body: ExceptionNoteBody, context: Ctx, call: Change, _if_match: IfMatch = None
    ) -> Response:
        """Most resolve by themselves when what they are about is in order again, and nobody can say so for them."""
        done = partial(CaseAct, act="resolved", note=body.note)
        return await _act(context, call, exception_id, done, work)


async def _act(
    context: AnyContext, call: ChangingCall, exception_id: str, done: Callable[..., CaseAct], work: Work
) -> Response:
    """`done` makes what the caller does of its id, whose it is about, when, and who does it: known once it is their turn."""
    of = Of("exception", exception_id)

    async def act_once(uow: UnitOfWork) -> Changed:
        before, was = await _shown(uow, await find_exception(uow, exception_id), work)
        act = done(act_id=new_id("act"), exception_id=exception_id, at=context.clock.now(), actor=call.actor)
        after, is_now = await _shown(uow, await act_on(uow, act, work.by_person), work)
        return Changed(of, before, after, tags=(was, is_now))

    return await call.once(act_once, of)


async def _shown(uow: UnitOfWork, case: Case, work: Work) -> tuple[ExceptionAnswer, str]:
    """It, and its tag: that of what people did, since whose it is and what is known of it is what they change."""
    acts = (await acts_about(uow, [case.exception_id])).get(case.exception_id, ())
    tag = etag_of(case.exception_id, case.resolved_at is None, [act.act_id for act in acts])
    return ExceptionAnswer.of(case, acts, work), tag
