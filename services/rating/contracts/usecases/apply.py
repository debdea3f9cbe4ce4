"""Apply a terms document: the first version of a contract, or the next one of its chain."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.rating.blocks.usecases.ask_beforehand import keep_asked
from services.rating.contracts.domain.chain import close_due_at, period_from
from services.rating.contracts.memory import Chain, chain_of
from services.rating.contracts.repository import ContractRepository
from services.rating.contracts.rows import NewVersion, PeriodRow
from services.rating.contracts.usecases.name_priced_values import name_priced_values
from services.rating.contracts.usecases.open_periods import open_periods
from services.rating.contracts.usecases.refuse_double_pricing import refuse_double_pricing
from services.rating.contracts.usecases.refuse_other_spelling import refuse_other_spelling
from services.rating.contracts.usecases.tell_versions import tell_newest
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import Place
from services.rating.corrections.usecases.refuse_reaching_final import ReachesFinal
from services.rating.corrections.usecases.run_due import schedule_runs
from services.rating.metering.naming.usecases import ask_recounts
from shared.db.plans import keep_plans
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.pricing.faults import TermsInvalid
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms, check_amendment, content_hash, parse_terms, to_document
from shared.values.names import KEY
from shared.values.period import ServicePeriod

VERSIONS_MAX = 1000
RESERVED = frozenset({"schema"})  # GET /v1/contracts/schema answers something else


class CustomerUnknown(AppError):
    """The contract names a customer that does not exist."""


class MeterUnknown(AppError):
    """The contract prices a meter that is not in the catalogue."""


class PlanUnknown(AppError):
    """The contract names a plan that is not in the catalogue."""


class VersionsExhausted(AppError):
    """This contract has as many versions as one contract may have."""

    kind = Kind.CONFLICT


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a document did, or would do: the version it stands for, and whether that version is
    new."""

    contract: str
    version: int
    created: bool
    terms: Terms


async def apply_document(
    uow: UnitOfWork,
    document: Mapping[str, Any],
    now: datetime,
    *,
    dry_run: bool = False,
    corrects_final: bool = False,
) -> Applied:
    """Record the document as the next version of its contract, unless it says what the newest version says.

    A meter that another contract of the customer prices at the same time is refused, unless one of the two
    names it in `shares_meters`. Opens the periods that have begun, asks for every open statement to be priced
    again, and tells contracts.versions. One that reaches into final periods must say `corrects_final`, else raises ReachesFinal.
    """
    await keep_plans(uow.connection)  # all is about one contract, its customer and its periods, by their keys
    contracts = ContractRepository(uow.connection)
    terms = await _read(contracts, document)
    customer_id = await _check(contracts, terms)
    if not dry_run:
        await _hold(uow, contracts, terms, customer_id)
    chain = chain_of(await contracts.versions(terms.contract))
    if chain:
        check_amendment(chain[-1].terms, terms, [version.terms for version in chain[:-1]])
        if chain[-1].content_hash == content_hash(terms):
            return Applied(terms.contract, chain[-1].version, False, chain[-1].terms)
    await _refuse_another(contracts, chain, terms, dry_run=dry_run)
    added = VersionInForce(len(chain) + 1, terms.effective_at, terms, content_hash(terms))
    await refuse_double_pricing(contracts, customer_id, (*chain, added))
    periods = await contracts.hold_periods(terms.contract)
    redrawn = _redrawn(terms, [period for period in periods if not period.final])
    touched = _touched(terms.contract, periods, added)
    if touched and not corrects_final:
        raise ReachesFinal((*chain, added), touched)
    if not dry_run:
        await contracts.add_version(terms.contract, _recorded(added, now, corrects_final=bool(touched)))
        await _follow(uow, contracts, (*chain, added), periods, redrawn, now)
        await _mark(uow, terms.contract, touched, now)
        await tell_newest(uow, terms.contract)
    return Applied(terms.contract, added.version, True, terms)


async def _refuse_another(
    contracts: ContractRepository, chain: Chain, terms: Terms, *, dry_run: bool
) -> None:
    """Refuse a version beyond the most that a contract has, and a first one that writes its legal entity as nobody does."""
    if not chain:
        await refuse_other_spelling(contracts, terms, dry_run=dry_run)
    if len(chain) >= VERSIONS_MAX:
        raise VersionsExhausted(f"{terms.contract} has {len(chain)} versions; sign a new contract")


def _recorded(added: VersionInForce, now: datetime, *, corrects_final: bool) -> NewVersion:
    return NewVersion(
        added.version,
        added.effective_at,
        now,
        added.content_hash,
        to_document(added.terms),
        corrects_final,
    )


async def _read(contracts: ContractRepository, document: Mapping[str, Any]) -> Terms:
    name = document.get("plan")
    if not isinstance(name, str) or not re.fullmatch(KEY, name):
        # Without a plan, or one whose name is refused with its path.
        return parse_terms(document)
    plan = await contracts.plan(name)
    if plan is None:
        fault = _at("plan", "plan_unknown", "no such plan")
        raise PlanUnknown(f"there is no plan {name!r}; create it with POST /v1/plans first", errors=[fault])
    return parse_terms(document, plan=plan)


async def _check(contracts: ContractRepository, terms: Terms) -> str:
    """Return the customer's id. What a contract rests on must be there first, or its usage would be priced by
    a guess."""
    if terms.contract in RESERVED:
        detail = f"no contract is called {terms.contract}: its address would be that of the terms' schema"
        raise TermsInvalid(detail, errors=[_at("contract", "name_reserved", detail)])
    unknown = await contracts.unknown_meters([line.meter for line in terms.usage_lines])
    if unknown:
        faults = [
            _at(f"lines[{index}].meter", "meter_unknown", f"there is no meter {line.meter}")
            for index, line in enumerate(terms.lines)
            if line.kind == "usage" and line.meter in unknown
        ]
        raise MeterUnknown(
            f"no such meter: {', '.join(unknown)}; create it with POST /v1/meters first", errors=faults
        )
    customer_id = await contracts.customer_id(terms.customer)
    if customer_id is None:
        fault = _at("customer", "customer_unknown", f"there is no customer {terms.customer}")
        raise CustomerUnknown(
            f"there is no customer {terms.customer!r}; create it with POST /v1/customers first",
            errors=[fault],
        )
    return customer_id


async def _hold(uow: UnitOfWork, contracts: ContractRepository, terms: Terms, customer_id: str) -> None:
    """Hold the customer and the contract. What was counted in `other` and is named by these terms is counted
    again in the months that no final period touches; the others keep it."""
    turned_away = await name_priced_values(uow, terms)
    await contracts.hold_customer(customer_id)
    await contracts.create(terms.contract, customer_id)
    if turned_away:
        await ask_recounts(uow, await contracts.open_months(turned_away, terms.contract))


def _redrawn(terms: Terms, open_rows: list[PeriodRow]) -> list[ServicePeriod]:
    """Return the open periods as the amended term draws them. An amendment cannot take away a period that has
    begun."""
    redrawn = []
    for row in open_rows:
        period = period_from(terms.calendar, row.period_start)
        if period is None:
            detail = f"The period from {row.start_date} has begun and cannot be taken away; end the term after {row.end_date}."
            raise TermsInvalid(
                f"term: {detail}", errors=[_at("term.months", "term_cuts_opened_period", detail)]
            )
        redrawn.append(period)
    return redrawn


async def _follow(
    uow: UnitOfWork,
    contracts: ContractRepository,
    chain: tuple[VersionInForce, ...],
    periods: list[PeriodRow],
    redrawn: list[ServicePeriod],
    now: datetime,
) -> None:
    """Let what hangs on the chain follow: deadlines of open periods, the next period, and statements."""
    contract = chain[-1].terms.contract
    for period in redrawn:
        await contracts.redraw_period(contract, period, close_due_at(chain, period.end))
    ends = [period.end for period in redrawn] + [row.period_end for row in periods if row.final]
    await open_periods(uow, contract, chain, max(ends, default=None), now)
    await keep_asked(uow, contract, chain, [*_reached(chain, periods), *redrawn])
    await contracts.mark_open_periods(contract)


def _reached(chain: Chain, periods: Sequence[PeriodRow]) -> list[ServicePeriod]:
    """The final periods that the newest version reaches into: what falls due in them by it is asked for now, as its blocks
    pay them once they are corrected."""
    terms = chain[-1].terms
    starts = [start for _, start in _touched(terms.contract, periods, chain[-1])]
    found = [period_from(terms.calendar, start) for start in starts]
    return [period for period in found if period is not None]


def _touched(contract: str, periods: Sequence[PeriodRow], added: VersionInForce) -> list[Place]:
    """The final periods that a version reaches into."""
    return [
        (contract, row.period_start) for row in periods if row.final and row.period_end > added.effective_at
    ]


async def _mark(uow: UnitOfWork, contract: str, touched: Sequence[Place], now: datetime) -> None:
    """Have these final periods corrected at the next close, or, where none comes, at the next anchor."""
    if touched:
        corrections = CorrectionRepository(uow.connection)
        await corrections.mark(touched)
        await corrections.note_late(touched)
        await schedule_runs(uow, [contract], now)


def _at(path: str, code: str, detail: str) -> dict[str, str]:
    return {"path": path, "code": code, "detail": detail}
