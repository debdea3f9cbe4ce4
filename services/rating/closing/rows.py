"""The statements of a month, as rows, and what those that are open wait for."""

from dataclasses import dataclass
from datetime import date, datetime

from services.rating.statements.rows import State


@dataclass(frozen=True, slots=True)
class StateTotal:
    """The statements of one state and currency, and what they come to as priced last. None: never priced."""

    state: State
    currency: str | None
    statements: int
    subtotal_minor: int | None


@dataclass(frozen=True, slots=True)
class OpenStatement:
    """A statement that is not final.

    Amount and currency are as priced last, None before. `older_open`: an earlier period of the contract is open;
    `asked`: something asks for it to be priced; `marks`: how many wait that may touch it, None where more than WAITING_MAX
    wait in all. Exception, detail and owner are those of what holds it.
    """

    contract: str
    external_id: str
    period_start: datetime
    start_date: date
    end_date: date
    state: State
    close_due_at: datetime
    currency: str | None
    subtotal_minor: int | None
    older_open: bool
    asked: bool
    marks: int | None
    exception_id: str | None
    detail: str | None
    owner: str | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """What no statement knows yet of what is stored: batches that are not folded, marks that are no requests, each
    counted up to WAITING_MAX; and since when the oldest of them waits."""

    batches: int
    marks: int
    since: datetime | None
