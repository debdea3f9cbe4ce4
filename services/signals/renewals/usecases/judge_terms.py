"""Judge terms by what followed them, once that is known: the days after are evaluated, the periods are final, and what they
come to is on documents.

Use and money of a time that is over still change, by late usage and corrections. So a judgement is made anew once a week
until 90 days after the three months, and each that differs is kept beside those before; then it stands.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from services.signals.domain.customer_day import Contract
from services.signals.domain.outcomes import Aftermath, SettledPeriod, Term, judge
from services.signals.renewals.repository import RenewalRepository
from services.signals.renewals.rows import DueTerm, JudgedWord, SettledLine, StatementHeard
from services.signals.replica.memory import ContractUnreadable, chain_of
from services.signals.replica.repository.replica import ReplicaRepository
from services.signals.replica.repository.settled import SettledRepository
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.language import Terms
from shared.pricing.renewal import is_active
from shared.values.period import add_months, local_date, local_midnight

REVISED: Final = timedelta(days=90)
AGAIN: Final = timedelta(days=7)
#: A fee that has its own months is compared where these are as many times in three months as in any other three.
COMPARED_MONTHS: Final = (None, 1, 3)


class _Agreed(NamedTuple):
    """A customer's contracts as heard: name → its versions' terms, oldest first."""

    contracts: dict[str, tuple[Terms, ...]]

    def terms(self, contract: str, day: date) -> Terms:
        """Those in force as a local day begins; before the first version those of the first."""
        versions = self.contracts[contract]
        begun = [terms for terms in versions if terms.effective_at <= local_midnight(day, terms.timezone)]
        return begun[-1] if begun else versions[0]

    def is_compared(self, line: SettledLine) -> bool:
        """Whether what is settled of a line is of the months in which it is: not of the whole year before."""
        found = [
            terms.by_key[line.key]
            for terms in self.contracts.get(line.contract, ())
            if line.key in terms.by_key
        ]
        return all(one.own_months in COMPARED_MONTHS for one in found)

    def has_document(self, one: StatementHeard, documented: Collection[tuple[str, date]]) -> bool:
        """Whether a document of its period is here, or none is to come."""
        zones = {terms.timezone for terms in self.contracts.get(one.contract, ())}
        begins = {local_date(one.period_start, zone) for zone in zones}
        return not one.asks or any((one.contract, day) in documented for day in begins)


async def judge_terms(uow: UnitOfWork, now: datetime, terms_max: int) -> int:
    """Look at up to `terms_max` terms that are due; return how many were found."""
    renewals = RenewalRepository(uow.connection)
    # a day ahead: a customer's own may have begun
    claimed = await renewals.claim(now.date() + timedelta(days=1), terms_max)
    for due in claimed:
        await _look_at(uow, due, now)
    return len(claimed)


async def _look_at(uow: UnitOfWork, due: DueTerm, now: datetime) -> None:
    renewals, term = RenewalRepository(uow.connection), Term(due.contract, due.term_end, due.goes_on)
    before = await renewals.last_judgement(due.contract, due.term_end)
    if before is not None and due.next_on > term.after + REVISED:
        await renewals.look_again(due, None)
        return
    known = await _aftermath(uow, due, term)
    if known is None:
        await renewals.look_again(due, due.next_on)
        return
    found = judge(term, known)
    if found != before:
        await renewals.judge(JudgedWord(due.contract, due.term_end, found.outcome, now, found))
    await renewals.look_again(due, due.next_on + AGAIN)


async def _aftermath(uow: UnitOfWork, due: DueTerm, term: Term) -> Aftermath | None:
    """What followed the term; None while some of it is not known."""
    agreed = await _agreed(uow, due.customer_id)
    if agreed is None or due.contract not in agreed.contracts:
        return None
    renewals, asked = RenewalRepository(uow.connection), term.contract if term.goes_on else None
    if await SettledRepository(uow.connection).awaited([due.customer_id]) or not await _is_settled(
        uow, due, term, agreed
    ):
        return None
    lines = await renewals.settled(asked, due.customer_id, term.before, term.after)
    return Aftermath(
        used_on=await _used_on(uow, due, term, agreed),
        settled=_periods([line for line in lines if agreed.is_compared(line)]),
        is_older=agreed.contracts[term.contract][0].term.start <= term.before,
    )


async def _agreed(uow: UnitOfWork, customer_id: str) -> _Agreed | None:
    """None where one of the contracts cannot be read."""
    rows = await ReplicaRepository(uow.connection).contracts_of(customer_id)
    try:
        contracts = [Contract(row.contract, chain_of(row.contract, row.versions)) for row in rows]
    except ContractUnreadable:
        return None
    return _Agreed({one.contract: tuple(version.terms for version in one.versions) for one in contracts})


async def _is_settled(uow: UnitOfWork, due: DueTerm, term: Term, agreed: _Agreed) -> bool:
    """Whether every period of the six months is final with its document, up to the end of the three months after, or of
    a contract that ended sooner."""
    terms, renewals = agreed.terms(term.contract, term.end), RenewalRepository(uow.connection)
    span = local_midnight(term.before, terms.timezone), local_midnight(term.after, terms.timezone)
    asked = term.contract if term.goes_on else None
    statements = await renewals.statements(asked, due.customer_id, span)
    documented = await renewals.documented(
        sorted({one.contract for one in statements}), add_months(term.before, -1)
    )
    if not all(one.final and agreed.has_document(one, documented) for one in statements):
        return False
    last = term.after - timedelta(days=1)
    if not term.goes_on or not is_active(agreed.terms(term.contract, last), last):
        return True
    return max((one.period_end for one in statements), default=datetime.min.replace(tzinfo=UTC)) >= span[1]


async def _used_on(uow: UnitOfWork, due: DueTerm, term: Term, agreed: _Agreed) -> set[date] | None:
    """The days of use of the customer, on any meter; None where the contract prices none and none was ever used."""
    renewals = RenewalRepository(uow.connection)
    if not agreed.terms(term.contract, term.end).usage_lines and not await renewals.ever_used(
        due.customer_id
    ):
        return None
    return await renewals.used_on(due.customer_id, term, due.timezone)


def _periods(lines: Sequence[SettledLine]) -> tuple[SettledPeriod, ...]:
    return tuple(SettledPeriod(one.start_date, one.end_date, one.currency, one.minor) for one in lines)
