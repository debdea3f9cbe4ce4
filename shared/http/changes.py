"""Calls that change something: who acts, what is written of it, and with an Idempotency-Key at most once.

    Change = Annotated[ChangingCall, changing("contracts:write")]

    async def add_alias(external_id: AskedSubject, document: AliasDocument, call: Change) -> Response:
        of = Of("customer", external_id)

        async def act(uow: UnitOfWork) -> Changed:
            before = CustomerAnswer.of(await usecases.find_customer(uow, external_id))
            return Changed(of, before, CustomerAnswer.of(await usecases.add_alias(uow, external_id, document.alias)))

        return await call.once(act, of)

A route that changes something and does not take such a call, or says by `changes_nothing` why it needs none, stops
the service at start (ADR 0035).
"""

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

import msgspec
from fastapi import Depends, Header, Request
from fastapi.responses import Response
from pydantic import BaseModel

from shared.audit import AuditRow, write_audit
from shared.db.unit_of_work import Database, UnitOfWork
from shared.errors import refuses
from shared.http.answers import Answer
from shared.http.etags import ChangedMeanwhile, hold_to
from shared.http.idempotency import HEADER as IDEMPOTENCY_HEADER
from shared.http.idempotency import REFUSED, Asked, Saved, asked_once, forget_claim, keep, saved_answer
from shared.http.keys import ACTOR_HEADER, ACTOR_SCOPE, AccessKey, actor_of, requires
from shared.runtime.clock import machine_now
from shared.runtime.context import context_of
from shared.values.ids import new_ids
from shared.values.names import ACTOR, IDEMPOTENCY_KEY

Function = TypeVar("Function", bound=Callable[..., Any])
REPLAYED = "Idempotent-Replayed"
#: What the API shows: an answer, or a plan, whose members are not ours alone.
Shown = Answer | BaseModel


@dataclass(frozen=True, slots=True)
class Of:
    """What a call changes: an object of the API, as its answers call it, and its id."""

    object: str
    id: str


@dataclass(frozen=True, slots=True)
class Changed:
    """One object before and after a call, as the API shows it without secrets; None where there was, or is, none.
    `answer`: what the caller is told, where that is not `after`. `same`: nothing was changed, so no row says that
    something was. `tags`: the ETags of before and after, of what a person edits."""

    of: Of
    before: Shown | None
    after: Shown | None
    answer: Shown | None = None
    same: bool = False
    tags: tuple[str | None, str | None] = (None, None)


Act = Callable[[UnitOfWork], Awaitable[Changed]]


@dataclass
class ChangingCall:
    """One call that changes something. `actor`: whom U2C-Actor names, else the key."""

    request: Request
    db: Database
    key: AccessKey
    actor: str
    _asked: Asked | None = None
    _kept: bool = False

    @property
    def request_id(self) -> str:
        trace: str = self.request.scope["u2c_trace"]
        return trace

    async def once(self, act: Act, of: Of | None = None, status: int = 200) -> Response:
        """Do it in one transaction with its audit row, and answer with what it returns.

        `of`: whose changes take turns, so that `before` is what was there; None where it is only being made.
        """
        asked = await asked_once(self.request, self.key.key_id)
        async with self.db.transaction(trace=self.request_id) as uow:
            if asked and (saved := await saved_answer(uow, asked)):
                return _answered(saved, replayed=True)
            if of is not None:
                await _take_turn(uow, of)
            changed = await act(uow)
            before, after = changed.tags
            hold_to(self.request, before)
            await self.note(uow, [changed])
            answer = Saved(status, _written(changed.after if changed.answer is None else changed.answer))
            if asked:
                await keep(uow, asked, answer)
        return _answered(answer, tag=after)

    async def all_at_once(
        self, of: Sequence[Of], act: Callable[[UnitOfWork], Awaitable[tuple[Sequence[Changed], Shown]]]
    ) -> Response:
        """Change several objects in one transaction with an audit row each, or none of them; answer with the other thing
        that `act` returns. Of each, changes take turns."""
        hold_to(self.request, None)
        asked = await asked_once(self.request, self.key.key_id)
        async with self.db.transaction(trace=self.request_id) as uow:
            if asked and (saved := await saved_answer(uow, asked)):
                return _answered(saved, replayed=True)
            for one in sorted(set(of), key=lambda named: (named.object, named.id)):
                await _take_turn(uow, one)
            changes, told = await act(uow)
            await self.note(uow, changes)
            answer = _saved(told)
            if asked:
                await keep(uow, asked, answer)
        return _answered(answer)

    async def in_steps(self, work: Callable[[], Awaitable[Shown]]) -> Response:
        """Do what cannot be one transaction, since it waits for others on its way: `work` calls `note` in the
        transaction of each change. Its Idempotency-Key is claimed meanwhile."""
        hold_to(self.request, None)
        self._asked = asked = await asked_once(self.request, self.key.key_id)
        if asked is None:
            return _answered(_saved(await work()))
        async with self.db.transaction() as uow:
            if saved := await saved_answer(uow, asked):
                return _answered(saved, replayed=True)
            await keep(uow, asked, None)
        try:
            answer = _saved(await work())
        except BaseException:
            await self._let_go(asked)
            raise
        if not self._kept:
            async with self.db.transaction() as uow:
                await keep(uow, asked, answer)
        return _answered(answer)

    async def note(self, uow: UnitOfWork, changes: Sequence[Changed], answer: Shown | None = None) -> None:
        """Write the audit rows of these changes in their transaction. `answer`: what the caller is told once the
        steps are done, kept with the last of them."""
        made = [changed for changed in changes if not changed.same]
        at, ids = machine_now(), new_ids("aud", len(made))
        rows = [self._row(changed, audit_id, at) for changed, audit_id in zip(made, ids, strict=True)]
        if rows:
            await write_audit(uow, rows)
        if answer is not None and self._asked is not None:
            await keep(uow, self._asked, _saved(answer))
            uow.when_committed(self._is_kept)

    async def _let_go(self, asked: Asked) -> None:
        if not self._kept:
            async with self.db.transaction() as uow:
                await forget_claim(uow, asked)

    def _is_kept(self) -> None:
        self._kept = True

    def _row(self, changed: Changed, audit_id: str, at: datetime) -> AuditRow:
        return AuditRow(
            audit_id,
            at,
            self.actor,
            self.key.key_id,
            self.request.scope["route"].operation_id,
            changed.of.object,
            changed.of.id,
            as_audited(changed.before),
            as_audited(changed.after),
            self.request_id,
        )


def changing(scope: str) -> Any:
    """A route's dependency: the call of a key with this scope, which changes something."""

    @refuses(*REFUSED, ChangedMeanwhile)
    async def called(
        request: Request,
        key: Annotated[AccessKey, requires(scope)],
        _idempotency_key: Annotated[
            str | None,
            Header(
                alias=IDEMPOTENCY_HEADER,
                description="The same call twice under one key is one effect and one answer, for a week",
                json_schema_extra={"pattern": f"^[!-~]{{1,{IDEMPOTENCY_KEY.characters_max}}}$"},
            ),
        ] = None,
        _actor: Annotated[
            str | None,
            Header(
                alias=ACTOR_HEADER,
                description=f"Who acts, where the key has the scope `{ACTOR_SCOPE}`; else the key does",
                examples=["usr_1"],
                json_schema_extra={"pattern": f"^{ACTOR}$"},
            ),
        ] = None,
    ) -> ChangingCall:
        return ChangingCall(request, context_of(request).db, key, actor_of(request, key))

    called.u2c_scope = scope  # type: ignore[attr-defined]
    called.u2c_changes = True  # type: ignore[attr-defined]
    return Depends(called)


def changes_nothing(because: str) -> Callable[[Function], Function]:
    """State, at a route that is no GET, why nobody acts by it: its calls are not audited."""
    assert because

    def stated(function: Function) -> Function:
        function.u2c_changes_nothing = because  # type: ignore[attr-defined]
        return function

    return stated


def as_audited(shown: Shown | None) -> dict[str, object] | None:
    """The object as JSON. An answer that shows a secret is refused: it is shown once."""
    if shown is None:
        return None
    found = _as_json(shown)
    assert "secret" not in found, f"{type(shown).__name__} shows a secret; audit what is shown afterwards"
    return found


def _as_json(shown: Shown) -> dict[str, object]:
    found: dict[str, object] = shown.as_json() if isinstance(shown, Answer) else shown.model_dump(mode="json")
    return found


def shown(answer: Shown) -> Response:
    """The answer of a call that only says what it would do, as `dry_run` asks."""
    return _answered(_saved(answer))


def _saved(shown: Shown) -> Saved:
    return Saved(200, _written(shown))


def _written(shown: Shown | None) -> bytes:
    return b"" if shown is None else msgspec.json.encode(_as_json(shown))


def _answered(answer: Saved, *, replayed: bool = False, tag: str | None = None) -> Response:
    headers = {**({REPLAYED: "true"} if replayed else {}), **({"ETag": tag} if tag else {})}
    return Response(
        answer.body, answer.status, headers, media_type="application/json" if answer.body else None
    )


async def _take_turn(uow: UnitOfWork, of: Of) -> None:
    """Wait until nobody else changes this object, and let nobody until this transaction ends."""
    digest = hashlib.sha256(f"{uow.schema}\0{of.object}\0{of.id}".encode()).digest()
    await uow.connection.execute(
        "select pg_advisory_xact_lock($1)", int.from_bytes(digest[:8], "big", signed=True)
    )
