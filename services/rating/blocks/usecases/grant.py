"""Grant a block by a call."""

from datetime import date, datetime
from decimal import Decimal

from services.rating.blocks.repository import BlockRepository
from services.rating.blocks.requests import BlockDocument
from services.rating.blocks.rows import BlockContract, NewBlock, NewRow
from services.rating.blocks.usecases.ask_beforehand import keep_prepayment
from services.rating.blocks.usecases.tell_rows import write_rows
from services.rating.contracts.memory import Chain, load_chains
from services.rating.contracts.repository import ContractRepository
from shared.db.unit_of_work import UnitOfWork
from shared.errors import AppError, Kind
from shared.pricing.blocks.agreed import expiry_of
from shared.pricing.language import Terms
from shared.values.ids import new_id
from shared.values.money import MINOR_MAX, Rounding, currency, settle
from shared.values.period import local_midnight

BLOCKS_MAX = 200
BY_CALL = "granted"


class BlockInvalid(AppError):
    """The block does not fit its contracts; `errors` names the fault with its path."""


class TooManyBlocks(AppError):
    """A contract draws on so many blocks already."""

    kind = Kind.CONFLICT


async def grant_block(uow: UnitOfWork, document: BlockDocument, now: datetime) -> str:
    """Grant it, ask for the open statements that may draw on it, and return its id. What is final stays as it is. A
    prepaid one is asked for as it begins, unless its document is none."""
    blocks = BlockRepository(uow.connection)
    chains, customer_id = await _contracts(uow, document)
    for contract, count in (await blocks.count_of(document.draws, now)).items():
        if count >= BLOCKS_MAX:
            raise TooManyBlocks(f"{contract} draws on {count} blocks already; let some end first")
    terms = chains[document.draws[0]][-1].terms
    block = _block(document, customer_id, terms, now)
    turns = [BlockContract(block.block_id, contract, turn) for turn, contract in enumerate(document.draws)]
    await blocks.add([block], turns)
    row = NewRow(block.block_id, "grant", block.granted_minor, block.effective, now, BY_CALL)
    await write_rows(uow, [row])
    if document.asked_for:
        await _ask_for(uow, block, terms)
    await blocks.ask_others([block.block_id], (), ())
    return block.block_id


def _block(document: BlockDocument, customer_id: str, terms: Terms, now: datetime) -> NewBlock:
    """Return the block as it is granted. Raises BlockInvalid."""
    effective = _instant(document.effective, terms) or now
    ends = expiry_of(document.expires, terms.timezone)
    if ends is not None and ends <= effective:
        raise _invalid(
            "expires", "expires_before_it_begins", "It would never pay; write an expiry after that."
        )
    minor = minor_of(document.amount, document.currency, "amount")
    block_id = new_id("blk")
    return NewBlock(
        block_id,
        customer_id,
        block_id,
        document.kind,
        document.currency,
        effective,
        ends,
        now,
        document.priority,
        "normal",
        None if document.applies_to is None else tuple(document.applies_to),
        (),
        minor,
        document.reason,
        asked_for=document.asked_for,
        document=None if document.kind == "promotional" else document.document or "prepayment",
        cost_basis=document.cost_basis,
    )


async def _ask_for(uow: UnitOfWork, block: NewBlock, terms: Terms) -> None:
    """Have a document ask for it as it begins: now where the period in which it does is open, else as that opens."""
    blocks = BlockRepository(uow.connection)
    start, held = (
        await blocks.period_of(terms.contract, block.effective),
        await blocks.hold_one(block.block_id),
    )
    assert held is not None, "it was granted here"
    if start is not None:
        await keep_prepayment(uow, held, terms, start)
    elif not _opens_later(terms, block.effective):
        raise _invalid(
            "effective",
            "no_period",
            f"{terms.contract} has no period in which a document asks for it; write an instant within its term, or "
            "document: none.",
        )


def _opens_later(terms: Terms, instant: datetime) -> bool:
    """Whether a period that is not open yet holds the instant, or follows on it."""
    first = local_midnight(terms.term.start, terms.timezone)
    return instant < first or terms.calendar.containing(instant) is not None


def minor_of(amount: Decimal, code: str, path: str) -> int:
    """Return the amount in whole minor units. Raises BlockInvalid."""
    to = currency(code)
    settled = settle(amount, to, Rounding.DOWN)
    if settled.to_decimal() != amount:
        raise _invalid(
            path, "not_whole_minor_units", f"{code} has {to.exponent} decimals; write whole minor units."
        )
    if abs(settled.minor) > MINOR_MAX:
        raise _too_large(path)
    return settled.minor


async def _contracts(uow: UnitOfWork, document: BlockDocument) -> tuple[dict[str, Chain], str]:
    """Return the contracts' chains, and whose they are. Raises BlockInvalid."""
    contracts = ContractRepository(uow.connection)
    chains, owners = await load_chains(contracts, document.draws), dict[str, str]()
    for at, name in enumerate(document.draws):
        path = f"contracts[{at}]" if document.contracts else "contract"
        row = await contracts.contract(name)
        if row is None or name not in chains:
            raise _invalid(path, "contract_unknown", f"There is no contract {name}; apply its terms first.")
        owners[name] = row.customer_id
        if document.customer not in (None, row.external_id):
            raise _invalid(
                path, "of_another_customer", f"{name} is of {row.external_id}; name its own contracts."
            )
        if chains[name][-1].terms.currency != document.currency:
            raise _invalid(
                "currency",
                "of_another_currency",
                f"{name} is billed in {chains[name][-1].terms.currency}; write that.",
            )
    return chains, owners[document.draws[0]]


def _instant(moment: date | datetime | None, terms: Terms) -> datetime | None:
    if moment is None or isinstance(moment, datetime):
        return moment
    return local_midnight(moment, terms.timezone)


def _too_large(path: str) -> BlockInvalid:
    return _invalid(path, "too_large", f"It is more than can be billed, {MINOR_MAX} minor units; write less.")


def _invalid(path: str, code: str, detail: str) -> BlockInvalid:
    return BlockInvalid(f"{path}: {detail}", errors=[{"path": path, "code": code, "detail": detail}])
