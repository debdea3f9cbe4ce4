"""Refuse a version that reaches into final periods, unless whoever applies it says that it corrects them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.rating.contracts.memory import Chain
from services.rating.corrections.rows import Place
from services.rating.corrections.usecases.find_counting import find_counting
from services.rating.corrections.usecases.price_again import Correction, PricedAgain, price_again
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.topics.rating import StatementMessage
from shared.values.instants import written
from shared.values.money import currency, format_minor


class ReachesFinalPeriods(AppError):
    """This version changes what final periods come to; nothing was recorded."""

    kind = Kind.CONFLICT


class ReachesFinal(Exception):
    """A chain whose newest version reaches into these final periods: refused, so nothing is recorded. What it would
    change is priced afterwards, in a snapshot that holds nothing (see `what_would_change`)."""

    def __init__(self, chain: Chain, touched: Sequence[Place]) -> None:
        super().__init__(chain[-1].terms.contract)
        self.chain, self.touched = chain, touched


async def what_would_change(uow: UnitOfWork, reached: ReachesFinal, now: datetime) -> ReachesFinalPeriods:
    """The refusal, which says of each of the final periods which of its lines would change, and which document would
    follow, by the usage that is folded now. All reads share a snapshot."""
    chain = reached.chain
    contract = chain[-1].terms.contract
    chains = {contract: chain}
    counting = await find_counting(uow, reached.touched, chains)
    found, _ = await price_again(uow, [*reached.touched, *counting], chains, now, keeping=None)
    found = [one for one in found if one.period.place not in counting or one.changes]
    errors = [_error(one) for one in found]
    documents = sum(len(error["documents"]) for error in errors)
    return ReachesFinalPeriods(
        f"{contract} from {written(chain[-1].effective_at)} on reaches into {len(found)} final periods, "
        f"{found[0].due.period.start_date} to {found[-1].due.period.end_date}, and {documents} notes would follow; "
        "say ?corrects_final=true to correct them at the next close, or let it take force after them",
        errors=errors,
    )


def _error(found: PricedAgain) -> dict[str, Any]:
    period = found.due.period
    said = {
        "path": "effective",
        "code": "reaches_final_periods",
        "period": {"start": period.start_date.isoformat(), "end": period.end_date.isoformat()},
    }
    if not isinstance(found.made, Correction):
        detail = f"it cannot be priced by this version: {found.made.detail}"
        return {**said, "detail": detail, "lines": [], "documents": []}
    outcome = found.made.outcome
    documents = [] if outcome != "note" else [_document(one.message) for one in found.made.all]
    detail = {
        "note": "a note would follow",
        "carried": "too little would change: it is carried",
        "waived": "too little would change: it is waived",
        "unchanged": "no line would change",
    }[outcome]
    return {
        **said,
        "detail": detail,
        "lines": [line for one in found.made.all for line in _lines(found, one.message)],
        "documents": documents,
    }


def _lines(found: PricedAgain, message: StatementMessage) -> list[dict[str, Any]]:
    """Each line that would change: what is settled of it, and what it would come to."""
    money, before = currency(message.currency), found.earlier.asked()
    changed = {line.line_id: line for line in message.asked}
    now = {line.line_id: line.amount_minor for line in message.lines}
    return [
        {
            "key": line.key,
            "before": format_minor(before[name].amount_minor if name in before else 0, money),
            "after": format_minor(now.get(name, 0), money),
        }
        for name, line in changed.items()
    ]


def _document(message: StatementMessage) -> dict[str, str]:
    total = message.document_minor - message.drawn_minor
    return {
        "kind": "credit_note" if total < 0 else "debit_note",
        "total": format_minor(total, currency(message.currency)),
    }
