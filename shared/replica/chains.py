"""Chains of contract versions as a service hears them: kept one by one, and used up to the last one without a
gap.

A message brings one version and says how many there are, so no chain is too long for a message of the bus,
and one that is not whole is known not to be: it is an exception until it is.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from shared.cases import NewCase, open_exception, resolve_exception
from shared.db.unit_of_work import UnitOfWork
from shared.topics.rating import ContractVersionMessage

INCOMPLETE, OWNER = "contract_chain_incomplete", "operations"
STORE_CONTRACTS = """
insert into {schema}.contracts as known (contract, revision, customer_id, customer, chain)
select * from unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::integer[])
on conflict (contract) do update set revision = excluded.revision, customer_id = excluded.customer_id,
    customer = excluded.customer,
    chain = excluded.chain
where known.revision < excluded.revision"""
STORE_VERSIONS = """
insert into {schema}.contract_versions as known (contract, version, revision, said)
select * from unnest($1::text[], $2::integer[], $3::bigint[], $4::jsonb[])
on conflict (contract, version) do update set revision = excluded.revision, said = excluded.said
where known.revision < excluded.revision returning contract, version"""
WITHOUT_A_GAP = """
select c.contract, c.chain, count(v.version) filter (where v.version = v.place) as usable from {schema}.contracts c left join (
    select contract, version, row_number() over (partition by contract order by version) as place
    from {schema}.contract_versions where contract = any($1)) v using (contract)
where c.contract = any($1) group by c.contract, c.chain order by c.contract"""
OPEN = "select reference from {schema}.exceptions where kind = $1 and resolved_at is null and reference = any($2)"


def chain_of(schema: str, contract: str) -> str:
    """The SQL expression of a contract's chain as far as it has no gap: [ContractVersion], oldest first; null
    where there is no first one."""
    return f"""(select jsonb_agg(v.said order by v.version) from (
        select said, version, row_number() over (order by version) as place from {schema}.contract_versions
            where contract = {contract}
    ) v where v.version = v.place)"""


async def hear_chains(uow: UnitOfWork, messages: Sequence[ContractVersionMessage], now: datetime) -> int:
    """Keep of each contract and of each version the newest revision; return how many of the messages brought
    a version that was newer."""
    in_order = sorted(messages, key=lambda message: message.revision)
    newest = {message.contract: message for message in in_order}
    versions = {
        (message.contract, version.version): (message, version)
        for message in in_order
        for version in message.said
    }
    contracts, keys = sorted(newest), sorted(versions)
    said = [newest[contract] for contract in contracts]
    await uow.connection.execute(
        STORE_CONTRACTS.format(schema=uow.schema),
        contracts,
        [m.revision for m in said],
        [m.customer_id for m in said],
        [m.customer for m in said],
        [m.count for m in said],
    )
    stored = await uow.connection.fetch(
        STORE_VERSIONS.format(schema=uow.schema),
        [contract for contract, _ in keys],
        [version for _, version in keys],
        [versions[key][0].revision for key in keys],
        [msgspec.to_builtins(versions[key][1]) for key in keys],
    )
    await _report_gaps(uow, contracts, now)
    return len({id(versions[row["contract"], row["version"]][0]) for row in stored})


async def _report_gaps(uow: UnitOfWork, contracts: Sequence[str], now: datetime) -> None:
    found = await uow.connection.fetch(WITHOUT_A_GAP.format(schema=uow.schema), list(contracts))
    short = {row["contract"]: row for row in found if row["usable"] < row["chain"]}
    for contract, row in short.items():
        detail = (
            f"of the {row['chain']} versions of {contract} the first {row['usable']} are here without a gap; what comes after is not used. "
            f"The others are on their way, or lost: then delete the row of contracts.versions in rating.retold, and all are told again."
        )
        await open_exception(uow, NewCase(INCOMPLETE, contract, detail, owner=OWNER), now)
    whole = [contract for contract in contracts if contract not in short]
    for row in await uow.connection.fetch(OPEN.format(schema=uow.schema), INCOMPLETE, whole):
        await resolve_exception(uow, INCOMPLETE, row["reference"], now)
