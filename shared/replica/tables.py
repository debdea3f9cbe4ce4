"""Tables of services that hear contracts and statements: versions of chains (`shared.replica.chains`) and pages
(`shared.replica.statement_pages`).

Apart from the verbs, because a running service does without SQLAlchemy: it costs a second of every start.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, Integer, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, UUID


def add_chain_tables(metadata: MetaData) -> Table:
    """Add contracts and their versions to a service's metadata; return `contracts`, for its indexes."""
    contracts = Table(
        "contracts",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("customer_id", Text, nullable=False),
        Column("customer", Text, nullable=False),
        # How many versions there are; those that are here are in contract_versions.
        Column("chain", Integer, nullable=False),
    )
    Table(
        "contract_versions",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("revision", BigInteger, nullable=False),
        Column("said", JSONB, nullable=False),  # ContractVersion
    )
    return contracts


def chains_apart(schema: str) -> tuple[str, ...]:
    """The DDL that takes chains apart which were stored whole, in one column of `contracts`."""
    return (
        f"""create table {schema}.contract_versions (contract text, version integer, revision bigint not null,
            said jsonb not null,
            primary key (contract, version))""",
        f"""insert into {schema}.contract_versions (contract, version, revision, said)
            select contract, (said->>'version')::integer, revision, said
                from {schema}.contracts, jsonb_array_elements(versions) said""",
        f"alter table {schema}.contracts add column chain integer",
        f"update {schema}.contracts set chain = jsonb_array_length(versions)",
        f"alter table {schema}.contracts alter column chain set not null, drop column versions",
    )


def chains_whole(schema: str) -> tuple[str, ...]:
    """The DDL that undoes it."""
    return (
        f"alter table {schema}.contracts add column versions jsonb not null default '[]', drop column chain",
        f"""update {schema}.contracts c set versions = coalesce(
            (select jsonb_agg(said order by version) from {schema}.contract_versions v
                where v.contract = c.contract), '[]')""",
        f"alter table {schema}.contracts alter column versions drop default",
        f"drop table {schema}.contract_versions",
    )


def add_page_table(metadata: MetaData) -> None:
    """Add the table of pages to the metadata of a service that hears statements."""
    # Of revisions whose pages are not all here yet.
    Table(
        "statement_pages",
        metadata,
        Column("statement_id", UUID(as_uuid=False), primary_key=True),
        Column("revision", BigInteger, primary_key=True),
        Column("page", Integer, primary_key=True),
        Column("pages", Integer, nullable=False),
        Column("document", JSONB, nullable=False),
        CheckConstraint("page between 1 and pages", name="statement_pages_within"),
    )


def page_table(schema: str) -> str:
    """The DDL of the table of pages."""
    return f"""create table {schema}.statement_pages (statement_id uuid, revision bigint, page integer,
        pages integer not null,
        document jsonb not null, primary key (statement_id, revision, page),
            constraint statement_pages_within check (page between 1 and pages))"""
