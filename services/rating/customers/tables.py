"""Tables of customers."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, MetaData, Table, Text

from services.rating.catalogue.tables import NAME
from shared.tables import INSTANT


def add_customer_tables(metadata: MetaData) -> None:
    Table(
        "customers", metadata,
        Column("customer_id", Text, primary_key=True),
        Column("external_id", Text, nullable=False, unique=True),
        Column("name", Text, nullable=False),
        Column("legal_entity", Text, nullable=False),
        Column("timezone", Text, nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("created_at", INSTANT, nullable=False),     # business clock
    )
    Table(
        "subjects", metadata,                              # the external id and every alias: an event's subject → customer in one look-up
        Column("subject", NAME, primary_key=True),
        Column("customer_id", Text, ForeignKey("rating.customers.customer_id"), nullable=False),
        Column("alias", Boolean, nullable=False),
        Index("subjects_customer", "customer_id"),
    )
